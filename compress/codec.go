package compress

import (
	"encoding/binary"
	"fmt"
	"runtime"

	"github.com/klauspost/compress/zstd"

	"github.com/gimlet-go/gimlet/internal/gate"
	"github.com/gimlet-go/gimlet/store"
)

// A codec turns data into its stored form and back. It is safe for concurrent
// use; a call waits while as many others as there are encoders or decoders are
// at work.
type codec struct {
	minSize int
	maxSize int
	gate    gate.Gate     // around each use of the two below
	encoder *zstd.Encoder // nil if nothing is to be compressed
	decoder *zstd.Decoder
}

// The first byte of the stored form.
const (
	formatRaw   = 0x3c
	formatZstd  = 0xa5
	formatShort = 0x69
)

const (
	// window is what the encoder looks back on. It decides what an encoder
	// weighs, and session data is seldom longer.
	window = 64 << 10

	// maxWindow leaves a later version room to look back further.
	maxWindow = 1 << 20

	// maxCoders bounds the encoders and decoders, and with them the memory:
	// 0.8 MB for one of each, and at Balanced twice that.
	maxCoders = 4

	// spare is room at the end of the decoder's output without which it takes
	// a slower way.
	spare = 16
)

func newCodec(o options) (*codec, error) {
	c := &codec{minSize: o.minSize, maxSize: o.maxSize}
	coders := min(runtime.GOMAXPROCS(0), maxCoders)
	var err error
	c.decoder, err = zstd.NewReader(nil,
		zstd.WithDecoderConcurrency(coders),
		zstd.WithDecoderMaxWindow(maxWindow),
		// The library takes the lesser of the two for the window. The size of
		// the output is bounded by the capacity that it is given.
		zstd.WithDecoderMaxMemory(uint64(max(o.maxSize, maxWindow))),
		zstd.WithDecodeAllCapLimit(true),
	)
	if err != nil || o.level == None {
		return c, err
	}
	c.encoder, err = zstd.NewWriter(nil,
		zstd.WithEncoderLevel(o.level.zstd()),
		zstd.WithEncoderConcurrency(coders),
		zstd.WithWindowSize(window),
		zstd.WithLowerEncoderMem(true),
		zstd.WithEncoderCRC(true),
	)
	return c, err
}

// pack returns the stored form of data, in bytes of its own. d is nil if there
// is no dictionary.
func (c *codec) pack(data []byte, d *dictionary) ([]byte, error) {
	if d != nil {
		if packed := d.pack(data); packed != nil {
			return packed, nil
		}
	}
	if c.encoder != nil && len(data) >= c.minSize {
		packed, err := c.compress(data)
		if err != nil || len(packed) <= len(data)-len(data)/8 {
			return packed, err
		}
	}
	return rawForm(data), nil
}

func rawForm(data []byte) []byte {
	packed := make([]byte, 0, 1+len(data))
	packed = append(packed, formatRaw)
	return append(packed, data...)
}

func (c *codec) compress(data []byte) ([]byte, error) {
	if !c.gate.Enter() {
		return nil, store.ErrClosed
	}
	defer c.gate.Leave()
	packed := make([]byte, 0, len(data)+2*binary.MaxVarintLen64)
	packed = append(packed, formatZstd)
	packed = binary.AppendUvarint(packed, uint64(len(data)))
	return c.encoder.EncodeAll(data, packed), nil
}

// unpack is the inverse of pack without a dictionary. What it returns may be a
// part of packed.
func (c *codec) unpack(packed []byte) ([]byte, error) {
	if len(packed) == 0 {
		return nil, corrupt("the data lacks its first byte")
	}
	switch packed[0] {
	case formatRaw:
		return packed[1:], nil
	case formatZstd:
		return c.decompress(packed[1:])
	}
	return nil, corrupt("format 0x%02x is not known: it is damaged, or a newer version wrote it", packed[0])
}

func (c *codec) decompress(packed []byte) ([]byte, error) {
	size, n := binary.Uvarint(packed)
	switch {
	case n <= 0 || size == 0:
		return nil, corrupt("no length before the compressed data")
	case size > uint64(c.maxSize):
		return nil, corrupt("%d bytes of data, the limit is %d", size, c.maxSize)
	}
	frame := packed[n:]
	if err := checkFrame(frame, size); err != nil {
		return nil, err
	}
	if !c.gate.Enter() {
		return nil, store.ErrClosed
	}
	defer c.gate.Leave()
	data, err := c.decoder.DecodeAll(frame, make([]byte, 0, int(size)+spare))
	if err != nil {
		return nil, corrupt("%v", err)
	}
	if uint64(len(data)) != size {
		return nil, corrupt("%d bytes of data instead of %d", len(data), size)
	}
	return data, nil
}

func (c *codec) close() {
	c.gate.Close()
	c.decoder.Close()
	if c.encoder != nil {
		c.encoder.Close()
	}
}

func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %s", store.ErrCorrupt, fmt.Sprintf(format, args...))
}
