package gimlet_test

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// secrets are what nobody may be told, each with what it is.
type secrets map[string]string

// window is how many bytes of a secret are looked up at once.
const window = 8

// add keeps a secret. That of no session is none, and what is shorter than a
// window cannot be found.
func (s secrets) add(what, secret string) {
	if len(secret) >= window && s[secret] == "" && strings.Trim(secret, "\x00") != "" {
		s[strings.Clone(secret)] = what
	}
}

// The text of an envelope begins with its form: 1 for a sealed one, 2 for a
// signed one. In a cookie a digit stands in front of it.
var envelopeText = regexp.MustCompile(`^([1-8]?)(A([Q-Za-f]|[g-v])[\w-]{38,})$`)

// sealed keeps a cookie, one chunk of it, or a token. The form, the ID of the
// ring key and the day stand in front of what is secret.
func (s secrets) sealed(what, text string) {
	match := envelopeText.FindStringSubmatch(text)
	if match == nil {
		if len(text) >= 40 {
			s.add(what, text)
		}
		return
	}
	envelope := match[2]
	s.add(what, envelope[10:])
	b, _ := base64.RawURLEncoding.DecodeString(envelope[:len(envelope)/4*4])
	if b[0] == 1 { // the bytes of a signed one show the session's ID, which may be told
		s.add(what+", decoded", string(b[7:]))
	}
}

// presented keeps a cookie that a client has sent. Of its bytes nothing is
// known: a forged one may have in it what is no secret.
func (s secrets) presented(what, text string) {
	if match := envelopeText.FindStringSubmatch(text); match != nil {
		s.add(what, match[2][10:])
	}
}

// A leak is a secret in a line that was told.
type leak struct{ what, part, line, test string }

func (l leak) String() string {
	return fmt.Sprintf("%s was told: its part %q is in a line that %s heard:\n\t%.2000s", l.what, l.part, l.test, l.line)
}

// found returns which secrets are in the lines of a transcript, whole or by any
// part of about ten bytes, as they are or encoded; each secret once.
func (s secrets) found(lines map[string]string) []leak {
	told := &bitmap{}
	size := 0
	for line := range lines {
		size += len(line)
	}
	told.grow(min(64*size, 1<<30)) // a line is read in some ten ways
	for line := range lines {
		decodings(line, told.addAll)
	}
	seek := s.seek(told)
	leaks := make(map[string]leak)
	for line, test := range lines {
		decodings(line, func(b []byte) {
			for secret, part := range seek.in(b) {
				leaks[secret] = leak{s[secret], part, line, test}
			}
		})
	}
	return slices.Collect(maps.Values(leaks))
}

var (
	toldEnvelope = regexp.MustCompile(`\b[1-8]?A[Q-Za-v][\w-]{22,}`)
	digit        = regexp.MustCompile(`[0-9]`) // not in words
)

// envelopes returns what looks like the beginning of a cookie or a token, be it
// one of the secrets that were kept or not.
func envelopes(lines map[string]string) (leaks []leak) {
	for line, test := range lines {
		for _, part := range toldEnvelope.FindAllString(line, -1) {
			if digit.MatchString(part[1:]) {
				leaks = append(leaks, leak{"an envelope", part, line, test})
			}
		}
	}
	return leaks
}

// A search finds parts of secrets by their windows.
type search struct {
	first bitmap
	refs  map[uint64][]ref
}

// A ref is where in which secret a window is.
type ref struct {
	secret string
	at     int
}

// need is the length of a part that counts as a leak: one that does not occur
// by chance. A character of a text says less than a random byte.
func need(secret string) int {
	for i := range len(secret) {
		if secret[i] < ' ' || secret[i] > '~' {
			return window
		}
	}
	return min(len(secret), 10)
}

// seek returns the search for those windows of the secrets that may have been
// told at all. Of every part that counts it has a window.
func (s secrets) seek(told *bitmap) *search {
	f := &search{refs: make(map[uint64][]ref)}
	for secret := range s {
		step := need(secret) - window + 1
		for at := 0; at+window <= len(secret); at += step {
			key := binary.LittleEndian.Uint64([]byte(secret[at : at+window]))
			if told.has(key) && !plain(secret[at:at+window]) {
				f.refs[key] = append(f.refs[key], ref{secret, at})
			}
		}
	}
	f.first.grow(16 * len(f.refs))
	for key := range f.refs {
		f.first.add(key)
	}
	return f
}

// plain reports whether a window is no secret but padding, as random ones never are.
func plain(text string) bool {
	distinct := 0
	for i := range len(text) {
		if strings.IndexByte(text[:i], text[i]) < 0 {
			distinct++
		}
	}
	return distinct < 4
}

// in returns the secrets of which a part is in b, with that part.
func (f *search) in(b []byte) map[string]string {
	var found map[string]string
	for i := 0; i+window <= len(b); i++ {
		key := binary.LittleEndian.Uint64(b[i:])
		if !f.first.has(key) {
			continue
		}
		for _, r := range f.refs[key] {
			if part := common(b, i, r); len(part) >= need(r.secret) {
				if found == nil {
					found = make(map[string]string)
				}
				found[r.secret] = part
			}
		}
	}
	return found
}

// common is what a secret and b have in common around a window.
func common(b []byte, i int, r ref) string {
	from, to := r.at, r.at+window
	for from > 0 && i > r.at-from && b[i-(r.at-from)-1] == r.secret[from-1] {
		from--
	}
	for to < len(r.secret) && i+to-r.at < len(b) && b[i+to-r.at] == r.secret[to] {
		to++
	}
	return r.secret[from:to]
}

// A bitmap is a set of windows that sometimes errs: it has all that were added.
type bitmap struct {
	bits  []uint64
	shift uint
}

// grow makes it empty, with room for so many bits.
func (m *bitmap) grow(bits int) {
	m.shift = 64 - 10
	for size := 1 << 10; size < bits; size *= 2 {
		m.shift--
	}
	m.bits = make([]uint64, 1<<(64-m.shift-6))
}

func (m *bitmap) place(key uint64) uint64 { return (key * 0x9e3779b97f4a7c15) >> m.shift }

func (m *bitmap) add(key uint64) {
	h := m.place(key)
	m.bits[h/64] |= 1 << (h % 64)
}

func (m *bitmap) has(key uint64) bool {
	h := m.place(key)
	return m.bits[h/64]&(1<<(h%64)) != 0
}

func (m *bitmap) addAll(b []byte) {
	for i := 0; i+window <= len(b); i++ {
		m.add(binary.LittleEndian.Uint64(b[i:]))
	}
}
