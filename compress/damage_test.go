package compress_test

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/compress"
	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/memory"
)

// A probe reads bytes as if they had been stored.
type probe struct {
	inner *memory.Store
	store *compress.Store
}

func newProbe(t *testing.T, maxSize int) probe {
	inner := memory.New()
	return probe{inner, open(t, inner, compress.WithMaxSize(maxSize))}
}

func (p probe) read(t *testing.T, stored []byte) ([]byte, error) {
	t.Helper()
	r := newRecord(stored)
	require.NoError(t, p.inner.Save(t.Context(), r))
	got, err := p.store.Load(t.Context(), r.ID)
	require.NoError(t, p.inner.Delete(t.Context(), r.ID))
	return got.Data, err
}

// pack returns the stored form of data.
func (p probe) pack(t *testing.T, data []byte) []byte {
	t.Helper()
	r := newRecord(data)
	require.NoError(t, p.store.Save(t.Context(), r))
	stored, err := p.inner.Load(t.Context(), r.ID)
	require.NoError(t, err)
	require.EqualValues(t, compressed, stored.Data[0])
	return stored.Data
}

// claim puts before a frame that it is the compressed form of size bytes.
func claim(size uint64, frame ...[]byte) []byte {
	b := binary.AppendUvarint([]byte{compressed}, size)
	return append(b, bytes.Join(frame, nil)...)
}

// frame compresses data with options of its own.
func frame(t *testing.T, data []byte, opts ...zstd.EOption) []byte {
	t.Helper()
	e, err := zstd.NewWriter(nil, append([]zstd.EOption{zstd.WithWindowSize(64 << 10)}, opts...)...)
	require.NoError(t, err)
	return e.EncodeAll(data, nil)
}

// stream compresses data as a stream, whose length the frame does not say.
func stream(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	e, err := zstd.NewWriter(&b, zstd.WithWindowSize(64<<10))
	require.NoError(t, err)
	_, err = e.Write(data)
	require.NoError(t, err)
	require.NoError(t, e.Close())
	return b.Bytes()
}

// zeros returns a frame, made by hand, that says blocks times that 128 KiB of
// zeros follow. It does not say how much that is in all.
func zeros(blocks int) []byte {
	b := []byte{0x28, 0xb5, 0x2f, 0xfd, 1 << 2, 7 << 3} // checksum; a window of 128 KiB
	for i := range blocks {
		header := uint32(128<<10)<<3 | 1<<1
		if i == blocks-1 {
			header |= 1
		}
		b = append(b, byte(header), byte(header>>8), byte(header>>16), 0)
	}
	return append(b, 1, 2, 3, 4)
}

func TestLoad_Damage(t *testing.T) {
	const limit = 512 << 10
	p := newProbe(t, limit)
	data := text(3000)
	good := frame(t, data)
	skippable := []byte{0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4}
	gib := append([]byte{0x28, 0xb5, 0x2f, 0xfd, 2<<6 | 1<<5 | 1<<2, 0, 0, 0, 0x40}, zeros(3)[6:]...)

	pattern := bytes.Repeat([]byte("pattern"), 20)[:100]

	got, err := p.read(t, claim(3000, good))
	require.NoError(t, err, "the tests below begin with a frame that is good")
	require.Equal(t, data, got)

	for name, c := range map[string]struct {
		stored []byte
		says   string
	}{
		"empty":                    {nil, "lacks its first byte"},
		"a later format":           {[]byte{0x77, 1, 2}, "format 0x77 is not known: it is damaged, or a newer version wrote it"},
		"zeros":                    {make([]byte, 100), "format 0x00"},
		"no length":                {[]byte{compressed}, "no length"},
		"a length of zero":         {claim(0, good), "no length"},
		"an endless length":        {bytes.Repeat([]byte{compressed}, 20), "no length"},
		"beyond the limit":         {claim(limit+1, good), "524289 bytes of data, the limit is 524288"},
		"far beyond the limit":     {claim(1<<63, good), "the limit is"},
		"no frame":                 {claim(3000), "unexpected EOF"},
		"something else":           {claim(3000, data), "magic"},
		"claims more":              {claim(3001, good), "a frame of 3000 bytes instead of 3001"},
		"claims less":              {claim(2999, good), "a frame of 3000 bytes instead of 2999"},
		"a frame of 1 GiB":         {claim(3000, gib), "a frame of 1073741824 bytes"},
		"1 GiB, truly":             {claim(1<<30, gib), "the limit is"},
		"256 MiB of zeros":         {claim(limit, zeros(2048)), "the blocks cannot hold 524288 bytes"},
		"zeros, real encoder":      {claim(limit, frame(t, make([]byte, 32<<20))), "instead of 524288"},
		"zeros, no size, less":     {claim(3000, zeros(1)), "the blocks cannot hold 3000 bytes"},
		"zeros, wrong checksum":    {claim(128<<10, zeros(1)), "CRC"},
		"zeros, no size, more":     {claim(128<<10+1, zeros(1)), "the blocks cannot hold 131073 bytes"},
		"small, claims more":       {claim(200, frame(t, pattern)), "100 bytes of data instead of 200"},
		"small, claims less":       {claim(95, frame(t, pattern)), "100 bytes of data instead of 95"},
		"small, claims much less":  {claim(20, frame(t, pattern)), "corrupt record"},
		"32 MiB, no size":          {claim(3000, stream(t, bytes.Repeat(data, 32<<20/len(data)))), "corrupt record"},
		"two frames":               {claim(3000, good, good), "bytes after the last block"},
		"two frames, both claimed": {claim(6000, good, good), "a frame of 3000 bytes"},
		"a thousand frames":        {claim(3000, bytes.Repeat(good, 1000)), "bytes after the last block"},
		"skippable before":         {claim(3000, skippable, good), "a frame without data"},
		"skippable after":          {claim(3000, good, skippable), "bytes after the last block"},
		"a thousand skippable":     {claim(3000, bytes.Repeat(skippable, 1000), good), "a frame without data"},
		"no checksum":              {claim(3000, frame(t, data, zstd.WithEncoderCRC(false))), "without a checksum"},
		"a dictionary":             {claim(3000, frame(t, data, zstd.WithEncoderDictRaw(9, data))), "with a dictionary"},
		"a window of 512 MiB":      {claim(3000, widen(good, 512<<20)), "window size exceeded"},
		"a reserved block":         {claim(3000, good[:7], []byte{7, 0, 0}, good[10:]), "a broken block"},
		"a block cut short":        {claim(3000, good[:9]), "a broken block"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRecord(c.stored)
			require.NoError(t, p.inner.Save(t.Context(), r))
			var err error
			cost := allocated(func() { _, err = p.store.Load(t.Context(), r.ID) })
			require.ErrorIs(t, err, store.ErrCorrupt)
			require.ErrorContains(t, err, "compress: record "+r.ID.String())
			require.ErrorContains(t, err, c.says)
			require.Less(t, cost, uint64(1<<20), "bytes allocated")
		})
	}
}

// What is bounded besides the length, where the limit on that is high.
func TestLoad_DamageBelowAHighLimit(t *testing.T) {
	p := newProbe(t, 16<<20)
	oversized := []byte{0xfb, 0xff, 0xff, 0} // one block, 2 MiB less 1 of zeros
	for says, stored := range map[string][]byte{
		"a broken block":       claim(2<<20-1, zeros(1)[:6], oversized, make([]byte, 4)),
		"window size exceeded": claim(3000, widen(frame(t, text(3000)), 2<<20)),
		"cannot hold":          claim(16<<20, zeros(2)),
	} {
		r := newRecord(stored)
		require.NoError(t, p.inner.Save(t.Context(), r))
		var err error
		cost := allocated(func() { _, err = p.store.Load(t.Context(), r.ID) })
		require.ErrorIs(t, err, store.ErrCorrupt)
		require.ErrorContains(t, err, says)
		require.Less(t, cost, uint64(1<<20), "bytes allocated")
	}
}

// widen returns a frame with another window in its header than the one that
// was written.
func widen(frame []byte, window uint64) []byte {
	var h zstd.Header
	if err := h.Decode(frame); err != nil {
		panic(err)
	}
	body := frame[h.HeaderSize:]
	h.SingleSegment, h.WindowSize = false, window
	head, err := h.AppendTo(nil)
	if err != nil {
		panic(err)
	}
	return append(head, body...)
}

// allocated returns how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// Each byte of a stored form in turn is changed in several ways, and the form
// is cut at each length. It must come back whole or not at all.
func TestLoad_EveryByte(t *testing.T) {
	p := newProbe(t, 1<<20)
	for _, data := range [][]byte{text(1200), make([]byte, 1200), text(70_000)[:66_000]} {
		stored := p.pack(t, data)
		step := 1 + len(stored)/500
		for i := 0; i < len(stored); i += step {
			for _, change := range []byte{1, 0x10, 0x80, 0xff, stored[i]} {
				b := bytes.Clone(stored)
				b[i] ^= change
				p.sameOrCorrupt(t, data, b)
			}
			_, err := p.read(t, stored[:i])
			require.ErrorIs(t, err, store.ErrCorrupt, "cut to %d bytes", i)
		}
	}
}

// Any other first byte is refused, but for the one that says that the rest is
// the data: only the inner store can know better.
func TestLoad_EveryFormat(t *testing.T) {
	p := newProbe(t, 1<<20)
	stored := p.pack(t, text(2000))
	for i := range 256 {
		b := bytes.Clone(stored)
		b[0] = byte(i)
		_, err := p.read(t, b)
		if b[0] == raw || b[0] == compressed {
			require.NoError(t, err)
		} else {
			require.ErrorIs(t, err, store.ErrCorrupt)
		}
	}
}

func TestLoad_RandomDamage(t *testing.T) {
	p := newProbe(t, 1<<20)
	src := rand.New(rand.NewPCG(7, 7))
	rounds := 30_000
	if raceEnabled {
		rounds = 3000
	}
	var all [][]byte
	var datas [][]byte
	for _, n := range []int{1024, 3000, 20_000} {
		datas = append(datas, text(n))
		all = append(all, p.pack(t, text(n)))
	}
	for range rounds {
		k := src.IntN(len(all))
		b := bytes.Clone(all[k])
		for range 1 + src.IntN(8) {
			i := 1 + src.IntN(len(b)-1)
			switch src.IntN(4) {
			case 0:
				b[i] = byte(src.Uint32())
			case 1:
				b[i] ^= 1 << src.IntN(8)
			case 2:
				copy(b[i:], b[1+src.IntN(len(b)-1):])
			case 3:
				b = append(b[:i], b[min(len(b), i+src.IntN(4)):]...)
			}
			if len(b) < 2 {
				break
			}
		}
		p.sameOrCorrupt(t, datas[k], b)
	}
}

func (p probe) sameOrCorrupt(t *testing.T, data, stored []byte) {
	t.Helper()
	got, err := p.read(t, stored)
	if err != nil {
		require.ErrorIs(t, err, store.ErrCorrupt)
		require.Nil(t, got)
		return
	}
	require.True(t, bytes.Equal(data, got), "wrong bytes, and no error")
}
