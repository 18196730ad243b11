package fault_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

// A ledger says which version of each record may be found: 0 is none. While the store
// does not know what became of a change that is more than one.
type ledger map[store.ID][]uint64

// changed notes what a change has answered that was to bring a record to a version.
func (l ledger) changed(id store.ID, version uint64, err error) {
	before, known := l[id]
	if !known {
		before = []uint64{0}
	}
	switch {
	case err == nil:
		l[id] = []uint64{version}
	case errors.Is(err, store.ErrNotSaved):
		l[id] = before
	default:
		l[id] = append(slices.Clone(before), version)
	}
}

// certain reports whether it is known which version is there.
func (l ledger) certain(id store.ID) bool { return len(l[id]) == 1 }

// judge returns what is wrong with what a store has.
func (l ledger) judge(s store.Store) error {
	_, err := l.find(s)
	return err
}

// settle is judge of a store that has said by what can be read now what became of all
// changes: from then on nothing else may be found.
func (l ledger) settle(s store.Store) error {
	found, err := l.find(s)
	if err != nil {
		return err
	}
	for id := range l {
		l[id] = []uint64{found[id]}
	}
	return nil
}

func (l ledger) find(s store.Store) (found map[store.ID]uint64, err error) {
	found = make(map[store.ID]uint64)
	for r, err := range s.List(context.Background(), "") {
		if err != nil {
			return nil, fmt.Errorf("list: %w", err)
		}
		if len(r.Data) < 4 || !bytes.Equal(r.Data, rig.Content(r.ID, r.Version, int(binary.BigEndian.Uint32(r.Data)))) {
			return nil, fmt.Errorf("record %s, version %d, has the data of another", r.ID, r.Version)
		}
		found[r.ID] = r.Version
	}
	for id, may := range l {
		if !slices.Contains(may, found[id]) {
			return nil, fmt.Errorf("record %s has version %d, and may have %v", id, found[id], may)
		}
		r, err := s.Load(context.Background(), id)
		if err != nil && !errors.Is(err, store.ErrNotFound) || r.Version != found[id] {
			return nil, fmt.Errorf("record %s is listed with version %d, and loaded with %d: %w", id, found[id], r.Version, err)
		}
	}
	for id := range found {
		if l[id] == nil {
			return nil, fmt.Errorf("record %s was never saved", id)
		}
	}
	return found, nil
}
