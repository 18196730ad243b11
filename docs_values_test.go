package gimlet

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/compress"
	"github.com/gimlet-go/gimlet/internal/docs"
	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/memory"
)

func TestFormat_frame(t *testing.T) {
	shows(t, "frame", exampleFrame(t))
	require.NoError(t, exampleFrame(t).valid())
}

func TestFormat_flash(t *testing.T) {
	require.Equal(t, "\x00flash\x00news", flashKey("news"))
	var queue []byte
	for _, message := range []any{"saved", 5} {
		queue = appendBlock(queue, exampleValue(t, message))
	}
	shows(t, "flash", queue)
}

func TestFormat_kinds(t *testing.T) {
	outer := map[kind]string{kindSlice: "slice", kindArray: "array", kindMap: "map", kindPointer: "pointer"}
	rows := docs.Rows(t, docs.Read(t, formatPage), "kind")
	require.Len(t, rows, int(kindPointer))
	for i, row := range rows {
		k := kind(i + 1)
		name, ok := outer[k]
		if !ok {
			name = typeName([]byte{byte(k)})
		}
		require.Equal(t, fmt.Sprint(i+1), row[0])
		require.Equal(t, "`"+name+"`", row[1])
	}
}

func TestFormat_values(t *testing.T) {
	values := map[string]any{
		`nil`:                          nil,
		`true`:                         true,
		`5`:                            5,
		`int8(-3)`:                     int8(-3),
		`1.5`:                          1.5,
		`"dark"`:                       "dark",
		`[]byte{1, 2}`:                 []byte{1, 2},
		`time.Second`:                  time.Second,
		`time.Unix(0, 0).UTC()`:        time.Unix(0, 0).UTC(),
		`[]string{"a", "b"}`:           []string{"a", "b"},
		`[2]bool{true, false}`:         [2]bool{true, false},
		`map[string]int{"a": 1}`:       map[string]int{"a": 1},
		`[]any{1, "a"}`:                []any{1, "a"},
		`[]*int{nil}`:                  []*int{nil},
		`struct{ A int }{5}`:           struct{ A int }{5},
		`[]struct{ A int }{{5}}`:       []struct{ A int }{{5}},
		`map[time.Duration]struct{}{}`: map[time.Duration]struct{}{},
	}
	rows := docs.Rows(t, docs.Read(t, formatPage), "value")
	for _, row := range rows {
		v, ok := values[strings.Trim(row[0], "`")]
		require.True(t, ok, "a value that this test does not know: %s", row[0])
		require.Equal(t, "`"+fmt.Sprintf("% x", exampleValue(t, v))+"`", row[1], "the stored form of %s", row[0])
	}
	require.Len(t, rows, len(values))
}

func TestFormat_compression(t *testing.T) {
	page := docs.Read(t, formatPage)
	for name, data := range map[string]string{
		"raw":  "short data",
		"zstd": strings.Repeat("The same sentence, again and again. ", 40),
	} {
		inner := memory.New()
		s, err := compress.New(inner)
		require.NoError(t, err)
		defer s.Close()
		r := store.Record{ID: exampleID, Version: 1, Data: []byte(data)}
		require.NoError(t, s.Save(t.Context(), r))
		written, err := inner.Load(t.Context(), r.ID)
		require.NoError(t, err)
		require.Equal(t, docs.Bytes(t, page, name)[0], written.Data[0])

		require.NoError(t, inner.Save(t.Context(), store.Record{ID: exampleID, Version: 2, Data: docs.Bytes(t, page, name)}))
		read, err := s.Load(t.Context(), r.ID)
		require.NoError(t, err)
		require.Equal(t, data, string(read.Data))
	}
}

func TestFormat_dictionary(t *testing.T) {
	page := docs.Read(t, formatPage)
	id := store.ID(docs.Bytes(t, page, "dictionary-id"))
	require.True(t, id.Reserved())
	const data = "user_id=1000001 visits=12 email=grace@example.org user_id=1000002 visits=7"
	synctest.Test(t, func(t *testing.T) {
		inner := memory.New()
		require.NoError(t, inner.Save(t.Context(), store.Record{ID: id, Version: 1, Data: docs.Bytes(t, page, "dictionary")}))
		r := store.Record{ID: exampleID, Version: 1, Data: docs.Bytes(t, page, "short")}
		require.NoError(t, inner.Save(t.Context(), r))
		s, err := compress.New(inner)
		require.NoError(t, err)
		defer s.Close()
		read, err := s.Load(t.Context(), r.ID)
		require.NoError(t, err)
		require.Equal(t, data, string(read.Data))

		synctest.Wait() // the dictionary comes into use for saving
		require.Equal(t, 1, s.Stats().Dictionary)
		require.NoError(t, s.Save(t.Context(), store.Record{ID: exampleID, Version: 2, Data: []byte(data)}))
		written, err := inner.Load(t.Context(), r.ID)
		require.NoError(t, err)
		require.Equal(t, r.Data[:6], written.Data[:6], "form, number and checksum")

		for i := range r.Data {
			damaged := store.Record{ID: exampleID, Version: uint64(3 + i), Data: bytes.Clone(r.Data)}
			damaged.Data[i] ^= 0x80
			require.NoError(t, inner.Save(t.Context(), damaged))
			_, err := s.Load(t.Context(), r.ID)
			require.ErrorIs(t, err, store.ErrCorrupt, "with a bit of byte %d turned", i)
		}
	})
}
