package bolt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"

	"github.com/gimlet-go/gimlet/store"
)

// A survey is what can be found in a damaged file.
//
// Three things say of a record that it is alive: the way to it from the root of
// the tree, which must be sound; the free list, which does not name its page; and
// the index by expiry, which names it. Old pages hold records that were deleted since,
// and older versions of others, with checksums that are right. So each of the three
// may be deceived by the damage, and two of them are asked to agree.
type survey struct {
	file  *walk
	names bucketNames

	records []leaf // sound leaves of the records, reached from the root
	expiry  []leaf // and of the index
	meta    []leaf
	strays  []leaf // sound leaves of records, not free, to which a damaged branch has led

	listed bool   // whether the free list can be trusted
	whole  bool   // whether no part of the tree of the records was lost
	lost   int    // how many parts of the file were
	losses []loss // those of the tree of the records
	intact bool   // whether all records under reserved IDs are there

	depth int   // of the leaves of the records
	err   error // why nothing of it may be used
}

// maxLosses bounds how much work a damaged file makes.
const maxLosses = 10_000

var errHopeless = errors.New("the damage is everywhere")

// surveyed looks at a file of that size whose newest meta page is m.
func surveyed(r io.ReaderAt, size int64, m metaPage, names bucketNames) *survey {
	// What the file should have and does not have cannot be read anyway.
	m.pages = min(m.pages, uint64(size)/uint64(m.pageSize)+1)
	s := &survey{file: newWalk(r, m), names: names, whole: true, intact: true}
	if s.listed = m.freelist != noFreelist && s.file.freePages(m.freelist) == nil; !s.listed {
		clear(s.file.used)
	}
	s.file.found, s.file.lost = s.find, s.lose
	s.err = s.file.tree(m.root, bounds{}, 0, home{top: true})
	if s.err == nil && len(s.records) == 0 && s.whole {
		s.err = errors.New("there are no records in it")
	}
	if s.err == nil && !s.whole && s.listed {
		s.findStrays()
	}
	return s
}

func (s *survey) find(l leaf) error {
	l.keys = bounds{bytes.Clone(l.keys.low), nil}
	switch l.where.bucket {
	case string(s.names.records):
		s.records = append(s.records, l)
		s.depth = l.depth
	case string(s.names.expiry):
		s.expiry = append(s.expiry, l)
	case string(s.names.meta):
		s.meta = append(s.meta, l)
	}
	return nil
}

func (s *survey) lose(l loss) error {
	s.lost++
	if errors.Is(l.err, errUsed) {
		// The page is what it should be, and free all the same: one of the two is wrong.
		s.listed = false
	}
	switch {
	case l.where.top || s.lost > maxLosses:
		return errHopeless
	case l.where.bucket == string(s.names.records):
		s.whole = false
		l.keys = bounds{bytes.Clone(l.keys.low), bytes.Clone(l.keys.high)}
		s.losses = append(s.losses, l)
		s.intact = s.intact && !mayBeReserved(l.keys.low)
	}
	return nil
}

// mayBeReserved reports whether keys from low on may be reserved IDs.
func mayBeReserved(low []byte) bool {
	return len(low) < idSize || store.ID(low).Reserved()
}

// findStrays looks for leaves of records among the pages that are neither free nor
// reached. Of a damaged leaf there are none, whatever the free list says.
func (s *survey) findStrays() {
	gaps := slices.DeleteFunc(s.losses, func(l loss) bool { return l.depth >= s.depth })
	if len(gaps) == 0 {
		return
	}
	for id := uint64(2); id < s.file.pages; id++ {
		if s.file.isUsed(id) {
			continue
		}
		p, err := s.file.page(id)
		if err != nil || p.kind != kindLeaf {
			continue
		}
		e, err := s.file.elements(p)
		if err == nil {
			err = within(e, bounds{}, func() error {
				if e.flags != 0 || len(e.key) != idSize || !isLost(e.key, gaps) {
					return errors.New("it is no leaf that is missed")
				}
				return nil
			})
		}
		if err == nil && s.file.use(id, p.pages) == nil {
			s.strays = append(s.strays, leaf{page: p})
		}
	}
}

// isLost reports whether a key was in one of the parts that are lost.
func isLost(key []byte, gaps []loss) bool {
	return slices.ContainsFunc(gaps, func(l loss) bool {
		return bytes.Compare(key, l.keys.low) >= 0 && (l.keys.high == nil || bytes.Compare(key, l.keys.high) < 0)
	})
}

// mark returns what the file says of its journal, or nil if it says nothing.
func (s *survey) mark() (at *mark, err error) {
	var version uint64
	for _, l := range s.meta {
		err := s.each(l, func(key, value []byte) error {
			switch {
			case bytes.Equal(key, formatKey) && len(value) == formatSize:
				version = binary.BigEndian.Uint64(value)
			case bytes.Equal(key, journalKey):
				m, err := decodeMark(value)
				at = &m
				return err
			default:
				return errors.New("it says of itself what no store does")
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	if version == 0 || version > formatVersion {
		return nil, errors.New("it does not say of which format it is")
	}
	return at, nil
}

// index returns which records the index by expiry names, and when they expire at the
// earliest.
func (s *survey) index() map[store.ID]int64 {
	named := make(map[store.ID]int64)
	for _, l := range s.expiry {
		_ = s.each(l, func(key, _ []byte) error {
			if ms, id, ok := parseExpiryKey(key); ok {
				named[id] = ms
			}
			return nil
		})
	}
	return named
}

// each calls fn with the keys and values of a leaf, which are good until it returns.
func (s *survey) each(l leaf, fn func(key, value []byte) error) error {
	e, err := s.file.elementsOf(l)
	if err != nil {
		return err
	}
	for {
		more, err := e.next()
		if !more || err != nil {
			return err
		}
		key := e.key
		value, err := e.bytes(e.value[0], int(e.value[1]-e.value[0]))
		if err == nil {
			err = fn(key, value)
		}
		if err != nil {
			return err
		}
	}
}
