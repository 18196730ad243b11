package truth_test

import (
	"encoding/base64"
	"math/rand/v2"
)

// A forger makes texts that no manager has given out, of some that it has.
type forger struct {
	rng    *rand.Rand
	head   int      // how many characters stand before what is in base64
	texts  []string // of the one who is to be deceived
	others []string // of other names, paths, managers, keys, forms and purposes
	made   map[string]bool

	text, a, b []byte // in use at present
}

func newForger(seed uint64, head int, texts, others []string) *forger {
	f := &forger{rng: rand.New(rand.NewPCG(seed, 3)), head: head, texts: texts, others: others, made: map[string]bool{}}
	for _, text := range texts {
		f.made[text] = true
	}
	return f
}

// next returns a text that was forged in one of the ways.
func (f *forger) next(kind int) string {
	for {
		f.text = append(f.text[:0], f.pick(f.texts)...)
		f.ways()[kind]()
		if text := string(f.text); !f.made[text] {
			return text
		}
	}
}

func (f *forger) pick(texts []string) string { return texts[f.rng.IntN(len(texts))] }

// any picks one of all texts.
func (f *forger) any() string {
	if f.rng.IntN(2) == 0 {
		return f.pick(f.others)
	}
	return f.pick(f.texts)
}

// characters are those of base64url and some that stand near them, but none that ends a
// cookie.
const characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=\r\n\x00%\"\xff"

func (f *forger) character() byte { return characters[f.rng.IntN(len(characters))] }

var base64url = base64.RawURLEncoding

// decode returns what is in base64, in dst.
func (f *forger) decode(dst []byte, text []byte) []byte {
	if len(text) < f.head {
		return dst[:0]
	}
	dst, _ = base64url.AppendDecode(dst[:0], text[f.head:])
	return dst
}

func (f *forger) encode(b []byte) {
	f.text = base64url.AppendEncode(f.text[:min(f.head, len(f.text))], b)
}

// ways are in which a text can be forged.
func (f *forger) ways() [10]func() {
	return [...]func(){
		f.bits, f.characters, f.truncation, f.extension, f.swappedParts, f.swappedBytes,
		f.another, f.anotherHead, f.anotherForm, f.notCanonical,
	}
}

var wayNames = [...]string{
	"bits", "characters", "truncation", "extension", "swapped parts", "swapped bytes",
	"of another name, path, key or purpose", "with another head", "another form", "not canonical",
}

func (f *forger) bits() {
	f.a = f.decode(f.a, f.text)
	for range 1 + f.rng.IntN(3) {
		i := f.rng.IntN(8 * len(f.a))
		f.a[i/8] ^= 1 << (i % 8)
	}
	f.encode(f.a)
}

func (f *forger) characters() {
	for range 1 + f.rng.IntN(3) {
		f.text[f.rng.IntN(len(f.text))] = f.character()
	}
}

func (f *forger) truncation() {
	from := f.rng.IntN(2) * f.rng.IntN(len(f.text))
	f.text = append(f.text[:0], f.text[from:from+f.rng.IntN(len(f.text)-from)]...)
}

func (f *forger) extension() {
	at := [...]int{0, len(f.text), f.rng.IntN(len(f.text))}[f.rng.IntN(3)]
	f.a = append(f.a[:0], f.text[at:]...)
	f.text = f.text[:at]
	for range 1 + f.rng.IntN(40) {
		f.text = append(f.text, f.character())
	}
	f.text = append(f.text, f.a...)
}

func (f *forger) swappedParts() {
	other := f.any()
	f.text = append(f.text[:f.rng.IntN(len(f.text))], other[f.rng.IntN(len(other)):]...)
}

func (f *forger) swappedBytes() {
	f.a, f.b = f.decode(f.a, f.text), f.decode(f.b, []byte(f.any()))
	n := min(len(f.a), len(f.b))
	from := f.rng.IntN(n)
	copy(f.a[from:from+f.rng.IntN(n-from)], f.b[from:])
	f.encode(f.a)
}

func (f *forger) another() { f.text = append(f.text[:0], f.pick(f.others)...) }

// envelopeHead is how many bytes say with which key, and on which day, the rest was made.
const envelopeHead = 7

func (f *forger) anotherHead() {
	f.a, f.b = f.decode(f.a, f.text), f.decode(f.b, []byte(f.pick(f.others)))
	copy(f.b, f.a[:envelopeHead])
	f.encode(f.b)
}

func (f *forger) anotherForm() {
	f.a = f.decode(f.a, f.text)
	f.a[0] = byte(f.rng.IntN(256))
	f.encode(f.a)
}

func (f *forger) notCanonical() {
	at := f.rng.IntN(len(f.text) + 1)
	switch f.rng.IntN(4) {
	case 0:
		f.text = append(f.text, "==="[:1+f.rng.IntN(3)]...)
		return
	case 1:
		between := [...]string{"\n", "\r", "\r\n", "=", "\x00", "%3D"}[f.rng.IntN(6)]
		f.text = append(f.text[:at], append([]byte(between), f.text[at:]...)...)
		return
	case 2:
		for i, c := range f.text {
			switch c {
			case '-':
				f.text[i] = '+'
			case '_':
				f.text[i] = '/'
			}
		}
		return
	}
	unused := [...]int{0, 15, 3}[len(f.decode(f.a, f.text))%3] // bits at the end that say nothing
	last := &f.text[len(f.text)-1]
	for i := range 64 {
		if characters[i] == *last {
			*last = characters[i^f.rng.IntN(unused+1)]
			return
		}
	}
}
