package bolt

import (
	"os"
	"sync/atomic"
	"time"
)

// A journal takes the changes of each group with one sync. The writer appends
// to it; the checkpointer gives up what the database has.
type journal struct {
	path string
	size int64 // of the ring

	file  *os.File                // nil until the first change
	info  os.FileInfo             // of it
	lock  atomic.Pointer[os.File] // file as well, for those who must not touch that
	id    journalID
	head  atomic.Int64 // where the next frame may begin
	tail  atomic.Int64 // where the oldest frame begins that is still needed
	laid  int64        // how much of the ring has been written: only that is overwritten in place
	lost  bool         // an append has failed: what the file holds is not known
	retry time.Time    // when to try again, after no file could be made
	buf   []byte
}

// used returns how much of the ring cannot be overwritten.
func (j *journal) used() int64 { return j.head.Load() - j.tail.Load() }

// place returns where a frame of n bytes goes: it is never cut in two.
func (j *journal) place(n int64) int64 { return place(j.head.Load(), n, j.size) }

func place(from, n, size int64) int64 {
	at := (from + frameAlign - 1) / frameAlign * frameAlign
	if at%size+n > size {
		at = (at/size + 1) * size
	}
	return at
}

// fits reports whether a frame of n bytes would overwrite nothing that is needed.
func (j *journal) fits(n int64) bool { return j.place(n)+n-j.tail.Load() <= j.size }

// frame encodes what a group has changed.
func (j *journal) frame(list []move) []byte {
	b := append(j.buf[:0], make([]byte, frameHeader)...)
	for _, m := range list {
		b = appendEntry(b, m)
	}
	if cap(b) <= maxGroupBytes {
		j.buf = b
	}
	return b
}

// append writes a frame and syncs it. It returns where the frame ends, which then
// is the head. When it fails and the journal is not lost, then there was no room for
// the frame, which is not in the file: another one can take its place.
func (j *journal) append(b []byte) (end int64, err error) {
	n := int64(len(b))
	at := j.place(n)
	finishFrame(b, j.id, at)
	if err := j.lay(at%j.size + n); err != nil {
		j.lost = !isFull(err)
		return 0, err
	}
	j.lost = true
	if wrote, err := j.file.WriteAt(b, journalBase+at%j.size); err != nil {
		j.lost = !isFull(err) || wrote == len(b)
		return 0, err
	}
	if syncsChanges {
		if err := syncData(j.file); err != nil {
			return 0, err
		}
	}
	j.lost = false
	return at + n, nil
}

// lay writes zeros ahead of what is used for the first time, so that most
// syncs need not tell the disk where the bytes are. It fails if it does not come as
// far as it must.
func (j *journal) lay(must int64) error {
	if must <= j.laid {
		return nil
	}
	ahead := min(max(j.laid, 256<<10), 4<<20)
	upTo := min(max(must, j.laid+ahead), j.size)
	n, err := j.file.WriteAt(make([]byte, upTo-j.laid), journalBase+j.laid)
	j.laid += int64(n)
	if must <= j.laid {
		return nil
	}
	return err
}
