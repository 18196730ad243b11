package storetest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
)

var loadCases = []testCase{{
	name: "Load/returns what was saved",
	rule: "Load returns the record that is stored under id: every field as it was saved.",
	run:  loadReturnsWhatWasSaved,
}, {
	name: "Load/not found",
	rule: "Load returns ErrNotFound when there is no record under id; a neighbour is not taken for it.",
	run:  loadNotFound,
}, {
	name: "Load/any ID",
	rule: "Any ID but zero can be a key; reserved ones work like others.",
	run:  loadAnyID,
}}

func loadReturnsWhatWasSaved(t tester, open func() store.Store) {
	s := open()
	records := newRecords(20, "alice")
	records[3].Owner = ""
	records[4].Expires = time.Time{}
	records[5].Data = nil
	save(t, s, records...)
	holds(t, s, records...)
}

func loadNotFound(t tester, open func() store.Store) {
	s := open()
	r := newRecord("alice", "data")
	lacks(t, s, r)
	save(t, s, r)
	for i := range r.ID {
		neighbour := r
		neighbour.ID[i]++
		lacks(t, s, neighbour)
	}
	lacks(t, s, store.Record{})
	require.NoError(t, s.Delete(t.Context(), store.ID{}), "delete the zero ID")
	require.ErrorIs(t, s.Touch(t.Context(), store.ID{}, in(time.Hour)), store.ErrNotFound, "touch the zero ID")
	holds(t, s, r)
}

func loadAnyID(t tester, open func() store.Store) {
	s := open()
	var first, low, high, last store.ID
	first[15] = 1
	low[6] = 0xFF
	high[0] = 1
	for i := range last {
		last[i] = 0xFF
	}
	require.True(t, first.Reserved())
	var records []store.Record
	for _, id := range []store.ID{first, low, high, last} {
		r := newRecord("alice", "data of "+id.String())
		r.ID = id
		records = append(records, r)
	}
	save(t, s, records...)
	holds(t, s, records...)
	lists(t, s, "alice", records...)
	lists(t, s, "", records...)
	for i := range records {
		records[i] = next(records[i], "more")
	}
	save(t, s, records...)
	holds(t, s, records...)
	for _, r := range records {
		require.NoError(t, s.Touch(t.Context(), r.ID, time.Time{}))
		require.NoError(t, s.Delete(t.Context(), r.ID))
	}
	lacks(t, s, records...)
	lists(t, s, "")
}
