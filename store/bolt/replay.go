package bolt

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"go.etcd.io/bbolt"

	"github.com/gimlet-go/gimlet/store"
)

// recover moves what the journal of a crashed process has into the database,
// before anybody else uses either. To do so twice changes nothing. Afterwards
// there is no journal. A stale database may not know it yet.
func (s *Store) recover(stale bool) error {
	path := s.real + journalSuffix
	f, err := openJournal(path)
	if err != nil {
		return fmt.Errorf("bolt: open %s: %w", s.path, err)
	}
	if f == nil {
		return s.withoutJournal()
	}
	defer f.Close()
	at, err := s.attachedJournal(s.buckets.meta)
	switch {
	case err != nil:
	case at != nil:
		err = s.replay(f, *at)
	case stale && hasFrames(f):
		err = s.corrupt(store.ID{}, errStale)
	default:
		err = s.refuseJournal()
	}
	if err != nil {
		return err
	}
	// Now the database lacks nothing that a journal has.
	_ = f.Close()
	_ = os.Remove(path)
	return nil
}

// withoutJournal is for a journal that is not there. If there should be one it was
// removed, or this is a copy of the file alone: all that there is.
func (s *Store) withoutJournal() error {
	at, err := s.attachedJournal(s.buckets.meta)
	if err != nil {
		return err
	}
	if at == nil {
		return s.refuseJournal()
	}
	return s.update(func(t *txn) error { return t.forgetJournal() })
}

// refuseJournal fails if the journal belongs to a store of the database that
// this one must not open, or not in this way.
func (s *Store) refuseJournal() error {
	names, err := s.metaBuckets()
	if err != nil {
		return err
	}
	for _, name := range names {
		at, err := s.attachedJournal(name)
		if err != nil {
			return err
		}
		if at != nil {
			prefix := strings.TrimSuffix(string(name), metaSuffix)
			return fmt.Errorf("bolt: %s: the store %q was not closed, and its journal has changes that are not in the file: "+
				"open it with bolt.Open and WithPrefix(%q), and close it", s.path, prefix, prefix)
		}
	}
	return nil
}

// metaBuckets returns the names of the meta buckets of all stores in the database.
func (s *Store) metaBuckets() (names [][]byte, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
			if bytes.HasSuffix(name, []byte(metaSuffix)) && len(b.Get(formatKey)) == formatSize {
				names = append(names, bytes.Clone(name))
			}
			return nil
		})
	})
	return names, err
}

// attachedJournal returns the mark in a meta bucket, or nil when the database
// lacks nothing.
func (s *Store) attachedJournal(bucket []byte) (at *mark, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		meta := tx.Bucket(bucket)
		if meta == nil {
			return s.corrupt(store.ID{}, errNoBucket)
		}
		b := meta.Get(journalKey)
		if b == nil {
			return nil
		}
		m, err := decodeMark(b)
		if err != nil {
			return s.corrupt(store.ID{}, err)
		}
		at = &m
		return nil
	})
	return at, err
}

func (s *Store) replay(f *os.File, at mark) error {
	p := player{store: s, id: at.id, states: make(map[store.ID]*state)}
	found, size, err := readHeader(f)
	switch {
	case err != nil:
		err = p.damaged(err)
	case found != at.id:
		err = p.damaged(errors.New("it belongs to another state of the file"))
	default:
		err = p.play(f, at.from, size)
	}
	if err != nil {
		return err
	}
	list := make([]move, 0, len(p.states))
	for id, state := range p.states {
		list = append(list, move{id, state})
	}
	err = s.update(func(t *txn) error {
		if err := t.apply(list); err != nil {
			return err
		}
		return t.forgetJournal()
	})
	if err != nil {
		return fmt.Errorf("bolt: move the journal into %s: %w", s.path, err)
	}
	return nil
}

// hasFrames reports whether a journal has a frame in it.
func hasFrames(f *os.File) bool {
	id, size, err := readHeader(f)
	if err != nil {
		return false
	}
	ring, err := readRing(f, size)
	if err != nil {
		return false
	}
	for offset := 0; offset < len(ring); offset += frameAlign {
		if _, _, ok := parseFrame(ring[offset:], id); ok {
			return true
		}
	}
	return false
}

// A player reads what a journal says.
type player struct {
	store  *Store
	id     journalID
	states map[store.ID]*state // what has become of the records
}

func (p *player) damaged(err error) error {
	if isFault(err) {
		return fmt.Errorf("bolt: open %s: %w", p.store.path, err)
	}
	return &CorruptError{Path: p.store.real + journalSuffix, Err: err}
}

// play reads the frames from a position on, up to the last one that is whole.
// What a crash has cut off was acknowledged to nobody, and nothing follows it.
func (p *player) play(r io.Reader, from, size int64) error {
	ring, err := readRing(r, size)
	if err != nil {
		return p.damaged(err)
	}
	at := from
	for {
		frame, next := p.frameAt(ring, at, size)
		if frame == nil {
			break
		}
		if err := p.frame(frame[frameHeader:]); err != nil {
			return p.damaged(err)
		}
		at = next
	}
	for offset := int64(0); offset < int64(len(ring)); offset += frameAlign {
		if _, position, ok := parseFrame(ring[offset:], p.id); ok && position >= at {
			return p.damaged(fmt.Errorf("a frame is missing at position %d, and there is one at %d: "+
				"it is damaged, or belongs to another state of the file", at, position))
		}
	}
	return nil
}

func readRing(r io.Reader, size int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, journalBase+size))
	if err != nil || len(b) < journalBase {
		return nil, err
	}
	return b[journalBase:], nil
}

// frameAt returns the frame that follows position at: there, or at the start of
// the next lap if it had no room. It returns nil when there is none, and where
// the frame ends.
func (p *player) frameAt(ring []byte, at, size int64) (frame []byte, end int64) {
	for _, n := range []int64{1, size} {
		begin := place(at, n, size)
		if begin%size >= int64(len(ring)) {
			continue
		}
		if frame, position, ok := parseFrame(ring[begin%size:], p.id); ok && position == begin {
			return frame, begin + int64(len(frame))
		}
	}
	return nil, at
}

// frame applies the entries of one frame.
func (p *player) frame(b []byte) error {
	for len(b) > 0 {
		e, rest, err := nextEntry(b)
		if err != nil {
			return err
		}
		if err := p.entry(e); err != nil {
			return err
		}
		b = rest
	}
	return nil
}

func (p *player) entry(e entry) error {
	if e.what != entryTouch {
		p.states[e.id] = e.state()
		return nil
	}
	old := p.states[e.id]
	if old == nil {
		var err error
		if old, err = p.stored(e.id); old == nil || err != nil {
			return err
		}
	}
	if !old.gone && old.version == e.record.version {
		p.states[e.id] = old.touch(e.record.expires)
	}
	return nil
}

// stored returns the state of a record in the database, or nil when there is
// none that can be read.
func (p *player) stored(id store.ID) (old *state, err error) {
	err = p.store.view(func(tx *bbolt.Tx) error {
		b := tx.Bucket(p.store.buckets.records).Get(id[:])
		if r, err := decodeRecord(id, b); err == nil {
			old = newState(r.version, r.expires, newDraft(r.owner, r.data))
		}
		return nil
	})
	return old, err
}
