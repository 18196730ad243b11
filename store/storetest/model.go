package storetest

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
)

var modelCases = []testCase{{
	name:   "Model/random operations",
	rule:   "Whatever is called in whatever order, a store answers as the contract says: here, as a map would.",
	bubble: true,
	run:    modelRandomOperations,
}}

func modelRandomOperations(t tester, open func() store.Store) {
	const steps = 250
	for _, seed := range []uint64{1, 2, 3, 5, 8, 13} {
		w := newWalk(seed, open())
		for step := range steps {
			err := w.step(t)
			if err == nil && step%25 == 24 {
				err = w.compareAll(t)
			}
			require.NoError(t, err, "seed %d, step %d, after\n\t%s", seed, step, strings.Join(w.trail, "\n\t"))
		}
	}
}

// A model is a store in the fewest words. It keeps what has expired until it
// is swept, like any store.
type model map[store.ID]store.Record

func (m model) load(id store.ID) (store.Record, error) {
	r, ok := m[id]
	if !ok || r.Expired(time.Now()) {
		return store.Record{}, store.ErrNotFound
	}
	return r, nil
}

func (m model) save(r store.Record) error {
	old, err := m.load(r.ID)
	switch {
	case r.Version == 1 && err == nil:
		return store.ErrConflict
	case r.Version > 1 && err != nil:
		return err
	case r.Version > 1 && old.Version != r.Version-1:
		return store.ErrConflict
	}
	m[r.ID] = r
	return nil
}

func (m model) touch(id store.ID, expires time.Time) error {
	r, err := m.load(id)
	if err == nil {
		r.Expires = expires
		m[id] = r
	}
	return err
}

func (m model) list(owner string) []store.Record {
	var records []store.Record
	for id := range m {
		if r, err := m.load(id); err == nil && (owner == "" || owner == r.Owner) {
			records = append(records, r)
		}
	}
	return records
}

func (m model) sweep(now time.Time) int {
	before := len(m)
	for id, r := range m {
		if r.Expired(now) {
			delete(m, id)
		}
	}
	return before - len(m)
}

// A walk does the same random steps on a store and on a model.
type walk struct {
	random *rand.Rand
	store  store.Store
	model  model
	ids    []store.ID
	owners []string
	trail  []string // the last steps
}

func newWalk(seed uint64, s store.Store) *walk {
	w := &walk{
		random: rand.New(rand.NewPCG(seed, 0)),
		store:  s,
		model:  model{},
		owners: []string{"", "a", "a\x00", "b"},
	}
	for i := range byte(7) {
		w.ids = append(w.ids, store.ID{0: i % 2, 15: i + 1}) // every other one is reserved
	}
	return w
}

// step does one random operation and compares the outcomes.
func (w *walk) step(t tester) error {
	id := w.ids[w.random.IntN(len(w.ids))]
	switch w.random.IntN(16) {
	case 0, 1, 2, 3, 4:
		r := w.record(id)
		w.note("save %s", describe(r))
		return agree(w.store.Save(t.Context(), r), w.model.save(r))
	case 5, 6, 7:
		expires := w.expires()
		w.note("touch %v to %v", id, expires.UTC())
		return agree(w.store.Touch(t.Context(), id, expires), w.model.touch(id, expires))
	case 8, 9:
		w.note("delete %v", id)
		delete(w.model, id)
		return w.store.Delete(t.Context(), id)
	case 10, 11:
		w.note("load %v", id)
		return w.compare(t, id)
	case 12:
		owner := w.owners[w.random.IntN(len(w.owners))]
		w.note("list %q", owner)
		return w.compareList(t, owner)
	case 13:
		return w.sweep(t)
	default:
		d := w.upTo(900 * time.Millisecond)
		w.note("wait %v", d)
		time.Sleep(d)
		return nil
	}
}

func (w *walk) note(format string, args ...any) {
	const kept = 30
	w.trail = append(w.trail, fmt.Sprintf(format, args...))
	w.trail = w.trail[max(0, len(w.trail)-kept):]
}

// record returns a version of id, most often one that can be saved.
func (w *walk) record(id store.ID) store.Record {
	r := store.Record{ID: id, Version: 1, Expires: w.expires()}
	if stored, err := w.model.load(id); err == nil {
		r.Version = stored.Version + 1
	}
	if w.random.IntN(4) == 0 {
		r.Version = 1 + w.random.Uint64N(5)
	}
	r.Owner = w.owners[w.random.IntN(len(w.owners))]
	r.Data = make([]byte, w.random.IntN(600))
	for i := range r.Data {
		r.Data[i] = byte(w.random.IntN(8))
	}
	return r
}

// expires is most often soon, at times never or past.
func (w *walk) expires() time.Time {
	switch w.random.IntN(8) {
	case 0:
		return time.Time{}
	case 1:
		return in(-w.upTo(time.Second))
	default:
		return in(w.upTo(4 * time.Second))
	}
}

func (w *walk) upTo(d time.Duration) time.Duration {
	return time.Duration(w.random.Int64N(int64(d)))
}

// sweep removes everything that had expired at some time until now, in steps:
// which records a limited sweep takes first is the store's choice.
func (w *walk) sweep(t tester) error {
	now, limit := time.Now().Add(-w.upTo(time.Second)), 1+w.random.IntN(4)
	w.note("sweep by %d at %v", limit, now.UTC())
	for left := w.model.sweep(now); ; left -= limit {
		n, err := w.store.Sweep(t.Context(), now, limit)
		if err != nil {
			return err
		}
		if n != min(left, limit) {
			return fmt.Errorf("sweep removed %d of %d, with a limit of %d", n, left, limit)
		}
		if n < limit {
			return nil
		}
	}
}

func (w *walk) compare(t tester, id store.ID) error {
	want, wantErr := w.model.load(id)
	got, err := w.store.Load(t.Context(), id)
	if err := agree(err, wantErr); err != nil || wantErr != nil {
		return err
	}
	return differs(want, got)
}

func (w *walk) compareList(t tester, owner string) error {
	got, err := list(t.Context(), w.store, owner)
	if err != nil {
		return err
	}
	want := w.model.list(owner)
	byID := func(a, b store.Record) int { return cmp.Compare(a.ID.String(), b.ID.String()) }
	slices.SortFunc(got, byID)
	slices.SortFunc(want, byID)
	if len(want) != len(got) {
		return fmt.Errorf("list %q: %d records, want %d", owner, len(got), len(want))
	}
	for i := range want {
		if err := differs(want[i], got[i]); err != nil {
			return fmt.Errorf("list %q: %w", owner, err)
		}
	}
	return nil
}

func (w *walk) compareAll(t tester) error {
	var errs []error
	for _, id := range w.ids {
		errs = append(errs, w.compare(t, id))
	}
	for _, owner := range w.owners {
		errs = append(errs, w.compareList(t, owner))
	}
	return errors.Join(errs...)
}

// agree returns an error unless got is the sentinel that want is.
func agree(got, want error) error {
	if errors.Is(got, want) {
		return nil
	}
	return fmt.Errorf("the error is %v, want %v", got, want)
}
