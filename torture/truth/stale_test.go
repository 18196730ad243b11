package truth_test

import (
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

// hammers are an ordinary cache, which has room for all, and a tiny one, from which
// sessions push each other out all the time.
func hammers(t *testing.T) []hammer {
	file := func() string { return filepath.Join(rig.MemoryDir(t), "sessions.db") }
	return []hammer{
		{Name: "ordinary cache", Cache: 32 << 20, Sessions: 24},
		{Name: "tiny cache", Cache: 64 << 10, Sessions: 300},
		{Name: "ordinary cache, file", Path: file(), Cache: 32 << 20, Sessions: 24},
		{Name: "tiny cache, file", Path: file(), Cache: 64 << 10, Sessions: 300},
	}
}

// No read shows less than what had been acknowledged before it began.
func TestStale(t *testing.T) {
	for _, h := range hammers(t) {
		t.Run(h.Name, func(t *testing.T) {
			h.Reads = int64(rig.Tier(25_000, 2_500_000))
			struck(t, h)
		})
	}
}

// No read finds a session that had been destroyed before it began.
func TestGhost(t *testing.T) {
	for _, h := range hammers(t) {
		t.Run(h.Name, func(t *testing.T) {
			h.Ends, h.Sessions = rig.Tier(2500, 25_000), 24
			struck(t, h)
		})
	}
}

func struck(t *testing.T, h hammer) {
	t.Helper()
	began := time.Now()
	v, err := h.strike()
	require.NoError(t, err)
	require.Zero(t, v.Wrong)
	require.GreaterOrEqual(t, v.Reads, h.Reads)
	require.GreaterOrEqual(t, v.Ends, int64(h.Ends))
	require.NotZero(t, v.Hits)
	require.NotZero(t, v.Misses)
	rig.Figures(t, began, "%v", v)
}

// The same with a naive cache is found out, and with the library's own if that does not
// look whether a record has changed since it was kept.
func TestStale_control(t *testing.T) {
	foundOut(t, hammer{Reads: 3_000_000, Sessions: 24})
}

func TestGhost_control(t *testing.T) {
	foundOut(t, hammer{Ends: 100_000})
}

func foundOut(t *testing.T, h hammer) {
	t.Helper()
	h.Found = true
	t.Run("naive", func(t *testing.T) {
		h := h
		h.Naive = true
		v, err := h.strike()
		require.NoError(t, err)
		t.Log(v)
		require.Positive(t, v.Wrong, "a naive cache passes")
	})
	t.Run("checksChanges", func(t *testing.T) {
		h := h
		h.Cache = 32 << 20
		out, err := rig.Program(t, rig.Broken(t, "checksChanges"), "strike", h).Output()
		require.NoError(t, err)
		var v verdict
		require.NoError(t, json.Unmarshal(out, &v))
		t.Log(v)
		require.Positive(t, v.Wrong, "a library without the safeguard passes")
	})
}
