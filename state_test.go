package gimlet

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
)

// someHead is a head of random, or of extreme, fields.
func someHead(rng *rand.Rand, flags flag) head {
	ms := func() int64 {
		return [...]int64{0, 1, 127, 128, maxMillis, rng.Int64N(maxMillis)}[rng.IntN(6)]
	}
	h := head{
		flags:      flags,
		generation: [...]uint64{0, 1, math.MaxUint64, rng.Uint64()}[rng.IntN(4)],
		renewals:   [...]uint32{0, 1, revokedForever - 1, rng.Uint32N(revokedForever)}[rng.IntN(4)],
		created:    ms(),
		idle:       ms(),
	}
	h.started, h.renewed, h.seen, h.ends = h.created+ms(), h.created+ms(), h.created+ms(), h.created+ms()
	return h
}

func someState(rng *rand.Rand, flags flag) state {
	s := state{
		head:    someHead(rng, flags&^(flagStored|flagBound)|flagTagged),
		version: rng.Uint64N(1<<40) + 1,
		owner:   "owner",
		hash:    newSecret().digest(),
		tag:     tag{1, 2, 3},
	}
	if s.has(flagPrevious) {
		s.prev = previous{newSecret().digest(), rng.Int64N(maxMillis), newSecret()}
	}
	s.values[serverPermanent] = buildFrame(map[string][]byte{"a": someBytes(rng.IntN(200)), "b": {1}})
	s.values[serverTransient] = buildFrame(map[string][]byte{"c": someBytes(rng.IntN(200) + 1)})
	if flags&flagTagged == 0 {
		s.set(flagTagged, false)
		s.tag, s.values[serverTransient] = tag{}, nil
	}
	s.expires = s.deadline()
	return s
}

// use does with a state what is done with one that was read, as far as that
// needs no manager.
func (s *state) use() {
	_, _, _ = s.deadline(), s.lastSeen(), s.touchDue(1)
	_ = s.size()
	for _, f := range s.values {
		_, _ = f.get("b")
		_ = f.valid()
		for range f.all() {
		}
	}
	_ = s.record(store.NewID(sealedAt))
}

// A record reads as the state that was written, whatever its fields.
func TestState_roundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	id := store.NewID(sealedAt)
	for range 10 {
		for flags := range flagsKnown + 1 {
			want := someState(rng, flags)
			rec := want.record(id)
			require.Equal(t, id, rec.ID)
			require.Equal(t, want.deadline(), rec.Expires.UnixMilli())
			var got state
			require.NoError(t, got.readRecord(rec))
			require.Equal(t, want, got)
		}
	}
}

// What stands in cookies only does not get into the record.
func TestState_recordHasNoCookieFlags(t *testing.T) {
	s := someState(rand.New(rand.NewPCG(1, 2)), 0)
	s.set(flagStored|flagBound, true)
	var got state
	require.NoError(t, got.readRecord(s.record(store.NewID(sealedAt))))
	require.Zero(t, got.flags)
}

// A record in another format, or with flags that this version does not know,
// is refused: what it says might be misread.
func TestState_unknownFormat(t *testing.T) {
	s := someState(rand.New(rand.NewPCG(1, 2)), 0)
	rec := s.record(store.NewID(sealedAt))
	for b := range 256 {
		var got state
		rec.Data[0] = byte(b)
		require.Equal(t, b == recordFormat, got.readRecord(rec) == nil, "format %d", b)
	}
	rec.Data[0] = recordFormat
	for b := int(flagsKnown) + 1; b < 256; b++ {
		var got state
		rec.Data[1] = byte(b)
		require.ErrorIs(t, got.readRecord(rec), errMalformed, "flags %b", b)
	}
}

// Every truncation of a record is an error, or costs only values at its end.
func TestState_truncated(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for flags := range flagsKnown + 1 {
		want := someState(rng, flags)
		rec := want.record(store.NewID(sealedAt))
		whole := rec.Data
		head := len(whole) - len(want.values[serverPermanent])
		for n := range whole {
			rec.Data = whole[:n]
			var got state
			err := got.readRecord(rec)
			if n < head {
				require.ErrorIs(t, err, errMalformed, "%d of %d bytes", n, len(whole))
				continue
			}
			require.NoError(t, err)
			require.Equal(t, want.head, got.head)
			require.Equal(t, want.hash, got.hash)
			got.use()
		}
	}
}

// No bytes make reading a record panic; what reads without an error is a state
// that can be written and read again.
func TestState_mutated(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	refused := 0
	for range 1000 {
		seed := someState(rng, flag(rng.IntN(int(flagsKnown)+1)))
		rec := seed.record(store.NewID(sealedAt))
		original := rec.Data
		for range 100 {
			rec.Data = mutant(rng, original)
			var got state
			if got.readRecord(rec) != nil {
				refused++
				continue
			}
			got.use()
		}
	}
	require.Greater(t, refused, 1000, "the mutations reach what is checked")
	require.Less(t, refused, 99_000, "and what is not")
}

// mutant returns a copy of b that was changed at random: bytes replaced, cut
// out, repeated, put in.
func mutant(rng *rand.Rand, b []byte) []byte {
	b = append([]byte(nil), b...)
	for range 1 + rng.IntN(4) {
		if len(b) == 0 {
			return b
		}
		i := rng.IntN(len(b))
		j := i + rng.IntN(len(b)-i)
		switch rng.IntN(6) {
		case 0:
			b[i] ^= 1 << rng.IntN(8)
		case 1:
			b[i] = byte(rng.Uint32())
		case 2:
			b[i] = 0xff
		case 3:
			b = append(b[:i], b[j:]...)
		case 4:
			b = append(b[:j:j], b[i:]...)
		case 5:
			b = append(b[:i:i], append(someBytes(rng.IntN(12)), b[i:]...)...)
		}
	}
	return b
}

// The times of a session end it at its lifetime or idle timeout, whichever
// comes first, and move at most once in a tenth of the timeout.
func TestHead_deadline(t *testing.T) {
	hour := time.Hour.Milliseconds()
	tests := map[string]struct {
		head head
		want int64
		due  int64 // when a use first moves it; 0: never
	}{
		"idle first":     {head{ends: 100 * hour, seen: 10 * hour, idle: 10 * hour}, 20 * hour, 11 * hour},
		"lifetime first": {head{ends: 15 * hour, seen: 10 * hour, idle: 10 * hour}, 15 * hour, 0},
		"at once":        {head{ends: 20 * hour, seen: 10 * hour, idle: 10 * hour}, 20 * hour, 0},
		"no timeout":     {head{ends: 100 * hour, seen: 10 * hour}, 100 * hour, 0},
	}
	for name, tt := range tests {
		require.Equal(t, tt.want, tt.head.deadline(), name)
		require.False(t, tt.head.touchDue(tt.head.seen), name)
		require.False(t, tt.head.touchDue(tt.head.seen-hour), name)
		if tt.due == 0 {
			require.False(t, tt.head.touchDue(tt.want-1), name)
			continue
		}
		require.False(t, tt.head.touchDue(tt.due-1), name)
		require.True(t, tt.head.touchDue(tt.due), name)
	}
}
