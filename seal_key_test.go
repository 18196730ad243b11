package gimlet

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Each day, form and purpose has a key of its own, so that no key sees more
// than a day's random nonces.
func TestSeal_keysAreDerived(t *testing.T) {
	ring := givenRing([][]byte{someBytes(32), someBytes(32)})
	keys := make(map[string]bool)
	for _, s := range []*sealer{
		sessionSealer(ring, false), sessionSealer(ring, true), newSealer(ring, "token", "", "default", false),
	} {
		for _, from := range *ring.keys.Load() {
			for day := range uint16(300) {
				k, err := s.derive(from, day)
				require.NoError(t, err)
				keys[string(k.mac)] = true
			}
			keys[string(from.Secret)] = true
		}
	}
	require.Len(t, keys, 3*2*300+2)
}

// One plaintext sealed over and over never gives the same envelope or nonce.
func TestLong_noNonceTwice(t *testing.T) {
	n := long(100_000, 1_000_000)
	s := sessionSealer(givenRing([][]byte{someBytes(32)}), false)
	nonces := make(map[[12]byte]bool)
	for range n {
		text, err := s.seal([]byte("the same"), sealedAt)
		if err != nil {
			require.NoError(t, err)
		}
		var envelope [21]byte
		if _, err := base64url.Decode(envelope[:], []byte(text[:28])); err != nil {
			require.NoError(t, err)
		}
		nonces[[12]byte(envelope[envelopeHeader:][:12])] = true
	}
	require.Len(t, nonces, n)
}

// Opening says which key sealed.
func TestSeal_saysWhichKey(t *testing.T) {
	bothForms(t, func(t *testing.T, s *sealer) {
		keys := *s.ring.keys.Load()
		older := sessionSealer(&keyRing{}, s.signed)
		only := keys[:1]
		older.ring.keys.Store(&only)
		payload, by, err := s.open(t.Context(), sealed(t, older, []byte("x")), sealedAt)
		require.NoError(t, err)
		require.Equal(t, keys[0].ID, by)
		require.Equal(t, "x", string(payload))
		refuses(t, older, sealed(t, s, []byte("x")), errStaleKey)
	})
}

// Making a cipher costs more than using it, so it is kept; and what is kept is
// bounded, since the day stands in what clients send.
func TestSeal_cipherIsKept(t *testing.T) {
	bothForms(t, func(t *testing.T, s *sealer) {
		text := sealed(t, s, someBytes(100))
		open := func() {
			if _, _, err := s.open(context.Background(), text, sealedAt); err != nil {
				panic(err)
			}
		}
		kept := testing.AllocsPerRun(200, open)
		anew := testing.AllocsPerRun(200, func() { clear(s.cache); open() })
		require.LessOrEqual(t, kept, 12.0)
		require.Greater(t, anew, kept+5, "the comparison can fail")
		require.Len(t, s.cache, 1)

		b := raw(t, text)
		for day := range 1000 {
			b[5], b[6] = byte(day>>8), byte(day)
			refuses(t, s, base64url.EncodeToString(b), errTampered)
			require.LessOrEqual(t, len(s.cache), maxDerived)
		}
		clear(s.cache)
		for i := range 1000 {
			b[1], b[2] = byte(i>>8), byte(i)
			refuses(t, s, base64url.EncodeToString(b))
		}
		require.LessOrEqual(t, len(s.cache), 1, "keys that are not in the ring are not derived from")
	})
}

// A sealer is safe for concurrent use.
func TestSeal_concurrent(t *testing.T) {
	bothForms(t, func(t *testing.T, s *sealer) {
		var wg sync.WaitGroup
		for worker := range 4 {
			wg.Go(func() {
				for i := range 200 {
					now := sealedAt.Add(time.Duration(i%3) * 24 * time.Hour)
					text, err := s.seal([]byte{byte(worker)}, now)
					if err != nil {
						panic(err)
					}
					got, _, err := s.open(context.Background(), text, now)
					if err != nil || !bytes.Equal(got, []byte{byte(worker)}) {
						panic("not what was sealed")
					}
				}
			})
		}
		wg.Wait()
	})
}
