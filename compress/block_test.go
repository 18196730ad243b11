package compress_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/klauspost/compress/s2"
	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/compress"
)

// reads requires that the decoder of package s2 makes src of a block again.
func reads(t *testing.T, content, src []byte) []byte {
	t.Helper()
	block, ok := compress.NewBlock(content).Encode(src, 1<<20)
	require.True(t, ok)
	size, err := s2.DecodedLen(block)
	require.NoError(t, err)
	require.Len(t, src, size)
	got, err := s2.MakeDictManual(content, 0).Decode(nil, block)
	require.NoError(t, err)
	require.True(t, bytes.Equal(src, got), "%d bytes", len(src))
	return block
}

func TestBlock_RoundTrip(t *testing.T) {
	content := []byte("the quick brown fox jumps over the lazy dog; email name note user_id visits")
	long := bytes.Repeat(noise(97), 40)
	for name, src := range map[string][]byte{
		"nothing":             nil,
		"one byte":            {7},
		"three bytes":         []byte("the"),
		"the dictionary":      content,
		"its end":             content[len(content)-4:],
		"its beginning":       content[:4],
		"it and more of it":   append(bytes.Clone(content), content...),
		"behind its end":      append(bytes.Clone(content[len(content)-6:]), content...),
		"noise":               noise(3000),
		"zeros":               make([]byte, 3000),
		"more zeros":          make([]byte, 65535),
		"a period of three":   bytes.Repeat([]byte("abc"), 500),
		"a far repetition":    append(append(noise(2500), long...), noise(2500)...),
		"a long repetition":   append(bytes.Clone(long), long...),
		"text":                text(3000),
		"a literal of 60":     noise(60),
		"a literal of 61":     noise(61),
		"a literal of 256":    noise(256),
		"a literal of 257":    noise(257),
		"a session, 3000 B":   session(1, 3000),
		"the dictionary, cut": content[3:11],
	} {
		t.Run(name, func(t *testing.T) { reads(t, content, src) })
	}
}

// Copies of every length, near and far, new and repeated.
func TestBlock_EveryLength(t *testing.T) {
	for _, distance := range []int{0, 100, 2040, 2047, 2048, 5000} {
		content := append(noise(400), noise(distance + 16)[16:]...)
		for n := 4; n < 400; n += 1 + n/40 {
			src := append(bytes.Clone(content[:n]), 0xff, 0xfe, 0xfd)
			src = append(src, content[n+3:min(n+60, 400)]...)
			block := reads(t, content, src)
			require.Less(t, len(block), 40, "%d bytes from %d before", n, distance)
		}
	}
}

func TestBlock_Random(t *testing.T) {
	src := rand.New(rand.NewPCG(3, 4))
	rounds := 4000
	if raceEnabled {
		rounds = 400
	}
	for range rounds {
		content := make([]byte, 16+src.IntN(300))
		data := make([]byte, src.IntN(600))
		letters := 1 + src.IntN(6)
		for i := range content {
			content[i] = byte(src.IntN(letters))
		}
		for i := range data {
			data[i] = byte(src.IntN(letters))
		}
		reads(t, content, data)
	}
}

// No more is written than was allowed, and what is allowed is used.
func TestBlock_Most(t *testing.T) {
	content := session(1, 200)
	for _, data := range [][]byte{session(2, 220), noise(300), text(2000), content} {
		whole, ok := compress.NewBlock(content).Encode(data, 1<<20)
		require.True(t, ok)
		for most := range len(whole) + 1 {
			block, ok := compress.NewBlock(content).Encode(data, most)
			require.Equal(t, most == len(whole), ok, "%d of %d", most, len(whole))
			require.LessOrEqual(t, len(block), most+8)
		}
	}
}
