package fuzz_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/compress"
	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/memory"
)

// FuzzDictionary makes any bytes a dictionary. Any others, saved with it, come
// back; and stored as if they had been compressed with it, they are read as a
// bounded number of bytes or reported as corrupt.
func FuzzDictionary(f *testing.F) {
	content := strings.Repeat("user_id visits email @example.org ", 3)
	for data := range damaged(shortForm(f, []byte(content), []byte("visits email nobody@example.org visits email user_id 1234567890 email")), 40) {
		f.Add([]byte(content), data)
	}
	for _, content := range []string{"", "fifteen bytes..", "sixteen bytes...", content[5:], strings.Repeat("ab", 16<<10), strings.Repeat("\x00", 32<<10+1)} {
		f.Add([]byte(content), []byte(strings.Repeat(content, 3)))
		f.Add([]byte(content), []byte("a"+content+strings.Repeat("email visits", 40)))
		f.Add([]byte(content), []byte{short, 1, 0, 0, 0, 0, 0xff, 0xff, 3, 0, 'x', 1, 1, 7<<2 | 1, 0, 0xff, 0xff, 0xff})
	}
	f.Fuzz(func(t *testing.T, content, data []byte) {
		inner := memory.New()
		saveDictionary(t, inner, content)
		s := openPacking(t, inner, compress.WithMaxSize(narrowData))
		defer s.Close() // with each input, not when the process ends
		r := store.Record{ID: storedID, Version: 1, Data: data}
		for _, stored := range [][]byte{data, append([]byte{short}, data...), append([]byte{short, 1}, data...)} {
			require.NoError(t, inner.Save(t.Context(), store.Record{ID: storedID, Version: 1, Owner: "alice", Data: stored}))
			unpacks(t, s, stored, narrowData)
			require.NoError(t, inner.Delete(t.Context(), storedID))
		}
		adopt(t, inner, s, content)
		comesBack(t, s, r)
	})
}

const (
	short      = 0x69
	maxContent = 32 << 10
)

// saveDictionary stores the record of dictionary 1.
func saveDictionary(t testing.TB, inner store.Store, content []byte) {
	t.Helper()
	number := string(binary.AppendUvarint(nil, 1))
	sum := sha256.Sum256([]byte("gimlet dictionary\x00" + number))
	var id store.ID
	copy(id[6:], sum[:])
	head := append([]byte{1, 0x13, 0x88}, content...)
	sum = sha256.Sum256([]byte("gimlet dictionary content\x00" + number + string(head)))
	r := store.Record{ID: id, Version: 1, Data: uncompressed(append(head, sum[:]...))}
	require.NoError(t, inner.Save(t.Context(), r))
}

// adopt makes s save with dictionary 1, if it can be one: it reads a record
// that needs it.
func adopt(t testing.TB, inner store.Store, s *compress.Store, content []byte) {
	t.Helper()
	r := store.Record{ID: storedID, Version: 1, Data: []byte{short, 1, 0, 0, 0, 0, 1, 0, 'x'}}
	require.NoError(t, inner.Save(t.Context(), r))
	_, err := s.Load(t.Context(), storedID)
	require.NoError(t, inner.Delete(t.Context(), storedID))
	require.True(t, err == nil || errors.Is(err, store.ErrCorrupt), "%v", err)
	if len(content) < 16 || len(content) > maxContent {
		require.ErrorContains(t, err, "dictionary 1 is damaged")
		return
	}
	for deadline := time.Now().Add(10 * time.Second); s.Stats().Dictionary != 1; runtime.Gosched() {
		require.True(t, time.Now().Before(deadline), "the dictionary does not come into use")
	}
}

// shortForm returns data as it is stored with a dictionary.
func shortForm(t testing.TB, content, data []byte) []byte {
	t.Helper()
	inner := memory.New()
	saveDictionary(t, inner, content)
	s := openPacking(t, inner)
	adopt(t, inner, s, content)
	require.NoError(t, s.Save(t.Context(), store.Record{ID: storedID, Version: 1, Data: data}))
	r, err := inner.Load(t.Context(), storedID)
	require.NoError(t, err)
	require.EqualValues(t, short, r.Data[0])
	require.True(t, bytes.HasPrefix(r.Data, []byte{short, 1}))
	return r.Data
}
