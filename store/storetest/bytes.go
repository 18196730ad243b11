package storetest

import (
	"bytes"
	"fmt"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
)

var bytesCases = []testCase{{
	name: "Bytes/the caller keeps what it passes",
	rule: "A store must not hold on to Record.Data after Save has returned, nor change it.",
	run:  callerKeepsBytes,
}, {
	name: "Bytes/the caller owns what Load returns",
	rule: "The caller owns the bytes that it gets: it may change them, and append to them, and nobody else sees it.",
	run:  callerOwnsLoaded,
}, {
	name: "Bytes/the caller owns what List yields",
	rule: "The caller owns the bytes that it gets: it may change them, and append to them, and nobody else sees it.",
	run:  callerOwnsListed,
}, {
	name: "Bytes/stay valid",
	rule: "A store must return a copy that stays valid for as long as the caller likes: never a slice of a memory map or of a pooled buffer.",
	run:  bytesStayValid,
}}

func callerKeepsBytes(t tester, open func() store.Store) {
	s := open()
	r := newRecord("alice", "insert")
	for _, text := range []string{"insert", "first update", "second update"} {
		buffer := []byte("<" + text + ">")
		r.Data = buffer[1 : len(buffer)-1]
		save(t, s, r)
		require.Equal(t, "<"+text+">", string(buffer), "Save changed the caller's bytes")

		clear(buffer)
		want := r
		want.Data = []byte(text)
		holds(t, s, want)
		lists(t, s, "alice", want)
		r.Version++
	}
}

func callerOwnsLoaded(t tester, open func() store.Store) {
	s := open()
	records := newRecords(50, "alice")
	save(t, s, records...)
	for range 2 {
		for _, r := range records {
			got, err := s.Load(t.Context(), r.ID)
			require.NoError(t, err)
			require.NoError(t, differs(r, got))
			scribble(got.Data)
		}
	}
	holds(t, s, records...)
	lists(t, s, "alice", records...)
}

func callerOwnsListed(t tester, open func() store.Store) {
	s := open()
	records := newRecords(50, "alice")
	save(t, s, records...)
	for _, owner := range []string{"alice", ""} {
		for r, err := range s.List(t.Context(), owner) {
			require.NoError(t, err)
			scribble(r.Data)
		}
	}
	lists(t, s, "alice", records...)
	holds(t, s, records...)
}

// scribble writes over data and over the room behind it.
func scribble(data []byte) {
	data = data[:cap(data)]
	for i := range data {
		data[i] = '!'
	}
}

func bytesStayValid(t tester, open func() store.Store) {
	s := open()
	records := newRecords(250, "alice")
	for i := range records {
		records[i].Data = bytes.Repeat(fmt.Appendf(nil, "%d,", i), 120)
	}
	save(t, s, records...)
	loaded := make([]store.Record, len(records))
	for i, r := range records {
		var err error
		loaded[i], err = s.Load(t.Context(), r.ID)
		require.NoError(t, err)
	}
	listed, err := list(t.Context(), s, "alice")
	require.NoError(t, err)
	before := make([]store.Record, len(listed))
	for i, r := range listed {
		before[i] = copied(r)
	}

	for round := range 3 {
		later := make([]store.Record, len(records))
		for i, r := range records {
			later[i] = next(r, fmt.Sprintf("round %d", round))
			later[i].Version += uint64(round)
		}
		save(t, s, later...)
		save(t, s, newRecords(100, "bob")...)
		_, err := list(t.Context(), s, "")
		require.NoError(t, err)
	}
	for i, want := range records {
		require.NoError(t, differs(want, loaded[i]), "loaded before, changed since")
	}
	for i, want := range before {
		require.NoError(t, differs(want, listed[i]), "listed before, changed since")
	}
}
