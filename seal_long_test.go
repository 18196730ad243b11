package gimlet

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A forger makes texts that no sealer has made, out of some that one has.
type forger struct {
	rand   *rand.Rand
	texts  []string // of the sealer under attack
	others []string // of other names, purposes, managers, forms and keys
	made   map[string]bool
}

// newForger lets s, and the sealers that it must not be mistaken for, seal
// payloads of all sizes.
func newForger(t testing.TB, s *sealer, seed uint64) *forger {
	f := &forger{rand: rand.New(rand.NewPCG(seed, 1)), made: make(map[string]bool)}
	strangers := []*sealer{
		newSealer(s.ring, "transient", "__Host-id", "default", s.signed),
		newSealer(s.ring, "token", "", "default", s.signed),
		newSealer(s.ring, "ticket", "__Host-id", "default", s.signed),
		newSealer(s.ring, "session", "id", "default", s.signed),
		newSealer(s.ring, "session", "__Host-id", "admin", s.signed),
		newSealer(s.ring, "session", "__Host-id", "default", !s.signed),
		sessionSealer(givenRing([][]byte{someBytes(32)}), s.signed),
	}
	for _, n := range []int{0, 1, 31, 32, 60, 100, 250} {
		text := sealed(t, s, someBytes(n))
		f.texts, f.made[text] = append(f.texts, text), true
		for _, stranger := range strangers {
			f.others = append(f.others, sealed(t, stranger, someBytes(n)))
		}
	}
	return f
}

func (f *forger) pick(texts []string) string { return texts[f.rand.IntN(len(texts))] }

// characters are those of base64url and what stands near them.
const characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/= \r\n\x00%\xff"

func (f *forger) noise(n int) string {
	var b strings.Builder
	for range n {
		b.WriteByte(characters[f.rand.IntN(len(characters))])
	}
	return b.String()
}

// forgeries are the ways to change a text.
var forgeries = map[string]func(f *forger, text string) string{
	"bits": func(f *forger, text string) string {
		b, _ := base64url.DecodeString(text)
		for range 1 + f.rand.IntN(3) {
			i := f.rand.IntN(8 * len(b))
			b[i/8] ^= 1 << (i % 8)
		}
		return base64url.EncodeToString(b)
	},
	"characters": func(f *forger, text string) string {
		b := []byte(text)
		for range 1 + f.rand.IntN(3) {
			b[f.rand.IntN(len(b))] = characters[f.rand.IntN(len(characters))]
		}
		return string(b)
	},
	"truncation": func(f *forger, text string) string {
		from := f.rand.IntN(2) * f.rand.IntN(len(text))
		return text[from : from+f.rand.IntN(len(text)-from)]
	},
	"extension": func(f *forger, text string) string {
		at := []int{0, len(text), f.rand.IntN(len(text))}[f.rand.IntN(3)]
		return text[:at] + f.noise(1+f.rand.IntN(40)) + text[at:]
	},
	"swapped parts": func(f *forger, text string) string {
		other := f.pick(append(f.texts, f.others...))
		return text[:f.rand.IntN(len(text))] + other[f.rand.IntN(len(other)):]
	},
	"swapped bytes": func(f *forger, text string) string {
		a, _ := base64url.DecodeString(text)
		b, _ := base64url.DecodeString(f.pick(append(f.texts, f.others...)))
		n := min(len(a), len(b))
		from := f.rand.IntN(n)
		copy(a[from:from+f.rand.IntN(n-from)], b[from:])
		return base64url.EncodeToString(a)
	},
	"another purpose": func(f *forger, _ string) string { return f.pick(f.others) },
	"another header": func(f *forger, text string) string {
		b, _ := base64url.DecodeString(f.pick(f.others))
		a, _ := base64url.DecodeString(text)
		copy(b, a[:envelopeHeader])
		return base64url.EncodeToString(b)
	},
	"another form": func(f *forger, text string) string {
		b, _ := base64url.DecodeString(text)
		b[0] = byte(f.rand.IntN(256))
		return base64url.EncodeToString(b)
	},
	"not canonical": func(f *forger, text string) string {
		at := f.rand.IntN(len(text) + 1)
		switch f.rand.IntN(4) {
		case 0:
			return text + strings.Repeat("=", 1+f.rand.IntN(3))
		case 1:
			return text[:at] + []string{"\n", "\r", "\r\n", " ", "\t", "="}[f.rand.IntN(6)] + text[at:]
		case 2:
			return strings.NewReplacer("-", "+", "_", "/").Replace(text)
		}
		b, _ := base64url.DecodeString(text) // the same bytes, with other unused bits behind them
		last := strings.IndexByte(characters, text[len(text)-1])
		unused := []int{0, 15, 3}[len(b)%3]
		return text[:len(text)-1] + characters[last^f.rand.IntN(unused+1):][:1]
	},
}

// attack offers open n forgeries of each kind, and returns how many were tried
// and which were accepted.
func (f *forger) attack(n int, open func(text string) bool) (tried map[string]int, accepted []string) {
	tried = make(map[string]int)
	for kind, forge := range forgeries {
		for tried[kind] < n && len(accepted) < 10 {
			text := forge(f, f.pick(f.texts))
			if f.made[text] {
				continue
			}
			tried[kind]++
			if open(text) {
				accepted = append(accepted, fmt.Sprintf("%s: %q", kind, text))
			}
		}
	}
	return tried, accepted
}

// Nothing opens but what was sealed, in either form, however it is changed:
// 10^5 forgeries in an ordinary run, 10^7 with GIMLET_LONG=1.
func TestLong_forgeriesNeverOpen(t *testing.T) {
	total := long(100_000, 10_000_000)
	bothForms(t, func(t *testing.T, s *sealer) {
		seed := rand.Uint64()
		f := newForger(t, s, seed)
		opens := func(text string) bool {
			payload, _, err := s.open(t.Context(), text, sealedAt)
			return err == nil || payload != nil
		}
		tried, accepted := f.attack(total/2/len(forgeries), opens)
		sum := 0
		for _, n := range tried {
			sum += n
		}
		t.Logf("%d forgeries tried with seed %d: %v", sum, seed, tried)
		require.Empty(t, accepted)
		require.Equal(t, total/2, sum)
		for _, text := range f.texts {
			require.True(t, opens(text), "what was sealed still opens")
		}
	})
}

// The attack finds a way in where there is one: each of these openers leaves
// one check out.
func TestLong_forgeriesNeverOpen_Control(t *testing.T) {
	bothForms(t, func(t *testing.T, s *sealer) {
		f := newForger(t, s, 1)
		opens := func(s *sealer, text string) bool {
			_, _, err := s.open(t.Context(), text, sealedAt)
			return err == nil
		}
		careless := map[string]func(text string) bool{
			"reads any base64": func(text string) bool {
				b, err := base64.RawURLEncoding.DecodeString(text)
				return err == nil && opens(s, base64url.EncodeToString(b))
			},
			"takes any purpose": func(text string) bool {
				return opens(s, text) || opens(newSealer(s.ring, "token", "", "default", s.signed), text)
			},
			"forgets the tag": func(text string) bool {
				b, err := base64url.DecodeString(text)
				if err != nil {
					return false
				}
				for made := range f.made {
					whole, _ := base64url.DecodeString(made)
					if len(whole) == len(b) && bytes.Equal(whole[:len(whole)-16], b[:len(b)-16]) {
						return true
					}
				}
				return false
			},
		}
		for name, open := range careless {
			_, accepted := f.attack(2000, open)
			require.NotEmpty(t, accepted, name)
		}
	})
}

// long chooses between how much an ordinary run tries, and how much a long one.
func long(ordinary, much int) int {
	if os.Getenv("GIMLET_LONG") == "1" {
		return much
	}
	return ordinary
}
