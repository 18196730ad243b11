package compress

import "github.com/klauspost/compress/zstd"

// maxBlock is the greatest size of a block in a zstd frame, before and after
// compression.
const maxBlock = 128 << 10

// The types of blocks in a zstd frame.
const (
	blockRaw = iota
	blockRepeat
	blockCompressed
)

const checksumSize = 4

// checkFrame reports what is wrong with frame as the compressed form of size
// bytes, as far as that can be seen without decompressing it: it must be one
// frame and nothing else, of the kind that pack makes, and its blocks must be
// able to hold size bytes. So the memory set aside for the data is at most
// 43 KiB for each byte of input, and the decoder never sees the parts of the
// format that are of no use here.
func checkFrame(frame []byte, size uint64) error {
	var h zstd.Header
	if err := h.Decode(frame); err != nil {
		return corrupt("%v", err)
	}
	switch {
	case h.Skippable:
		return corrupt("a frame without data")
	case h.DictionaryID != 0:
		return corrupt("compressed with a dictionary")
	case !h.HasCheckSum:
		return corrupt("compressed without a checksum")
	case h.HasFCS && h.FrameContentSize != size:
		return corrupt("a frame of %d bytes instead of %d", h.FrameContentSize, size)
	}
	least, most, rest, ok := measureBlocks(frame[h.HeaderSize:])
	switch {
	case !ok:
		return corrupt("a broken block")
	case len(rest) != checksumSize:
		return corrupt("%d bytes after the last block instead of a checksum", len(rest))
	case size < least || size > most:
		return corrupt("the blocks cannot hold %d bytes", size)
	}
	return nil
}

// measureBlocks goes over the blocks at the start of b. It returns the least
// and the most that they can hold and what follows the last of them; ok is
// false if one is not whole or of no known kind.
func measureBlocks(b []byte) (least, most uint64, rest []byte, ok bool) {
	for last := false; !last; {
		if len(b) < 3 {
			return 0, 0, nil, false
		}
		header := uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16
		last = header&1 != 0
		size := int(header >> 3)
		length := size
		switch header >> 1 & 3 {
		case blockRaw:
			least, most = least+uint64(size), most+uint64(size)
		case blockRepeat:
			least, most = least+uint64(size), most+uint64(size)
			length = 1
		case blockCompressed:
			most += maxBlock
		default:
			return 0, 0, nil, false
		}
		b = b[3:]
		if size > maxBlock || length > len(b) {
			return 0, 0, nil, false
		}
		b = b[length:]
	}
	return least, most, b, true
}
