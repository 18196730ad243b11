package bolt

import (
	"context"
	"encoding/binary"
	"time"
)

// A file with a journal is compacted by itself when most of it is free. It begins
// in a quiet moment; what comes while the file is copied is served between the
// steps of the copy.
const (
	// wasteful is how many bytes must be free before anything is done: to
	// copy a small file often is worse than to leave it as it is.
	wasteful = 8 << 20

	compactInterval    = time.Minute // between two looks
	maxCompactInterval = time.Hour   // after several that were given up
)

// quiet reports whether there is nothing urgent to move.
func (s *Store) quiet() bool { return s.load() <= s.journal.size/2 }

// shrink compacts the file if that is due and pays. It is called by the
// checkpointer, and so is never under way twice.
func (s *Store) shrink() {
	now := time.Now()
	if !s.options.autoCompact || now.Before(s.shrinkNext) || !s.quiet() {
		return
	}
	s.shrinkNext = now.Add(compactInterval)
	free, size, err := s.waste()
	if err != nil || free < wasteful || free < size/2 || !hasDiskSpace(s.real, size-free) {
		return
	}
	if err := s.compact(s.exchange, func() error { return s.ready(context.Background()) }); err != nil {
		s.shrinkWait = min(max(2*s.shrinkWait, 2*compactInterval), maxCompactInterval)
		s.shrinkNext = now.Add(s.shrinkWait)
		return
	}
	s.shrinkWait = 0
	s.stats.compactions.Add(1)
}

// waste returns how many bytes of the file are in free pages, and how many it
// has, as the newest meta page and its free list say.
func (s *Store) waste() (free, size int64, err error) {
	m, err := newestMeta(s.file)
	if err != nil {
		return 0, 0, err
	}
	if m.freelist == noFreelist {
		return 0, int64(m.pages) * int64(m.pageSize), nil
	}
	// A head of 16 bytes, and in front of the list its length, if that is more
	// than the head can say.
	b := make([]byte, 24)
	if _, err := s.file.ReadAt(b, int64(m.freelist)*int64(m.pageSize)); err != nil {
		return 0, 0, err
	}
	n := uint64(binary.NativeEndian.Uint16(b[10:]))
	if n == 0xffff {
		n = binary.NativeEndian.Uint64(b[16:])
	}
	n = min(n, m.pages)
	return int64(n) * int64(m.pageSize), int64(m.pages) * int64(m.pageSize), nil
}
