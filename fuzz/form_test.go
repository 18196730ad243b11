package fuzz_test

import (
	"crypto/sha256"
	"encoding/binary"
	"hash/crc32"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/internal/docs"
	"github.com/gimlet-go/gimlet/store"
)

// The byte forms of docs/format.md, written by code that the library does not
// share.

// The flags of a head.
const (
	flagStored   = 1
	flagBrowser  = 2
	flagCarried  = 4
	flagBound    = 8
	flagPrevious = 16
	flagTagged   = 32
)

// A head says what is known of a session besides its values. The times but the
// first are durations since created.
type head struct {
	flags                byte
	generation, renewals uint64
	created              uint64
	started, renewed     uint64
	seen, ends, idle     uint64
}

// endless is the head of a session that lives until the year 6429, so that
// what is sealed with it stays genuine.
func endless(flags byte) head { return head{flags: flags, created: 1, ends: 1 << 47} }

func (h head) form() []byte {
	b := []byte{h.flags}
	for _, v := range [...]uint64{h.generation, h.renewals, h.created, h.started, h.renewed, h.seen, h.ends, h.idle} {
		b = binary.AppendUvarint(b, v)
	}
	return b
}

func block(b []byte) []byte {
	return append(binary.AppendUvarint(nil, uint64(len(b))), b...)
}

// A pair is a key and the stored form of its value.
type pair struct {
	key   string
	value []byte
}

// frame puts pairs in the order that is given.
func frame(pairs ...pair) []byte {
	var b []byte
	for _, p := range pairs {
		b = append(append(b, block([]byte(p.key))...), block(p.value)...)
	}
	return b
}

// text is the stored form of a string.
func text(s string) []byte {
	n := len(s)
	switch {
	case n < 24:
		return append([]byte{3, 0x60 | byte(n)}, s...)
	case n < 1<<8:
		return append([]byte{3, 0x78, byte(n)}, s...)
	case n < 1<<16:
		return append([]byte{3, 0x79, byte(n >> 8), byte(n)}, s...)
	}
	panic("too long a text")
}

// number is the stored form of a small int.
func number(n int) []byte { return []byte{5, byte(n % 24)} }

// flashes is the pair that holds the messages of a queue.
func flashes(queue string, messages ...[]byte) pair {
	var b []byte
	for _, m := range messages {
		b = append(b, block(m)...)
	}
	return pair{"\x00flash\x00" + queue, b}
}

// payload is what the cookie of a session says, but for its binding.
func payload(h head, id store.ID, secret [16]byte, client, server []byte) []byte {
	b := append([]byte{1}, h.form()...)
	b = append(append(b, id[:]...), secret[:]...)
	return append(append(b, block(client)...), server...)
}

// transient is what the second cookie says.
func transient(id store.ID, tag [8]byte, client, server []byte) []byte {
	b := append(append([]byte{1}, id[:]...), tag[:]...)
	return append(append(b, block(client)...), server...)
}

// record is the data of a session's record. Between the digest and the values
// stands what the flags say.
func record(h head, secret [16]byte, between, values []byte) []byte {
	digest := sha256.Sum256(secret[:])
	b := append([]byte{1}, h.form()...)
	return append(append(append(b, digest[:]...), between...), values...)
}

// uncompressed puts the byte in front that says that data is as it is.
func uncompressed(data []byte) []byte { return append([]byte{0x3c}, data...) }

// withSum appends the checksum of a record of the bbolt file.
func withSum(id store.ID, body []byte) []byte {
	table := crc32.MakeTable(crc32.Castagnoli)
	sum := crc32.Update(crc32.Checksum(id[:], table), table, body)
	return binary.BigEndian.AppendUint32(append([]byte(nil), body...), sum)
}

// If these are not the forms that the page shows, the targets that rely on
// them reach nothing.
func TestForms(t *testing.T) {
	page := docs.Read(t, "../docs/format.md")
	shown := func(name string) []byte { return docs.Bytes(t, page, name) }
	id, secret := store.ID(shown("id")), [16]byte(shown("secret"))
	created := uint64(id.Created().UnixMilli())
	h := head{
		generation: 3, renewals: 1, created: created, started: 60_000, renewed: 60_000,
		seen: 3_600_000, ends: 60_000 + 7*24*3_600_000, idle: 24 * 3_600_000,
	}
	n, theme := pair{"n", number(5)}, pair{"theme", text("dark")}
	require.Equal(t, shown("frame"), frame(n, theme))
	require.Equal(t, shown("flash"), flashes("", text("saved"), number(5)).value)
	require.Equal(t, shown("record"), record(h, secret, nil, frame(n, theme)))
	tag := [8]byte(shown("transient")[17:])
	require.Equal(t, shown("transient"), transient(id, tag, frame(n, theme), nil))
	h.flags = flagStored | flagCarried
	require.Equal(t, shown("cookie"), payload(h, id, secret, frame(theme), nil))
	bolt := shown("bolt-record")
	require.Equal(t, bolt, withSum(id, bolt[:len(bolt)-4]))
}
