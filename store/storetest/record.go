package storetest

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
)

// newRecord returns the first version of a record that lives for an hour.
func newRecord(owner, data string) store.Record {
	return store.Record{
		ID:      store.NewID(time.Now()),
		Version: 1,
		Expires: in(time.Hour),
		Owner:   owner,
		Data:    []byte(data),
	}
}

// newRecords returns n of them, with different data.
func newRecords(n int, owner string) []store.Record {
	records := make([]store.Record, n)
	for i := range records {
		records[i] = newRecord(owner, fmt.Sprintf("record %d of %q", i, owner))
	}
	return records
}

// in returns the time that is d from now, in whole milliseconds: a store that
// rounds has nothing to round.
func in(d time.Duration) time.Time {
	return time.Now().Add(d).Truncate(time.Millisecond)
}

// next returns the version of r that follows it, with data.
func next(r store.Record, data string) store.Record {
	r.Version++
	r.Data = []byte(data)
	return r
}

// save stores each of records, many at once so that a store that shares its
// commits can.
func save(t tester, s store.Store, records ...store.Record) {
	t.Helper()
	require.NoError(t, saveAll(t.Context(), s, records))
}

func saveAll(ctx context.Context, s store.Store, records []store.Record) error {
	if len(records) == 1 {
		return s.Save(ctx, records[0])
	}
	const savers = 32
	return together(savers, func(i int) error {
		for ; i < len(records); i += savers {
			if err := s.Save(ctx, records[i]); err != nil {
				return fmt.Errorf("save %v: %w", records[i].ID, err)
			}
		}
		return nil
	})
}

// holds checks that s returns each of records as it is.
func holds(t tester, s store.Store, records ...store.Record) {
	t.Helper()
	for _, want := range records {
		got, err := s.Load(t.Context(), want.ID)
		require.NoError(t, err, "load %v", want.ID)
		require.NoError(t, differs(want, got))
	}
}

// lacks checks that s has none of records.
func lacks(t tester, s store.Store, records ...store.Record) {
	t.Helper()
	for _, r := range records {
		got, err := s.Load(t.Context(), r.ID)
		require.ErrorIs(t, err, store.ErrNotFound, "load %v: got %s", r.ID, describe(got))
	}
}

// lists checks that List(owner) yields exactly the records of want.
func lists(t tester, s store.Store, owner string, want ...store.Record) {
	t.Helper()
	got, err := list(t.Context(), s, owner)
	require.NoError(t, err, "list %q", owner)
	byID := make(map[store.ID]store.Record, len(got))
	for _, r := range got {
		require.NotContains(t, byID, r.ID, "list %q: yielded twice", owner)
		byID[r.ID] = r
	}
	for _, w := range want {
		g, ok := byID[w.ID]
		require.True(t, ok, "list %q: %v is missing", owner, w.ID)
		require.NoError(t, differs(w, g), "list %q", owner)
		delete(byID, w.ID)
	}
	for id, r := range byID {
		require.Fail(t, "yielded a record that is not there", "list %q: %v: %s", owner, id, describe(r))
	}
}

// list collects what List yields until its first error.
func list(ctx context.Context, s store.Store, owner string) ([]store.Record, error) {
	var records []store.Record
	for r, err := range s.List(ctx, owner) {
		if err != nil {
			return records, err
		}
		records = append(records, r)
	}
	return records, nil
}

// differs returns an error that says how got is not want, or nil if it is.
func differs(want, got store.Record) error {
	if same(want, got) {
		return nil
	}
	return fmt.Errorf("not the same record:\nwant %s\ngot  %s", describe(want), describe(got))
}

func same(a, b store.Record) bool {
	return a.ID == b.ID && a.Version == b.Version && a.Owner == b.Owner &&
		a.Expires.Equal(b.Expires) && bytes.Equal(a.Data, b.Data)
}

// describe shows a record in one line, however large it is.
func describe(r store.Record) string {
	head := r.Data[:min(len(r.Data), 40)]
	return fmt.Sprintf("ID %v, version %d, owner %.40q, expires %v, %d bytes of data: %q",
		r.ID, r.Version, r.Owner, r.Expires.UTC(), len(r.Data), head)
}

// copied returns a record with bytes of its own.
func copied(r store.Record) store.Record {
	r.Data = slices.Clone(r.Data)
	return r
}
