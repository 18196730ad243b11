package bolt_test

import (
	"bytes"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
)

var anID = store.ID{1, 2, 3, 15: 16}

func TestRecord_bytes(t *testing.T) {
	// What docs say of the layout, byte for byte.
	r := store.Record{ID: anID, Version: 300, Expires: time.UnixMilli(2000), Owner: "me", Data: []byte("data")}
	require.Equal(t, []byte("\x01"+ // layout
		"\xac\x02"+ // version 300
		"\xd0\x0f"+ // expires 2000
		"\xe8\x07"+ // 1000 later than it is indexed
		"\x02me"+ // owner
		"data"+
		"\xa7\x8d\xb1\x1f"), // sum
		bolt.Encode(r, 1000))
}

func TestRecord_damage(t *testing.T) {
	r := newRecord("alice", "some data")
	whole := bolt.Encode(r, r.Expires.UnixMilli()-5)
	_, err := bolt.Decode(r.ID, whole)
	require.NoError(t, err)
	other := r.ID
	other[15] ^= 1
	_, err = bolt.Decode(other, whole)
	require.ErrorContains(t, err, "checksum")
	for i := range whole {
		_, err := bolt.Decode(r.ID, whole[:i])
		require.Error(t, err, "cut off at %d", i)
		for bit := range 8 {
			b := bytes.Clone(whole)
			b[i] ^= 1 << bit
			_, err := bolt.Decode(r.ID, b)
			require.Error(t, err, "bit %d of byte %d", bit, i)
		}
	}
}

func TestRecord_times(t *testing.T) {
	s := open(t)
	now := time.Now()
	for _, c := range []struct{ expires, want time.Time }{
		{time.Time{}, time.Time{}},
		{now.Add(time.Hour), now.Add(time.Hour).Truncate(time.Millisecond)},
		{time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999000000, time.UTC)},
		{time.Unix(math.MaxInt64/1000-1, 0), time.Unix(math.MaxInt64/1000-1, 0)},
		{time.Unix(math.MaxInt64/1000, 999), time.UnixMilli(math.MaxInt64)},
		{time.Unix(1<<60, 0), time.UnixMilli(math.MaxInt64)},
	} {
		r := newRecord("", "")
		r.Expires = c.expires
		save(t, s, r)
		r.Expires = c.want
		holds(t, s, r)
	}
	for _, past := range []time.Time{time.Unix(0, 0), time.Unix(-1, 0), time.Unix(-1<<60, 0), time.UnixMilli(1)} {
		r := newRecord("", "")
		r.Expires = past
		save(t, s, r)
		lacks(t, s, r.ID)
	}
	n, err := s.Sweep(t.Context(), time.Now(), 10)
	require.NoError(t, err)
	require.Equal(t, 4, n)
}

// Whatever bytes are decoded, nothing panics, and what is accepted is what is
// written. The checksum makes almost all of them end there, so it is put right
// in half of the cases.
func TestRecord_anyBytes(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	accepted := 0
	for _, seed := range []struct {
		r       store.Record
		indexed int64
	}{
		{store.Record{ID: anID, Version: 1}, 0},
		{store.Record{ID: anID, Version: math.MaxUint64, Expires: time.UnixMilli(math.MaxInt64), Data: []byte{0}}, 1},
		{store.Record{ID: anID, Version: 2, Expires: time.UnixMilli(1), Owner: strings.Repeat("o", store.MaxOwner), Data: make([]byte, 100)}, 1},
	} {
		genuine := bolt.Encode(seed.r, seed.indexed)
		_, err := bolt.Decode(anID, genuine)
		require.NoError(t, err)
		for range 20_000 {
			b := bytes.Clone(genuine[:rng.IntN(len(genuine)+1)])
			if rng.IntN(2) == 0 {
				b = bytes.Clone(genuine)
			}
			for range rng.IntN(4) {
				if len(b) > 0 {
					b[rng.IntN(len(b))] = byte(rng.Uint32())
				}
			}
			if rng.IntN(2) == 0 {
				b = bolt.Resum(anID, b)
			}
			again, err := bolt.Decode(anID, b)
			if err == nil && len(again) == len(b) { // a uvarint may be longer than it need be
				require.Equal(t, again, b)
				accepted++
			}
		}
	}
	require.NotZero(t, accepted)
}
