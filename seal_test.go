package gimlet

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var sealedAt = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func someBytes(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

func sessionSealer(ring *keyRing, signed bool) *sealer {
	return newSealer(ring, "session", "__Host-id", "default", signed)
}

// bothForms runs f for the sealed and the signed form, each on a ring of two keys.
func bothForms(t *testing.T, f func(t *testing.T, s *sealer)) {
	for _, signed := range []bool{false, true} {
		t.Run(fmt.Sprintf("signed=%t", signed), func(t *testing.T) {
			f(t, sessionSealer(givenRing([][]byte{someBytes(32), someBytes(40)}), signed))
		})
	}
}

func sealed(t testing.TB, s *sealer, payload []byte) string {
	t.Helper()
	text, err := s.seal(payload, sealedAt)
	require.NoError(t, err)
	return text
}

// refuses requires that a text does not open, for one of the reasons, and that
// nothing of it comes out.
func refuses(t testing.TB, s *sealer, text string, reasons ...error) {
	t.Helper()
	payload, _, err := s.open(t.Context(), text, sealedAt)
	if err == nil || payload != nil {
		require.FailNow(t, "opened", "%q", text)
	}
	for _, reason := range reasons {
		if err == reason {
			return
		}
	}
	if len(reasons) > 0 {
		require.Contains(t, reasons, err)
	}
}

// raw is the envelope behind a text, and text the inverse.
func raw(t testing.TB, text string) []byte {
	t.Helper()
	b, err := base64url.DecodeString(text)
	require.NoError(t, err)
	return b
}

// What was sealed opens to the same bytes, whatever their number and their
// end, and has the length that was foretold.
func TestSeal_roundTrip(t *testing.T) {
	bothForms(t, func(t *testing.T, s *sealer) {
		check := func(payload []byte) {
			text := sealed(t, s, payload)
			require.Len(t, text, s.size(len(payload)))
			got, by, err := s.open(t.Context(), text, sealedAt)
			require.NoError(t, err)
			require.Equal(t, s.ring.sealing(sealedAt).ID, by)
			require.True(t, bytes.Equal(payload, got), "%d bytes", len(payload))
		}
		for n := range 201 {
			check(someBytes(n))
			check(make([]byte, n))
			check(bytes.Repeat([]byte{0x80}, n))
			check(append(someBytes(n), 0x80, 0, 0))
		}
		for _, n := range []int{4095, 4096, 65_537, 1 << 20} {
			check(someBytes(n))
		}
	})
}

// Lengths are padded to buckets of 32 bytes, so that they say little.
func TestSeal_paddedToBuckets(t *testing.T) {
	s := sessionSealer(givenRing([][]byte{someBytes(32)}), false)
	for bucket := range 8 {
		want := len(sealed(t, s, make([]byte, bucket*32)))
		for n := bucket * 32; n < (bucket+1)*32; n++ {
			require.Len(t, sealed(t, s, someBytes(n)), want, "%d bytes", n)
		}
		require.Less(t, want, len(sealed(t, s, make([]byte, (bucket+1)*32))))
	}
}

// Every flipped bit, truncation and extension is refused, and of a tampered
// envelope nothing comes out.
func TestSeal_tampered(t *testing.T) {
	bothForms(t, func(t *testing.T, s *sealer) {
		for _, n := range []int{0, 1, 64, 100} {
			text := sealed(t, s, someBytes(n))
			whole := raw(t, text)
			for bit := range 8 * len(whole) {
				b := bytes.Clone(whole)
				b[bit/8] ^= 1 << (bit % 8)
				want := errTampered
				switch {
				case bit < 8:
					want = errNotOurs
				case bit < 8*5:
					want = errStaleKey
				}
				refuses(t, s, base64url.EncodeToString(b), want)
			}
			for i := range text {
				refuses(t, s, text[:i], errNotOurs, errTampered)
				refuses(t, s, text[i+1:])
			}
			for i := range whole {
				refuses(t, s, base64url.EncodeToString(whole[:i]), errNotOurs, errTampered)
			}
			for c := range 256 {
				refuses(t, s, text+string(rune(c)), errNotOurs, errTampered)
				refuses(t, s, base64url.EncodeToString(append(bytes.Clone(whole), byte(c))), errTampered)
			}
		}
	})
}

// Parts of good envelopes do not make another one.
func TestSeal_swappedParts(t *testing.T) {
	bothForms(t, func(t *testing.T, s *sealer) {
		a, b := raw(t, sealed(t, s, someBytes(90))), raw(t, sealed(t, s, someBytes(90)))
		for cut := 1; cut < len(a); cut++ {
			refuses(t, s, base64url.EncodeToString(append(bytes.Clone(a[cut:]), a[:cut]...)))
			mixed := append(bytes.Clone(a[:cut]), b[cut:]...)
			if !bytes.Equal(mixed, a) && !bytes.Equal(mixed, b) {
				refuses(t, s, base64url.EncodeToString(mixed), errTampered)
			}
		}
		refuses(t, s, base64url.EncodeToString(append(bytes.Clone(a), b...)), errTampered)
	})
}

// Of the several texts that decode to the same bytes only one is accepted.
func TestSeal_onlyCanonicalText(t *testing.T) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	bothForms(t, func(t *testing.T, s *sealer) {
		for n := range 4 {
			text := sealed(t, s, someBytes(n))
			last := strings.IndexByte(alphabet, text[len(text)-1])
			for c := range alphabet {
				if c != last {
					refuses(t, s, text[:len(text)-1]+alphabet[c:c+1])
				}
			}
			for _, bad := range []string{"=", "==", "\n", "\r", "\r\n", " ", "\t", "\x00", "%", "."} {
				refuses(t, s, text+bad, errNotOurs)
				refuses(t, s, bad+text, errNotOurs)
				refuses(t, s, text[:9]+bad+text[9:], errNotOurs)
			}
		}
		// The standard alphabet is another one.
		for {
			if text := sealed(t, s, someBytes(60)); strings.ContainsAny(text, "-_") {
				refuses(t, s, strings.NewReplacer("-", "+", "_", "/").Replace(text), errNotOurs)
				break
			}
		}
	})
}

// A form byte that is not the sealer's is refused, also with all the rest in
// order: there is no other algorithm to fall back to.
func TestSeal_otherForms(t *testing.T) {
	ring := givenRing([][]byte{someBytes(32)})
	plain, signed := sessionSealer(ring, false), sessionSealer(ring, true)
	for _, s := range []*sealer{plain, signed} {
		b := raw(t, sealed(t, s, someBytes(50)))
		for form := range 256 {
			b[0] = byte(form)
			if b[0] != formSealed {
				refuses(t, plain, base64url.EncodeToString(b), errNotOurs)
			}
			if b[0] != formSigned {
				refuses(t, signed, base64url.EncodeToString(b), errNotOurs)
			}
		}
		b[0] = formSealed + formSigned - s.form() // the other one
		for _, other := range []*sealer{plain, signed} {
			refuses(t, other, base64url.EncodeToString(b), errNotOurs, errTampered)
		}
	}
	for _, text := range []string{"", "{}", `{"a":1}`, "AQ", "null", strings.Repeat("A", 1000)} {
		refuses(t, plain, text)
		refuses(t, signed, text)
	}
}

// What was sealed for one purpose, cookie name, manager, key or day opens for
// no other.
func TestSeal_boundToPurpose(t *testing.T) {
	key := [][]byte{someBytes(32)}
	for _, signed := range []bool{false, true} {
		ring := givenRing(key)
		sealers := []*sealer{
			newSealer(ring, "session", "__Host-id", "default", signed),
			newSealer(ring, "transient", "__Host-id", "default", signed),
			newSealer(ring, "token", "", "default", signed),
			newSealer(ring, "session", "id", "default", signed),
			newSealer(ring, "session", "__host-id", "default", signed),
			newSealer(ring, "session", "__Host-id", "other", signed),
			newSealer(ring, "session", "", "__Host-id\x00default", signed),
			newSealer(givenRing([][]byte{someBytes(32)}), "session", "__Host-id", "default", signed),
		}
		for i, from := range sealers {
			text := sealed(t, from, []byte("payload"))
			for j, to := range sealers {
				if i != j {
					refuses(t, to, text, errTampered, errStaleKey)
				}
			}
			tomorrow, err := from.seal([]byte("payload"), sealedAt.Add(24*time.Hour))
			require.NoError(t, err)
			b := raw(t, tomorrow)
			copy(b[5:7], raw(t, text)[5:7])
			refuses(t, from, base64url.EncodeToString(b), errTampered)
		}
		same := newSealer(givenRing(key), "session", "__Host-id", "default", signed)
		_, _, err := same.open(t.Context(), sealed(t, sealers[0], nil), sealedAt)
		require.NoError(t, err, "an equal one opens: the test above can fail")
	}
}

// The signed form can be read by everybody; the sealed one says nothing.
func TestSeal_signedIsReadable(t *testing.T) {
	ring := givenRing([][]byte{someBytes(32)})
	payload := []byte("what everybody may read")
	require.Contains(t, string(raw(t, sealed(t, sessionSealer(ring, true), payload))), string(payload))
	require.NotContains(t, string(raw(t, sealed(t, sessionSealer(ring, false), payload))), "every")
}
