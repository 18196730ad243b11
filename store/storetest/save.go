package storetest

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
)

var saveCases = []testCase{{
	name: "Save/inserts if absent",
	rule: "With Version 1 Save inserts: ErrConflict if a record is there already, which stays as it is.",
	run:  saveInserts,
}, {
	name: "Save/replaces the version before",
	rule: "With Version n Save replaces version n-1: ErrConflict if another version is stored, which stays as it is.",
	run:  saveReplaces,
}, {
	name: "Save/does not bring back",
	rule: "With Version n > 1 Save returns ErrNotFound if no record is there, and stores none.",
	run:  saveDoesNotBringBack,
}, {
	name: "Save/one insert wins",
	rule: "The comparison and the write are one atomic step: of many inserts of one ID exactly one succeeds.",
	run:  saveOneInsertWins,
}, {
	name: "Save/one version wins",
	rule: "The comparison and the write are one atomic step: of many saves of one version exactly one succeeds.",
	run:  saveOneVersionWins,
}, {
	name: "Save/replaces all together",
	rule: "Data, Owner and Expires are replaced together: no reader sees some of one version and some of another.",
	run:  saveReplacesTogether,
}, {
	name: "Save/refuses invalid records",
	rule: "Save returns ErrInvalid for a record that breaks a rule of Record, and writes nothing.",
	run:  saveRefusesInvalid,
}, {
	name: "Save/sizes",
	rule: "Data is opaque: of any content and length, empty and nil being the same. (Only of a mebibyte may a store say ErrTooLarge; then it writes nothing.)",
	run:  saveSizes,
}}

func saveInserts(t tester, open func() store.Store) {
	s := open()
	r := newRecord("alice", "first")
	save(t, s, r)
	again := r
	again.Owner, again.Data = "bob", []byte("second")
	require.ErrorIs(t, s.Save(t.Context(), again), store.ErrConflict)
	require.ErrorIs(t, s.Save(t.Context(), r), store.ErrConflict, "the very same record")
	holds(t, s, r)
	lists(t, s, "alice", r)
	lists(t, s, "bob")
}

func saveReplaces(t tester, open func() store.Store) {
	s := open()
	r := newRecord("alice", "version 1")
	save(t, s, r)
	for range 4 {
		r = next(r, "later")
		r.Owner += "+"
		r.Expires = r.Expires.Add(-time.Second)
		save(t, s, r)
		holds(t, s, r)
	}
	for _, version := range []uint64{1, 2, 3, 4, 5, 7, 8, 1 << 32, math.MaxUint64} {
		wrong := next(r, "wrong")
		wrong.Version, wrong.Owner = version, "mallory"
		require.ErrorIs(t, s.Save(t.Context(), wrong), store.ErrConflict,
			"version %d over version %d", version, r.Version)
	}
	holds(t, s, r)
	lists(t, s, "", r)
}

func saveDoesNotBringBack(t tester, open func() store.Store) {
	s := open()
	r := newRecord("alice", "data")
	for _, version := range []uint64{2, 3, math.MaxUint64} {
		r.Version = version
		require.ErrorIs(t, s.Save(t.Context(), r), store.ErrNotFound, "version %d, never inserted", version)
	}
	r.Version = 1
	save(t, s, r)
	require.NoError(t, s.Delete(t.Context(), r.ID))
	for _, version := range []uint64{2, 3, math.MaxUint64} {
		r.Version = version
		require.ErrorIs(t, s.Save(t.Context(), r), store.ErrNotFound, "version %d, deleted", version)
	}
	lacks(t, s, r)
	lists(t, s, "")
}

func saveOneInsertWins(t tester, open func() store.Store) {
	s := open()
	for round := range 20 {
		r := newRecord("alice", "")
		winner := race(t, s, func(i int) store.Record {
			r := r
			r.Data = fmt.Appendf(nil, "insert %d of round %d", i, round)
			return r
		})
		holds(t, s, winner)
	}
}

func saveOneVersionWins(t tester, open func() store.Store) {
	s := open()
	r := newRecord("alice", "")
	save(t, s, r)
	for round := range 20 {
		last := r
		r = race(t, s, func(i int) store.Record {
			return next(last, fmt.Sprintf("save %d of round %d", i, round))
		})
		holds(t, s, r)
	}
}

// race saves many records at once and returns the one that was accepted.
func race(t tester, s store.Store, record func(i int) store.Record) store.Record {
	t.Helper()
	var winner atomic.Pointer[store.Record]
	err := together(24, func(i int) error {
		r := record(i)
		err := s.Save(t.Context(), r)
		if errors.Is(err, store.ErrConflict) {
			return nil
		}
		if err == nil && !winner.CompareAndSwap(nil, &r) {
			return fmt.Errorf("%q and %q were both accepted", r.Data, winner.Load().Data)
		}
		return err
	})
	require.NoError(t, err)
	require.NotNil(t, winner.Load(), "every save was refused")
	return *winner.Load()
}

func saveReplacesTogether(t tester, open func() store.Store) {
	s := open()
	const versions = 60
	first := newRecord("alice", "")
	at := func(version uint64) store.Record {
		r := first
		r.Version = version
		r.Owner = fmt.Sprintf("owner %d", version)
		r.Expires = first.Expires.AddDate(0, 0, int(version))
		r.Data = []byte(strings.Repeat(fmt.Sprintf("version %d;", version), 50))
		return r
	}
	save(t, s, at(1))
	saved := make(chan struct{})
	err := together(3, func(i int) error {
		if i == 0 {
			defer close(saved)
			for version := uint64(2); version <= versions; version++ {
				if err := s.Save(t.Context(), at(version)); err != nil {
					return err
				}
			}
			return nil
		}
		return until(saved, func() error {
			r, err := s.Load(t.Context(), first.ID)
			if err != nil {
				return err
			}
			return differs(at(r.Version), r)
		})
	})
	require.NoError(t, err)
}

func saveRefusesInvalid(t tester, open func() store.Store) {
	s := open()
	kept := newRecord("alice", "kept")
	save(t, s, kept)

	zeroID := newRecord("alice", "data")
	zeroID.ID = store.ID{}
	zeroVersion := newRecord("alice", "data")
	zeroVersion.Version = 0
	longOwner := newRecord(strings.Repeat("x", store.MaxOwner+1), "data")
	longOwnerUpdate := next(kept, "changed")
	longOwnerUpdate.Owner = longOwner.Owner
	zeroVersionUpdate := kept
	zeroVersionUpdate.Version = 0
	for _, r := range []store.Record{zeroID, zeroVersion, longOwner, longOwnerUpdate, zeroVersionUpdate} {
		require.ErrorIs(t, s.Save(t.Context(), r), store.ErrInvalid, describe(r))
	}
	lacks(t, s, zeroID, zeroVersion, longOwner)
	holds(t, s, kept)
	lists(t, s, "", kept)
}
