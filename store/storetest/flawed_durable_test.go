package storetest

import (
	"maps"
	"time"

	"github.com/gimlet-go/gimlet/store"
)

// A flawedDisk keeps the records of a flawless store while it is closed, with
// one flaw, or none when flaw is "".
type flawedDisk struct {
	flaw    string
	records map[store.ID]store.Record
	written time.Time
}

func (d *flawedDisk) open() store.Store {
	s := newFlawed("")
	for id, r := range d.records {
		if d.flaw == "stops the clock while closed" && !r.Expires.IsZero() {
			r.Expires = r.Expires.Add(time.Since(d.written))
		}
		s.records[id], s.born[id] = r, r
	}
	return &diskStore{s, d}
}

type diskStore struct {
	*flawedStore
	disk *flawedDisk
}

// Close writes to the disk what the store holds.
func (s *diskStore) Close() error {
	if s.closed {
		return nil
	}
	d := s.disk
	kept := maps.Clone(s.records)
	for id, r := range kept {
		switch d.flaw {
		case "forgets owners":
			r.Owner = ""
		case "forgets touches":
			r.Expires = s.born[id].Expires
		}
		kept[id] = r
	}
	for id, r := range d.records {
		_, still := s.records[id]
		deleted := !still && !r.Expired(time.Now())
		swept := !still && !deleted
		if deleted && d.flaw == "forgets deletes" || swept && d.flaw == "forgets sweeps" {
			kept[id] = r
		}
	}
	if d.flaw == "forgets what it saved" {
		clear(kept)
	}
	d.records, d.written = kept, time.Now()
	return s.flawedStore.Close()
}
