package bolt

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"
)

// The journal is a file beside the database: a header, and a ring of frames.
//
//	magic    8 bytes   "gimletjn"
//	version  4 bytes   of this format, big endian: 1
//	size     8 bytes   of the ring, big endian
//	id      16 bytes   random
//	sum      4 bytes   CRC-32C, big endian, of all before it
//
// The ring begins at journalBase. The database says which journal is its own,
// and from which position on (see journalKey); every other file of that name
// is worth nothing.
const (
	journalSuffix  = "-journal"
	journalMagic   = "gimletjn"
	journalVersion = 1
	journalHeader  = 40
	journalBase    = 4096

	minRing = 1 << 20
	maxRing = 1 << 30
)

// A journal takes the changes of each group with one sync. The writer appends
// to it; the checkpointer gives up what the database has.
type journal struct {
	path string
	size int64 // of the ring

	file  *os.File // nil until the first change
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
// is the head.
func (j *journal) append(b []byte) (end int64, err error) {
	n := int64(len(b))
	at := j.place(n)
	finishFrame(b, j.id, at)
	j.lost = true
	if err := j.lay(at%j.size + n); err != nil {
		return 0, err
	}
	if _, err := j.file.WriteAt(b, journalBase+at%j.size); err != nil {
		return 0, err
	}
	if err := syncData(j.file); err != nil {
		return 0, err
	}
	j.lost = false
	return at + n, nil
}

// lay writes zeros ahead of what is used for the first time, so that most
// syncs need not tell the disk where the bytes are.
func (j *journal) lay(upTo int64) error {
	if upTo <= j.laid {
		return nil
	}
	ahead := min(max(j.laid, 256<<10), 4<<20)
	upTo = min(max(upTo, j.laid+ahead), j.size)
	if _, err := j.file.WriteAt(make([]byte, upTo-j.laid), journalBase+j.laid); err != nil {
		return err
	}
	j.laid = upTo
	return nil
}

// create puts a new journal, which is empty and synced, in the place of
// whatever is there.
func (j *journal) create() error {
	temp := j.path + tempSuffix
	_ = os.Remove(temp) // left by a crash, or not there
	_, _ = rand.Read(j.id[:])
	err := writeHeader(temp, j.id, j.size)
	if err == nil {
		err = os.Rename(temp, j.path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(j.path))
	}
	if err == nil {
		j.file, err = os.OpenFile(j.path, os.O_RDWR, 0)
	}
	if err != nil {
		_ = os.Remove(temp)
		return err
	}
	// Positions go on, so that those of one store can be compared.
	begin := (j.head.Load() + j.size - 1) / j.size * j.size
	j.head.Store(begin)
	j.tail.Store(begin)
	j.laid, j.lost = 0, false
	return nil
}

func writeHeader(path string, id journalID, size int64) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return err
	}
	_, err = f.Write(encodeHeader(id, size))
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func encodeHeader(id journalID, size int64) []byte {
	b := append([]byte(nil), journalMagic...)
	b = binary.BigEndian.AppendUint32(b, journalVersion)
	b = binary.BigEndian.AppendUint64(b, uint64(size))
	b = append(b, id[:]...)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// remove gives up the file, which is worth nothing any more.
func (j *journal) remove() error {
	if j.file == nil {
		return nil
	}
	return errors.Join(j.close(), os.Remove(j.path))
}

func (j *journal) close() error {
	if j.file == nil {
		return nil
	}
	err := j.file.Close()
	j.file, j.lost = nil, false
	return err
}

// readHeader returns the identity of a journal and the size of its ring.
func readHeader(r io.ReaderAt) (id journalID, size int64, err error) {
	b := make([]byte, journalHeader)
	if _, err := r.ReadAt(b, 0); err != nil {
		return id, 0, fmt.Errorf("the header of the journal: %w", err)
	}
	body := b[:journalHeader-sumSize]
	if string(b[:8]) != journalMagic || crc32.Checksum(body, castagnoli) != binary.BigEndian.Uint32(b[len(body):]) {
		return id, 0, errors.New("the header of the journal is not one")
	}
	if v := binary.BigEndian.Uint32(b[8:]); v != journalVersion {
		return id, 0, &VersionError{Found: uint64(v), Supported: journalVersion}
	}
	size = int64(binary.BigEndian.Uint64(b[12:]))
	if size < minRing || size > maxRing || size%frameAlign != 0 {
		return id, 0, errors.New("the header of the journal gives an impossible size")
	}
	return journalID(b[20:]), size, nil
}
