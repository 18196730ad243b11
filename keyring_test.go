package gimlet

import (
	"context"
	"encoding/binary"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/memory"
)

const day = 24 * time.Hour

// A watched store outlives its managers, counts the loads, can fail, and lets
// another process in right before a save.
type watched struct {
	store.Store
	loads atomic.Int64
	fail  error

	before func() // the next save
}

func (s *watched) Load(ctx context.Context, id store.ID) (store.Record, error) {
	s.loads.Add(1)
	if s.fail != nil {
		return store.Record{}, s.fail
	}
	return s.Store.Load(ctx, id)
}

func (s *watched) Save(ctx context.Context, r store.Record) error {
	if before := s.before; before != nil {
		s.before = nil
		before()
	}
	return s.Store.Save(ctx, r)
}

func (s *watched) Close() error { return nil }

func ringOn(t testing.TB, s store.Store) *keyRing {
	t.Helper()
	r, err := openRing(t.Context(), s, "default", nil)
	require.NoError(t, err)
	return r
}

func rotated(t testing.TB, r *keyRing, now time.Time) bool {
	t.Helper()
	added, err := r.rotate(t.Context(), now)
	require.NoError(t, err)
	return added
}

// No keys given: a key is made on first use, kept in the store, and found
// again.
func TestKeyRing_madeOnce(t *testing.T) {
	s := memory.New()
	first, second := ringOn(t, s), ringOn(t, s)
	require.Len(t, *first.keys.Load(), 1)
	require.Equal(t, *first.keys.Load(), *second.keys.Load())
	other, err := openRing(t.Context(), s, "other", nil)
	require.NoError(t, err)
	require.NotEqual(t, *first.keys.Load(), *other.keys.Load(), "managers of other names have other keys")
}

// Of many processes that make the ring at once one wins, and the others take
// its key.
func TestKeyRing_madeByMany(t *testing.T) {
	s := memory.New()
	rings := make([]*keyRing, 50)
	var wg sync.WaitGroup
	for i := range rings {
		wg.Go(func() {
			r, err := openRing(context.Background(), s, "default", nil)
			if err != nil {
				panic(err)
			}
			rings[i] = r
		})
	}
	wg.Wait()
	for _, r := range rings {
		require.Equal(t, *rings[0].keys.Load(), *r.keys.Load())
	}
}

// A process that is overtaken when it makes a key takes the other's.
func TestKeyRing_overtaken(t *testing.T) {
	shared := memory.New()
	s := &watched{Store: shared}
	var first, second *keyRing
	s.before = func() { first = ringOn(t, shared) }
	second = ringOn(t, s)
	require.Len(t, *first.keys.Load(), 1)
	require.Equal(t, *first.keys.Load(), *second.keys.Load())

	now := time.Now().Add(rotateEvery)
	s.before = func() { require.True(t, rotated(t, first, now)) }
	require.False(t, rotated(t, second, now))
	require.Len(t, *first.keys.Load(), 2)
	require.Equal(t, *first.keys.Load(), *second.keys.Load())
}

// Over three years: each key is made a day ahead of its turn and seals for 30
// days; what it sealed opens for 400 days, in processes that have never seen
// the key too; then it is gone, so that there is a bounded number of keys.
func TestKeyRing_threeYears(t *testing.T) {
	kept := memory.New()
	mine, start := ringOn(t, kept), time.Now()
	others := &watched{Store: kept}
	theirs := ringOn(t, others)
	others.loads.Store(0)
	seals, opens := sessionSealer(mine, false), sessionSealer(theirs, false)
	var texts []string // one a day
	rotations := 0
	for at := time.Duration(0); at < 3*365*day; at += 6 * time.Hour {
		now := start.Add(at)
		if rotated(t, mine, now) {
			rotations++
			keys := *mine.keys.Load()
			ahead := time.UnixMilli(keys[len(keys)-1].From).Sub(now)
			require.Greater(t, ahead, 17*time.Hour, "after %v", at)
			for _, key := range keys[:len(keys)-1] {
				require.Greater(t, key.Until, now.UnixMilli(), "retired keys are gone")
			}
			require.LessOrEqual(t, len(keys), 16)
		}
		key := mine.sealing(now)
		require.LessOrEqual(t, now.Sub(time.UnixMilli(key.From)), rotateEvery+time.Second, "after %v", at)
		if at%day != 0 {
			continue
		}
		text, err := seals.seal(nil, now)
		require.NoError(t, err)
		require.Equal(t, key.ID, binary.BigEndian.Uint32(raw(t, text)[1:]), "never with an older key")
		texts = append(texts, text)
		for _, age := range []int{0, 1, 29, 30, 31, 200, 399, 400} {
			if today := len(texts) - 1; age <= today {
				_, by, err := opens.open(t.Context(), texts[today-age], now)
				require.NoError(t, err, "%d days old, after %v", age, at)
				require.True(t, by == key.ID || age > 0)
				require.False(t, by == key.ID && age > 30)
			}
		}
		if today := len(texts) - 1; today > 431 {
			_, _, err := seals.open(t.Context(), texts[today-431], now)
			require.Equal(t, errStaleKey, err, "after %v", at)
		}
	}
	require.InDelta(t, 3*365/30, rotations, 2)
	require.LessOrEqual(t, others.loads.Load(), int64(rotations), "one load a new key")
}

// After a long pause the next key waits until the other processes can know it,
// and what was sealed last before it opens as long as ever.
func TestKeyRing_longPause(t *testing.T) {
	s := memory.New()
	r, start := ringOn(t, s), time.Now()
	first := r.sealing(start)
	now := start.Add(365 * day)
	require.Equal(t, first.ID, r.sealing(now).ID)
	require.True(t, rotated(t, r, now))
	require.False(t, rotated(t, r, now), "one key is enough")
	require.Equal(t, first.ID, r.sealing(now.Add(refreshEvery)).ID)
	require.NotEqual(t, first.ID, r.sealing(now.Add(2*refreshEvery)).ID)
	_, ok := r.known(first.ID, now.Add(maxLifetime+refreshEvery))
	require.True(t, ok)
	_, ok = r.known(first.ID, now.Add(maxLifetime+3*refreshEvery))
	require.False(t, ok)
}

// A key that is not known may be another process's: the ring is loaded again,
// but at most once in 10 seconds, whatever clients send.
func TestKeyRing_unknownKey(t *testing.T) {
	s := &watched{Store: memory.New()}
	r := ringOn(t, s)
	s.loads.Store(0)
	start := time.Now()
	find := func(id uint32, now time.Time) bool {
		_, ok, err := r.find(t.Context(), id, now)
		require.NoError(t, err)
		return ok
	}
	for i := range 10_000 {
		require.False(t, find(uint32(i), start.Add(time.Duration(i)*time.Millisecond)))
	}
	require.Equal(t, int64(1), s.loads.Load(), "in ten seconds")
	require.False(t, find(1, start.Add(refreshEvery)))
	require.Equal(t, int64(2), s.loads.Load())
	require.True(t, find(r.sealing(start).ID, start.Add(time.Hour)))
	require.Equal(t, int64(2), s.loads.Load(), "a known key needs no load")
	require.False(t, find(1, start.Add(-day)))
	require.Equal(t, int64(3), s.loads.Load(), "a clock that was set back does not stop it")
}

// A client that goes away does not use up the load for the others.
func TestKeyRing_clientGone(t *testing.T) {
	s := memory.New()
	r, start := ringOn(t, s), time.Now()
	other := ringOn(t, s)
	now := start.Add(rotateEvery)
	require.True(t, rotated(t, other, now))
	id := (*other.keys.Load())[1].ID

	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, _ = r.find(gone, 1, now)
	_, ok, err := r.find(t.Context(), id, now.Add(time.Second))
	require.NoError(t, err)
	require.True(t, ok)
}

// While the ring cannot be loaded nobody is told that a key is unknown: a
// session would be lost that is still good.
func TestKeyRing_storeFails(t *testing.T) {
	s := &watched{Store: memory.New()}
	r, now := ringOn(t, s), time.Now()
	s.loads.Store(0)
	s.fail = errors.New("disk on fire")
	for i := range 100 {
		_, _, err := r.find(t.Context(), 1, now.Add(time.Duration(i)*10*time.Millisecond))
		require.ErrorIs(t, err, s.fail)
	}
	require.Equal(t, int64(1), s.loads.Load())
	key, ok, err := r.find(t.Context(), r.sealing(now).ID, now)
	require.NoError(t, err)
	require.True(t, ok, "known keys do not need the store")
	require.Len(t, key.Secret, 32)

	s.fail = nil
	_, ok, err = r.find(t.Context(), 1, now.Add(refreshEvery))
	require.NoError(t, err)
	require.False(t, ok)
}

// A ring whose record is gone goes on with the keys that it has, and is saved
// again with the next one.
func TestKeyRing_recordGone(t *testing.T) {
	s := memory.New()
	r, now := ringOn(t, s), time.Now()
	first := r.sealing(now)
	require.True(t, rotated(t, r, now.Add(rotateEvery)))
	require.NoError(t, s.Delete(t.Context(), r.id))
	_, ok, err := r.find(t.Context(), 1, now)
	require.NoError(t, err)
	require.False(t, ok)
	_, ok, err = r.find(t.Context(), first.ID, now)
	require.NoError(t, err)
	require.True(t, ok)
	require.True(t, rotated(t, r, now.Add(2*rotateEvery)))
	require.Equal(t, *r.keys.Load(), *ringOn(t, s).keys.Load())
}

// WithKeys: the first seals, all open, and a key has the same ID wherever it
// stands.
func TestKeyRing_given(t *testing.T) {
	a, b, c := someBytes(32), someBytes(32), someBytes(100)
	first, second := givenRing([][]byte{a, b, c}), givenRing([][]byte{c, b})
	now := time.Now()
	require.Equal(t, a, first.sealing(now).Secret)
	require.Equal(t, c, second.sealing(now).Secret)
	for _, key := range *first.keys.Load() {
		found, ok := second.known(key.ID, now)
		require.Equal(t, string(key.Secret) != string(a), ok)
		if ok {
			require.Equal(t, key.Secret, found.Secret)
		}
	}
	require.False(t, rotated(t, first, now.Add(1000*day)), "given keys are not rotated")
}
