package truth_test

import (
	"bytes"
	"log/slog"
	"runtime"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/memory"
	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

const (
	bombLimit = 1 << 20   // that the reader of a bomb has set
	bombSlack = 256 << 10 // what reading it may take besides
)

// Data that is short and means much, or that lies about its size, is found out before it
// takes memory.
func TestBomb(t *testing.T) {
	began := time.Now()
	l := newLab(t, "somebody")
	read := reader(t, l.inner)
	data, err := read(l.short[0].stored)
	require.NoError(t, err, "it has its dictionary")
	require.Equal(t, l.short[0].data, data)
	worst, longest := uint64(0), time.Duration(0)
	all := l.bombs(t)
	for name, b := range all {
		since := time.Now()
		took := allocated(func() { _, err = read(b) })
		longest, worst = max(longest, time.Since(since)), max(worst, took)
		require.ErrorIs(t, err, store.ErrCorrupt, name)
		require.LessOrEqual(t, took, uint64(bombLimit+bombSlack), name)
	}
	rig.Figures(t, began, "%d bombs, all found out, with at most %d KiB of memory, and in at most %v",
		len(all), worst>>10, longest.Round(time.Microsecond))
}

// allocated returns how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// A decoder as it comes lets bombs through.
func TestBomb_control(t *testing.T) {
	decoder, err := zstd.NewReader(nil)
	require.NoError(t, err)
	defer decoder.Close()
	worst := uint64(0)
	for _, b := range newLab(t, "somebody").bombs(t) {
		at := bytes.Index(b, []byte{0x28, 0xb5, 0x2f, 0xfd})
		if at >= 0 && worst <= bombLimit+bombSlack {
			worst = max(worst, allocated(func() { _, _ = decoder.DecodeAll(b[at:], nil) }))
		}
	}
	require.Greater(t, worst, uint64(bombLimit+bombSlack))
}

// A dictionary that is missing, or another one under its number, makes nothing of the data
// that needs it.
func TestBomb_dictionary(t *testing.T) {
	l, other := newLab(t, "somebody"), newLab(t, "nobody at all")
	for name, inner := range map[string]*memory.Store{"missing": memory.New(), "another": other.inner} {
		_, err := reader(t, inner)(l.short[0].stored)
		require.ErrorIs(t, err, store.ErrCorrupt, name)
	}
}

// A session whose record has become a bomb is no session, and costs nobody else anything.
func TestBomb_session(t *testing.T) {
	inner := memory.New()
	m, err := gimlet.New(inner, gimlet.WithCache(0), gimlet.WithLogger(slog.New(slog.DiscardHandler)))
	require.NoError(t, err)
	defer m.Close()
	for name, b := range newLab(t, "somebody").bombs(t) {
		s := m.Begin(t.Context())
		s.Set("a", 1)
		require.NoError(t, s.Commit(t.Context()))
		token, err := s.Token()
		require.NoError(t, err)
		r, err := inner.Load(t.Context(), s.ID())
		require.NoError(t, err)
		r.Version, r.Data = r.Version+1, b
		require.NoError(t, inner.Save(t.Context(), r))
		_, err = m.Load(t.Context(), token)
		require.ErrorIs(t, err, gimlet.ErrNoSession, name)
	}
}

// What is read from a stored form that has changed is what was saved, or nothing.
func TestBomb_mutants(t *testing.T) {
	began := time.Now()
	l := newLab(t, "somebody")
	n := rig.Tier(100_000, 10_000_000)
	m := l.mutate(n, func() func([]byte) ([]byte, error) { return reader(t, l.inner) })
	require.Empty(t, m.wrong)
	require.GreaterOrEqual(t, m.refused+m.same, n)
	require.Positive(t, m.refused)
	rig.Figures(t, began, "%d mutants, %d refused, %d as before in spite of it, none wrong", m.refused+m.same, m.refused, m.same)
}

// Without checksums wrong data comes out.
func TestBomb_mutants_control(t *testing.T) {
	l := newLab(t, "somebody")
	l.short = nil
	decoder, err := zstd.NewReader(nil, zstd.IgnoreChecksum(true), zstd.WithDecoderMaxMemory(bombLimit))
	require.NoError(t, err)
	defer decoder.Close()
	m := l.mutate(50_000, func() func([]byte) ([]byte, error) {
		return func(stored []byte) ([]byte, error) {
			data, err := decoder.DecodeAll(stored[min(len(stored), len(claim(4000, nil))):], nil)
			if err != nil {
				err = store.ErrCorrupt
			}
			return data, err
		}
	})
	require.NotEmpty(t, m.wrong)
}
