package truth_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
)

// claim returns the stored form of what is to have a size, in frames.
func claim(size uint64, frames ...[]byte) []byte {
	return append(binary.AppendUvarint([]byte{formZstd}, size), bytes.Join(frames, nil)...)
}

// frame compresses data.
func frame(t *testing.T, data []byte, opts ...zstd.EOption) []byte {
	t.Helper()
	e, err := zstd.NewWriter(nil, append([]zstd.EOption{zstd.WithWindowSize(64 << 10)}, opts...)...)
	require.NoError(t, err)
	return e.EncodeAll(data, nil)
}

// zeros returns a frame that says so many times that 128 KiB of zeros follow, and does not
// say how much that is in all.
func zeros(blocks int) []byte {
	b := []byte{0x28, 0xb5, 0x2f, 0xfd, 1 << 2, 7 << 3} // with a checksum, and a window of 128 KiB
	for i := range blocks {
		head := uint32(128<<10)<<3 | 1<<1
		if i == blocks-1 {
			head |= 1
		}
		b = append(b, byte(head), byte(head>>8), byte(head>>16), 0)
	}
	return append(b, 1, 2, 3, 4)
}

// widened returns a frame whose head asks for another window.
func widened(t *testing.T, frame []byte, window uint64) []byte {
	t.Helper()
	var h zstd.Header
	require.NoError(t, h.Decode(frame))
	body := frame[h.HeaderSize:]
	h.SingleSegment, h.WindowSize = false, window
	head, err := h.AppendTo(nil)
	require.NoError(t, err)
	return append(head, body...)
}

// bombs are stored forms none of which is what it says.
func (l *lab) bombs(t *testing.T) map[string][]byte {
	t.Helper()
	data := l.zstd[0].data
	size, good := uint64(len(data)), frame(t, data)
	skippable := []byte{0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4}
	lying := append([]byte{0x28, 0xb5, 0x2f, 0xfd, 2<<6 | 1<<5 | 1<<2, 0, 0, 0x0f, 0}, zeros(1)[6:]...) // 960 KiB, it says
	gib := append([]byte{0x28, 0xb5, 0x2f, 0xfd, 2<<6 | 1<<5 | 1<<2, 0, 0, 0, 0x40}, zeros(3)[6:]...)
	all := map[string][]byte{
		"empty":                         {},
		"nothing but the first byte":    {formZstd},
		"no frame":                      claim(size),
		"256 MiB, no size":              claim(bombLimit, zeros(2048)),
		"256 MiB, no size, less":        claim(1000, zeros(2048)),
		"32 MiB, with a size":           claim(bombLimit, frame(t, make([]byte, 32<<20))),
		"a lying size":                  claim(960<<10, lying),
		"a lying size, another claim":   claim(1000, lying),
		"a size of 1 GiB":               claim(bombLimit, gib),
		"a claim of 1 GiB":              claim(1<<30, gib),
		"a claim without end":           append([]byte{formZstd}, bytes.Repeat([]byte{0xff}, 20)...),
		"a window of 512 MiB":           claim(size, widened(t, good, 512<<20)),
		"a thousand frames":             claim(size, bytes.Repeat(good, 1000)),
		"a thousand frames, all of it":  claim(size*200, bytes.Repeat(good, 200)),
		"a thousand skippable frames":   claim(size, bytes.Repeat(skippable, 1000), good),
		"skippable frames and no other": claim(size, bytes.Repeat(skippable, 1000)),
		"a frame with a dictionary":     claim(size, frame(t, data, zstd.WithEncoderDictRaw(9, data))),
		"a frame without checksum":      claim(size, frame(t, data, zstd.WithEncoderCRC(false))),
	}
	short := l.short[0].stored // 69, number, checksum, block
	block := func(size uint64, elements ...byte) []byte {
		return append(binary.AppendUvarint(bytes.Clone(short[:6]), size), elements...)
	}
	long := []byte{7<<2 | 1, 0, 0xff, 0xff, 0xff} // sixteen million bytes once more
	all["a block of a gigantic size"] = block(1<<40, short[8:]...)
	all["a block of 2 GiB"] = block(1<<31-1, long...)
	all["a block of 64 KiB"] = block(1<<16, long...)
	all["copies that are too long"] = block(65_535, append([]byte{0, 'x', 1, 1}, bytes.Repeat(long, 10)...)...)
	all["a copy from before the dictionary"] = block(100, 0, 'x', 63<<2|2, 0xff, 0xff)
	all["a copy of nothing"] = block(100, 63<<2|3, 0xff, 0xff, 0xff, 0xff)
	all["a literal that is too long"] = block(100, 63<<2, 0xff, 0xff, 0xff, 0x7f, 'x')
	all["a dictionary that is missing"] = append([]byte{formShort, 2}, short[2:]...)
	all["a dictionary without end"] = append([]byte{formShort}, bytes.Repeat([]byte{0xff}, 20)...)
	return all
}
