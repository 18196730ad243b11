package compress_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/compress"
	"github.com/gimlet-go/gimlet/store"
)

var vocabulary = strings.Fields(`anna bruno clara david elena frank greta henry irene jonas order cart
	paid shipped address street garden green small large wool cotton leather bicycle lamp table
	window monday friday invoice discount delivery morning please leave parcel neighbour second
	floor ring twice thank gift wrapped returned size colour`)

// session returns what the record of the i-th visitor may hold: a head, a
// secret's digest, and values of which size bytes are a note.
func session(i, size int) []byte {
	src := rand.New(rand.NewPCG(uint64(i), 1))
	word := func() string { return vocabulary[src.IntN(len(vocabulary))] }
	first, last := word(), word()
	var note strings.Builder
	for note.Len() < size {
		note.WriteString(word() + " ")
	}
	b := []byte{1, 0, 0, 0}
	for range 4 {
		b = binary.BigEndian.AppendUint64(b, src.Uint64())
	}
	b = fmt.Appendf(b, "\x05email\x1f\x03x%s.%s%d@example.org", first, last, i)
	b = fmt.Appendf(b, "\x04name\x0f\x03l%s %s\x04note\x80\x03x%s", first, last, note.String()[:size])
	return fmt.Appendf(b, "\x07user_id\x05\x1a\x00%06d\x06visits\x02\x05%c", i, rune(src.IntN(20)))
}

// visit returns the record of the i-th visitor, who is nobody's.
func visit(i int) store.Record {
	return store.Record{ID: store.NewID(time.Now()), Version: 1, Data: session(i, 220)}
}

// teach saves the sessions of n visitors, and waits for what comes of it.
func teach(t testing.TB, s *compress.Store, n int) (saved []store.Record) {
	t.Helper()
	for i := range n {
		r := visit(i)
		require.NoError(t, s.Save(t.Context(), r))
		s.Learned() // a sample that met somebody who looks at all would be left out
		saved = append(saved, r)
	}
	return saved
}

// taughtContent is what a dictionary for the sessions of visitors holds.
var taughtContent = sync.OnceValues(func() ([]byte, error) {
	var data [][]byte
	var people []string
	for i := range 192 {
		data, people = append(data, session(i, 220)), append(people, fmt.Sprint(i))
	}
	return compress.Train(context.Background(), data, people)
})

// taught returns the record of a dictionary for the sessions of visitors.
func taught(t testing.TB, number int) store.Record {
	t.Helper()
	content, err := taughtContent()
	require.NoError(t, err)
	require.Greater(t, len(content), 100)
	return compress.DictionaryRecord(number, content, 0.5)
}

// skilled returns a store around inner that has a dictionary in use.
func skilled(t testing.TB, inner store.Store, opts ...compress.Option) *compress.Store {
	t.Helper()
	require.NoError(t, inner.Save(t.Context(), taught(t, 1)))
	s := open(t, inner, opts...)
	s.Look()
	require.Equal(t, 1, s.Stats().Dictionary)
	return s
}
