package storetest

import (
	"errors"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
)

var deleteCases = []testCase{{
	name: "Delete/removes",
	rule: "Delete removes the record. A record that does not exist is no error.",
	run:  deleteRemoves,
}, {
	name: "Delete/frees the ID",
	rule: "After Delete the ID may be inserted again, from Version 1 on.",
	run:  deleteFreesID,
}, {
	name: "Delete/is not undone",
	rule: "Once Delete has returned, no Save or Touch with an older version brings the record back.",
	run:  deleteIsNotUndone,
}}

func deleteRemoves(t tester, open func() store.Store) {
	s := open()
	records := newRecords(3, "alice")
	require.NoError(t, s.Delete(t.Context(), records[0].ID), "never inserted")
	save(t, s, records...)
	for range 2 {
		require.NoError(t, s.Delete(t.Context(), records[0].ID))
		lacks(t, s, records[0])
		lists(t, s, "alice", records[1:]...)
		lists(t, s, "", records[1:]...)
	}
	holds(t, s, records[1:]...)
}

func deleteFreesID(t tester, open func() store.Store) {
	s := open()
	r := newRecord("alice", "first life")
	save(t, s, r, newRecord("bob", "other"))
	save(t, s, next(r, "changed"))
	require.NoError(t, s.Delete(t.Context(), r.ID))

	again := r
	again.Owner, again.Data, again.Expires = "carol", []byte("second life"), time.Time{}
	save(t, s, again)
	holds(t, s, again)
	lists(t, s, "alice")
	lists(t, s, "carol", again)
	save(t, s, next(again, "goes on"))
}

func deleteIsNotUndone(t tester, open func() store.Store) {
	s := open()
	const rounds = 30
	for range rounds {
		r := newRecord("alice", "data")
		save(t, s, r)
		err := together(4, func(i int) error {
			var err error
			switch i {
			case 0:
				return s.Delete(t.Context(), r.ID)
			case 1:
				err = s.Touch(t.Context(), r.ID, in(2*time.Hour))
			default:
				err = s.Save(t.Context(), next(r, "late"))
			}
			if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrConflict) {
				return nil
			}
			return err
		})
		require.NoError(t, err)
		lacks(t, s, r)
	}
	lists(t, s, "alice")
	lists(t, s, "")
}
