package compress

import (
	"crypto/sha256"
	"encoding/binary"
	"hash/crc32"
	"sync"

	"github.com/klauspost/compress/s2"

	"github.com/gimlet-go/gimlet/store"
)

// A dictionary is what many records of a program have in common: names of
// keys, types, frequent values. Data that is compressed with it refers to it
// instead of containing the same. It never changes once it is made.
type dictionary struct {
	number int
	ratio  float64 // of size after to before, of data like that which it was made of
	sum    [sha256.Size]byte
	check  uint32 // CRC-32C of sum
	index  *index
	blocks *s2.Dict
}

const (
	// maxDictionaries is how many a store ever has: their records are kept for
	// ever, and so are their numbers.
	maxDictionaries = 32

	minContent = 16 // of a dictionary; s2 wants no less
	maxContent = 32 << 10

	dictionaryFormat = 1
	dictionaryHead   = 3 // format, ratio

	// ratioUnit is what a ratio of 1 is stored as.
	ratioUnit = 10_000
)

const (
	// Data of fewer bytes is not worth what stands before a block.
	minShort = 64

	// borderShort is the size from which on zstd makes data smaller than a
	// dictionary does, and takes no longer to compress it.
	borderShort = 3 << 10

	// maxShort is what is read in this form, so that a few bytes cannot claim
	// to be many.
	maxShort = 1<<16 - 1

	checkSize = 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// dictionaryID returns the ID of the record that holds a dictionary.
func dictionaryID(number int) store.ID { return idOf("gimlet dictionary\x00", number) }

// spareID returns the ID of the record that holds a dictionary once more: many
// sessions depend on it, and one damaged record must not cost them all.
func spareID(number int) store.ID { return idOf("gimlet dictionary spare\x00", number) }

func idOf(what string, number int) store.ID {
	sum := sha256.Sum256(binary.AppendUvarint([]byte(what), uint64(number)))
	var id store.ID
	copy(id[6:], sum[:])
	return id
}

var dictionaryIDs = func() map[store.ID]bool {
	ids := make(map[store.ID]bool, 2*maxDictionaries)
	for n := range maxDictionaries {
		ids[dictionaryID(n+1)], ids[spareID(n+1)] = true, true
	}
	return ids
}()

func isDictionary(id store.ID) bool {
	return id.Reserved() && dictionaryIDs[id]
}

// newDictionary makes a dictionary that keeps content, of which ratio is
// known.
func newDictionary(number int, content []byte, ratio float64) *dictionary {
	d := &dictionary{number: number, ratio: ratio, index: newIndex(content), blocks: s2.MakeDictManual(content, 0)}
	d.sum = dictionarySum(number, d.head())
	d.check = crc32.Checksum(d.sum[:], castagnoli)
	return d
}

// encode returns the data of the dictionary's record.
func (d *dictionary) encode() []byte { return append(d.head(), d.sum[:]...) }

func (d *dictionary) head() []byte {
	b := make([]byte, 0, dictionaryHead+len(d.index.content)+len(d.sum))
	b = append(b, dictionaryFormat)
	b = binary.BigEndian.AppendUint16(b, uint16(min(d.ratio, 1)*ratioUnit))
	return append(b, d.index.content...)
}

// dictionarySum is over the number, too, so that no dictionary is taken for
// another.
func dictionarySum(number int, head []byte) [sha256.Size]byte {
	b := binary.AppendUvarint([]byte("gimlet dictionary content\x00"), uint64(number))
	return sha256.Sum256(append(b, head...))
}

// readDictionary is the inverse of encode.
func readDictionary(number int, data []byte) (*dictionary, error) {
	if len(data) == 0 || data[0] != dictionaryFormat {
		return nil, corrupt("dictionary %d is damaged, or a newer version wrote it", number)
	}
	end := len(data) - sha256.Size
	if end < dictionaryHead+minContent || end > dictionaryHead+maxContent {
		return nil, corrupt("dictionary %d is damaged: %d bytes", number, len(data))
	}
	if dictionarySum(number, data[:end]) != [sha256.Size]byte(data[end:]) {
		return nil, corrupt("dictionary %d is damaged: its checksum is wrong", number)
	}
	ratio := float64(binary.BigEndian.Uint16(data[1:])) / ratioUnit
	return newDictionary(number, data[dictionaryHead:end:end], ratio), nil
}

// blockBuffers hold blocks of at most borderShort bytes while they are made.
var blockBuffers = sync.Pool{New: func() any { return new([borderShort]byte) }}

// pack returns the stored form of data, or nil if that is not smaller by a
// sixteenth at least.
func (d *dictionary) pack(data []byte) []byte {
	if len(data) < minShort || len(data) >= borderShort {
		return nil
	}
	buffer := blockBuffers.Get().(*[borderShort]byte)
	defer blockBuffers.Put(buffer)
	b := binary.AppendUvarint(append(buffer[:0], formatShort), uint64(d.number))
	b = binary.BigEndian.AppendUint32(b, crc32.Update(d.check, castagnoli, data))
	b, ok := d.index.encode(b, data, len(data)-len(data)/16)
	if !ok {
		return nil
	}
	return append(make([]byte, 0, len(b)), b...)
}

// A shortForm is data in the form of pack, behind the first byte.
type shortForm struct {
	number int // of the dictionary
	check  uint32
	size   int // of the data
	block  []byte
}

// readShort takes apart what pack has made.
func readShort(packed []byte, maxSize int) (shortForm, error) {
	number, n := binary.Uvarint(packed)
	if n <= 0 || number < 1 || number > maxDictionaries {
		return shortForm{}, corrupt("no number of a dictionary before the compressed data")
	}
	if packed = packed[n:]; len(packed) < checkSize {
		return shortForm{}, corrupt("compressed without a checksum")
	}
	f := shortForm{number: int(number), check: binary.BigEndian.Uint32(packed), block: packed[checkSize:]}
	size, err := s2.DecodedLen(f.block)
	switch {
	case err != nil || size == 0:
		return shortForm{}, corrupt("no length before the compressed data")
	case size > min(maxSize, maxShort):
		return shortForm{}, corrupt("%d bytes of data, the limit is %d", size, min(maxSize, maxShort))
	}
	f.size = size
	return f, nil
}

// unpack returns the data of f, whose dictionary is d.
func (d *dictionary) unpack(f shortForm) ([]byte, error) {
	data, err := d.blocks.Decode(make([]byte, f.size), f.block)
	if err != nil {
		return nil, corrupt("%v", err)
	}
	if crc32.Update(d.check, castagnoli, data) != f.check {
		return nil, corrupt("the checksum of the data is wrong, or dictionary %d is another one", d.number)
	}
	return data, nil
}
