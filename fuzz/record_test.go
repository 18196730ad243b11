package fuzz_test

import (
	"crypto/sha256"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/compress"
	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/memory"
)

// FuzzRecord puts any bytes in the place of the record of a living session,
// below compression. Whoever has its cookie is nobody or has the session; no
// request fails for reading it, it is listed or listed as damaged, and it can
// be revoked.
func FuzzRecord(f *testing.F) {
	for _, seed := range recordSeeds(f) {
		f.Add(seed)
	}
	lines := []string{sealedSessions[0].header()}
	f.Fuzz(func(t *testing.T, data []byte) {
		inner := memory.New()
		putRecord(t, inner, data)
		site := newSite(t, inner)
		listed(t, site.Manager)
		var v view
		bounded(t, len(data), perPackedByte, func() { v, _ = site.read(lines) })
		require.NoError(t, site.failure, "for reading")
		if v.ID == storedID {
			require.Equal(t, "alice", v.Owner)
			require.Contains(t, unpacked(t, data), secretDigest(), "opened by a secret that the record does not know")
		} else {
			require.Equal(t, nobody, v)
		}
		listed(t, site.Manager)
		goesOn(t, site, lines, v.ID == storedID)
		n, err := site.RevokeOwner(t.Context(), "alice")
		require.NoError(t, err)
		require.LessOrEqual(t, n, 1) // reading may have saved it with an expiry that has come by now
		v, _ = site.read(lines)
		require.Equal(t, nobody, v)
	})
}

// putRecord stores a sound record and then another version of it, with data.
func putRecord(t *testing.T, s store.Store, data []byte) {
	t.Helper()
	r := store.Record{
		ID: storedID, Version: 1, Owner: "alice", Expires: time.Now().Add(time.Hour),
		Data: uncompressed(record(endless(0), someSecret, nil, nil)),
	}
	require.NoError(t, s.Save(t.Context(), r))
	r.Version, r.Data = 2, data
	require.NoError(t, s.Save(t.Context(), r))
}

// listed goes through all sessions and their values. There are no errors but
// damage.
func listed(t *testing.T, m *gimlet.Manager) {
	t.Helper()
	for info, err := range m.Sessions(t.Context(), "alice") {
		require.Equal(t, storedID, info.ID)
		if err != nil {
			require.ErrorIs(t, err, store.ErrCorrupt)
			continue
		}
		for key := range info.All() {
			require.NotEqual(t, "\x00", key[:min(1, len(key))], "a key of the library is shown")
		}
	}
}

// goesOn requires that a handler can write: to the session if it is alive, and
// has not ended meanwhile, and else to a new one.
func goesOn(t *testing.T, site *site, lines []string, alive bool) {
	t.Helper()
	id, ends, w := site.write(lines)
	sane(t, site.failure)
	if site.failure != nil || time.Until(ends) < time.Minute {
		return
	}
	if alive && id != storedID {
		v, _ := site.read(lines)
		require.Equal(t, nobody, v)
	}
	require.True(t, alive || id != storedID)
	browser := jar{cookieName: "1" + sealedSessions[0].text}
	browser.take(w)
	v, _ := site.read(browser.lines())
	require.Equal(t, id, v.ID)
}

func secretDigest() string {
	sum := sha256.Sum256(someSecret[:])
	return string(sum[:])
}

// unpacked returns what data is the stored form of.
func unpacked(t *testing.T, data []byte) string {
	t.Helper()
	inner := memory.New()
	putRecord(t, inner, data)
	s, err := compress.New(inner)
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	r, err := s.Load(t.Context(), storedID)
	require.NoError(t, err)
	return string(r.Data)
}

// packed returns the stored form of data that is long enough to be compressed.
func packed(t testing.TB, data []byte) []byte {
	t.Helper()
	inner := memory.New()
	s, err := compress.New(inner, compress.WithMinSize(1))
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	r := store.Record{ID: storedID, Version: 1, Data: data}
	require.NoError(t, s.Save(t.Context(), r))
	r, err = inner.Load(t.Context(), storedID)
	require.NoError(t, err)
	return r.Data
}

func recordSeeds(t testing.TB) (seeds [][]byte) {
	values := frame(flashes("", text("saved")), pair{"cart", text("apples")}, pair{"n", number(5)})
	add := func(data []byte) { seeds = append(seeds, uncompressed(data)) }
	for b := range damaged(record(endless(0), someSecret, nil, values), 60) {
		add(b)
	}
	tagged := append(someTag[:], block(frame(pair{"step", number(2)}))...)
	previous := make([]byte, 32+6+16)
	previous[32+5] = 0 // until 1970
	whole := record(endless(flagPrevious|flagTagged|flagCarried), someSecret, append(previous, tagged...), values)
	for b := range damaged(whole, 40) {
		add(b)
	}
	for _, h := range oddHeads() {
		add(record(h, someSecret, nil, values))
	}
	for _, f := range oddFrames() {
		add(record(endless(0), someSecret, nil, f))
	}
	add(record(endless(0), [16]byte{}, nil, values))
	long := record(endless(0), someSecret, nil, frame(pair{"cart", text(strings.Repeat("apples ", 300))}))
	require.EqualValues(t, 0xa5, packed(t, long)[0])
	for b := range damaged(packed(t, long), 30) {
		seeds = append(seeds, b)
	}
	return append(seeds, nil, []byte{0x3c}, []byte{0xa5}, make([]byte, 100))
}

// A record that is sound is read, so that damage to it is worth trying.
func TestRecordSeeds(t *testing.T) {
	inner := memory.New()
	putRecord(t, inner, recordSeeds(t)[0])
	v, _ := newSite(t, inner).read([]string{sealedSessions[0].header()})
	require.Equal(t, storedID, v.ID)
	require.Equal(t, map[string]any{"cart": "apples", "n": 5, "theme": "dark"}, v.Values)
	require.Equal(t, []any{"saved"}, v.Flashes)
}
