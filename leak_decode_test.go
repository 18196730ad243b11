package gimlet_test

import (
	"strconv"
	"strings"
	"unicode"
)

// decodings calls f with the bytes of a line, and with those of every part of it
// that could be something encoded: in base64 and hexadecimal digits from
// whatever place, in lists of numbers as fmt prints bytes, with escapes. f must
// not keep what it gets.
func decodings(line string, f func([]byte)) {
	f([]byte(line))
	if strings.Contains(line, `\`) {
		f(unescaped(line))
	}
	var buf []byte
	for run := range runs(line, &base64Digit, 11) {
		for phase := range 4 {
			buf = digits(buf[:0], run[phase:], &base64Digit, 6)
			f(buf)
		}
	}
	for run := range runs(line, &hexDigit, 2*window) {
		for phase := range 2 {
			buf = digits(buf[:0], run[phase:], &hexDigit, 4)
			f(buf)
		}
	}
	numbers(line, f)
}

// A base is what each character stands for, or -1.
type base [256]int8

var (
	base64Digit = newBase("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", "-_", 62)
	hexDigit    = newBase("0123456789abcdef", "ABCDEF", 10)
)

func newBase(alphabet, also string, from int8) (b base) {
	for i := range b {
		b[i] = -1
	}
	for i, c := range []byte(alphabet) {
		b[c] = int8(i)
	}
	for i, c := range []byte(also) {
		b[c] = from + int8(i)
	}
	return b
}

// runs yields the parts of a line that have only digits of a base, if they
// have at least so many.
func runs(line string, b *base, least int) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		from := 0
		for i := 0; i <= len(line); i++ {
			if i < len(line) && b[line[i]] >= 0 {
				continue
			}
			if i-from >= least && !yield(line[from:i]) {
				return
			}
			from = i + 1
		}
	}
}

// digits appends the bytes that digits of so many bits each stand for.
func digits(buf []byte, text string, b *base, width uint) []byte {
	word, bits := uint(0), uint(0)
	for i := range len(text) {
		word = word<<width | uint(b[text[i]])
		if bits += width; bits >= 8 {
			bits -= 8
			buf = append(buf, byte(word>>bits))
		}
	}
	return buf
}

// unescaped undoes the escapes of %q and of JSON, wherever they stand.
func unescaped(line string) []byte {
	var b []byte
	for line != "" {
		plain, rest, found := strings.Cut(line, `\`)
		b = append(b, plain...)
		if !found {
			return b
		}
		c, multibyte, tail, err := strconv.UnquoteChar(`\`+rest, 0)
		switch {
		case err != nil: // a quotation mark, or no escape
			tail = rest
		case multibyte:
			b = append(b, string(c)...)
		default:
			b = append(b, byte(c))
		}
		line = tail
	}
	return b
}

// numbers calls f with every list of at least a window of numbers below 256,
// decimal, with 0x in front, or of two hexadecimal digits each.
func numbers(line string, f func([]byte)) {
	var lists [3][]byte
	add := func(i int, n uint64, ok bool) {
		if ok {
			lists[i] = append(lists[i], byte(n))
			return
		}
		if len(lists[i]) >= window {
			f(lists[i])
		}
		lists[i] = lists[i][:0]
	}
	for word := range strings.FieldsFuncSeq(line, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if len(word) > 4 {
			word = ""
		}
		n, err := strconv.ParseUint(word, 10, 8)
		add(0, n, err == nil)
		hex, prefixed := strings.CutPrefix(word, "0x")
		n, err = strconv.ParseUint(hex, 16, 8)
		add(1, n, err == nil && prefixed)
		add(2, n, err == nil && len(word) == 2)
	}
	for i := range lists {
		add(i, 0, false)
	}
}
