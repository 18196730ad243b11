package gimlet

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// recalling returns sealers of both forms that remember, on a ring that can be
// changed.
func recalling(t *testing.T, f func(t *testing.T, s *sealer)) {
	bothForms(t, func(t *testing.T, s *sealer) {
		s.recent = &recall{}
		f(t, s)
	})
}

// opened is what a text opens to, from memory or not.
func opened(t *testing.T, s *sealer, text string) (payload []byte, remembered bool) {
	t.Helper()
	payload, _, err := s.open(t.Context(), text, sealedAt)
	require.NoError(t, err)
	o := s.recent.find(s.recent.mark(text), text)
	return payload, o != nil && &o.plain[0] == &payload[0]
}

// What was opened twice comes from memory, and is what it was.
func TestRecall_remembers(t *testing.T) {
	recalling(t, func(t *testing.T, s *sealer) {
		text := sealed(t, s, []byte("payload"))
		for i := range 5 {
			payload, remembered := opened(t, s, text)
			require.Equal(t, "payload", string(payload))
			require.Equal(t, i > 0, remembered, "opening %d", i)
		}
		other := strings.Clone(text)
		_, remembered := opened(t, s, other)
		require.True(t, remembered, "the same text in other memory")
	})
}

// A key that is revoked, or has ended, opens nothing of what is remembered.
func TestRecall_asksForTheKey(t *testing.T) {
	recalling(t, func(t *testing.T, s *sealer) {
		text := sealed(t, s, []byte("payload"))
		for range 3 {
			opened(t, s, text)
		}
		all := *s.ring.keys.Load()
		rest := all[:1:1]
		s.ring.keys.Store(&rest)
		refuses(t, s, text, errStaleKey)
		s.ring.keys.Store(&all)
		opened(t, s, text)

		ended := append([]ringKey(nil), all...)
		ended[len(ended)-1].Until = sealedAt.UnixMilli()
		s.ring.keys.Store(&ended)
		refuses(t, s, text, errStaleKey)
		_, _, err := s.open(t.Context(), text, sealedAt.Add(-time.Millisecond))
		require.NoError(t, err)
	})
}

// Nothing but the very text is taken for one that is remembered.
func TestRecall_comparesTheText(t *testing.T) {
	recalling(t, func(t *testing.T, s *sealer) {
		text := sealed(t, s, []byte("payload"))
		for range 3 {
			opened(t, s, text)
		}
		for i := range text {
			for _, c := range []byte("Az09-_") {
				if text[i] != c {
					refuses(t, s, text[:i]+string(c)+text[i+1:])
				}
			}
		}
		for i := range text {
			refuses(t, s, text[:i])
		}
		refuses(t, s, text+"A")
		refuses(t, s, text+text)

		// The text decides, not its mark alone.
		mark := s.recent.mark(text)
		require.NotNil(t, s.recent.find(mark, text))
		require.Nil(t, s.recent.find(mark, text[1:]))
		require.Nil(t, s.recent.find(mark+recallSlots, text))
	})
}

// Many envelopes share the memory. Each opens to its own, and a large one is not
// kept.
func TestRecall_isBounded(t *testing.T) {
	s := sessionSealer(givenRing([][]byte{someBytes(32)}), true)
	s.recent = &recall{}
	texts := make([]string, 2*recallSlots)
	for i := range texts {
		texts[i] = sealed(t, s, fmt.Append(nil, i))
	}
	remembered := 0
	for range 3 {
		remembered = 0
		for i, text := range texts {
			payload, _ := opened(t, s, text)
			require.Equal(t, fmt.Sprint(i), string(payload))
			_, again := opened(t, s, text)
			if again {
				remembered++
			}
		}
	}
	require.Equal(t, len(texts), remembered, "the second time in a row each comes from memory")
	kept := 0
	for i := range s.recent.slots {
		if s.recent.slots[i].opened.Load() != nil {
			kept++
		}
	}
	require.Greater(t, kept, recallSlots/2)

	large := sealed(t, s, make([]byte, maxCookie))
	for range 3 {
		_, again := opened(t, s, large)
		require.False(t, again)
	}
}

// Only what has opened is remembered: what clients make up takes no memory.
func TestRecall_onlyGenuine(t *testing.T) {
	recalling(t, func(t *testing.T, s *sealer) {
		for i := range 1000 {
			text := fmt.Sprint("forged", i)
			for range 3 {
				refuses(t, s, text)
			}
		}
		for i := range s.recent.slots {
			require.Nil(t, s.recent.slots[i].opened.Load())
			require.Zero(t, s.recent.slots[i].seen.Load())
		}
	})
}

// Requests share what is remembered, and other envelopes take its place
// meanwhile.
func TestRecall_concurrent(t *testing.T) {
	s := sessionSealer(givenRing([][]byte{someBytes(32)}), false)
	s.recent = &recall{}
	texts := make([]string, 64)
	for i := range texts {
		texts[i] = sealed(t, s, fmt.Append(nil, i))
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 200 {
				for i, text := range texts {
					payload, _, err := s.open(t.Context(), text, sealedAt)
					if err != nil || string(payload) != fmt.Sprint(i) {
						t.Errorf("%d: %q, %v", i, payload, err)
					}
				}
			}
		})
	}
	all.Wait()
}
