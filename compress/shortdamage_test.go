package compress_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/compress"
	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/memory"
)

// packed returns a session and its stored form.
func packed(t *testing.T, s *compress.Store, inner store.Store) (data, stored []byte) {
	t.Helper()
	r := visit(1000)
	require.NoError(t, s.Save(t.Context(), r))
	got, err := inner.Load(t.Context(), r.ID)
	require.NoError(t, err)
	require.EqualValues(t, short, got.Data[0])
	return r.Data, got.Data
}

func TestLoad_EveryByteOfAShortForm(t *testing.T) {
	inner := memory.New()
	p := probe{inner, skilled(t, inner)}
	data, stored := packed(t, p.store, inner)
	for i := range stored {
		for change := 1; change < 256; change++ {
			b := bytes.Clone(stored)
			b[i] ^= byte(change)
			if i == 0 && b[0] == raw {
				continue // the rest is the data then
			}
			p.sameOrCorrupt(t, data, b)
		}
		_, err := p.read(t, stored[:i])
		require.ErrorIs(t, err, store.ErrCorrupt, "cut to %d bytes", i)
		_, err = p.read(t, append(bytes.Clone(stored), stored[:i]...))
		require.True(t, i == 0 || err != nil, "with %d bytes more", i)
	}
}

func TestLoad_DamagedShortForm(t *testing.T) {
	inner := memory.New()
	p := probe{inner, skilled(t, inner, compress.WithMaxSize(40_000))}
	_, stored := packed(t, p.store, inner)
	check := stored[2:6]
	form := func(number uint64, size uint64, elements ...byte) []byte {
		b := binary.AppendUvarint([]byte{short}, number)
		b = binary.AppendUvarint(append(b, check...), size)
		return append(b, elements...)
	}
	bomb := []byte{0, 'x', 1, 1, 7<<2 | 1, 0, 0xff, 0xff, 0xff, 7<<2 | 1, 0, 0xff, 0xff, 0xff}
	for says, b := range map[string][]byte{
		"no number of a dictionary":                  {short},
		"before the compressed data":                 form(0, 100),
		"no number":                                  form(compress.MaxDictionaries+1, 100),
		"number of":                                  bytes.Repeat([]byte{short, 0xff}, 20),
		"compressed without a checksum":              stored[:4],
		"no length before the compressed data":       form(1, 0),
		"no length before":                           stored[:6],
		"no length":                                  append(bytes.Clone(stored[:6]), bytes.Repeat([]byte{0xff}, 20)...),
		"40001 bytes of data, the limit is 40000":    form(1, 40_001, bomb...),
		"2147483647 bytes of data, the limit is":     form(1, 1<<31-1, bomb...),
		"corrupt input":                              form(1, 30_000, bomb...),
		"corrupt record: s2":                         form(1, 40_000),
		"the checksum of the data is wrong":          form(1, 5, 4<<2, 'a', 'b', 'c', 'd', 'e'),
		"dictionary 2, with which the data was comp": form(2, 100),
	} {
		t.Run(says, func(t *testing.T) {
			var err error
			cost := allocated(func() { _, err = p.read(t, b) })
			require.ErrorIs(t, err, store.ErrCorrupt)
			require.ErrorContains(t, err, says)
			require.Less(t, cost, uint64(200<<10), "bytes allocated")
		})
	}
}

// A form that is read into more than 64 KiB is never made, whatever the limit.
func TestLoad_ShortFormIsShort(t *testing.T) {
	inner := memory.New()
	p := probe{inner, skilled(t, inner)}
	_, stored := packed(t, p.store, inner)
	b := binary.AppendUvarint(bytes.Clone(stored[:6]), 1<<16)
	_, err := p.read(t, append(b, stored[8:]...))
	require.ErrorContains(t, err, "65536 bytes of data, the limit is 65535")
}

// The record of a dictionary is gone, damaged, or that of another one. Its
// data is never something else, and comes back with the dictionary.
func TestLoad_WrongDictionary(t *testing.T) {
	first := memory.New()
	data, stored := packed(t, skilled(t, first), first)
	right := taught(t, 1)
	other := compress.DictionaryRecord(1, noise(600), 0.5)
	moved := taught(t, 2)
	moved.ID = right.ID
	newer := right
	newer.Data = bytes.Clone(right.Data)
	newer.Data[1]++
	for name, c := range map[string]struct {
		dictionary store.Record
		says       string
	}{
		"missing":       {visit(1), "dictionary 1, with which the data was compressed, is missing"},
		"another":       {other, "corrupt record"},
		"moved":         {moved, "dictionary 1 is damaged: its checksum is wrong"},
		"a later form":  {newer, "dictionary 1 is damaged, or a newer version wrote it"},
		"empty":         {store.Record{ID: right.ID, Version: 1}, "lacks its first byte"},
		"short":         {store.Record{ID: right.ID, Version: 1, Data: right.Data[:40]}, "dictionary 1 is damaged: 39 bytes"},
		"nothing in it": {store.Record{ID: right.ID, Version: 1, Data: right.Data[:1]}, "dictionary 1 is damaged, or"},
	} {
		t.Run(name, func(t *testing.T) {
			inner := memory.New()
			require.NoError(t, inner.Save(t.Context(), c.dictionary))
			p := probe{inner, open(t, inner)}
			for range 2 {
				_, err := p.read(t, stored)
				require.ErrorIs(t, err, store.ErrCorrupt)
				require.ErrorContains(t, err, c.says)
			}
			if name == "another" {
				return // this one is known now
			}
			require.NoError(t, inner.Delete(t.Context(), right.ID))
			require.NoError(t, inner.Save(t.Context(), right))
			got, err := p.read(t, stored)
			require.NoError(t, err, "the dictionary is back")
			require.Equal(t, data, got)
		})
	}
}

// A dictionary was swapped for another one with which the blocks decode: to
// other data, or to the same, by chance.
func TestLoad_SwappedDictionaries(t *testing.T) {
	data := session(1, 220)
	content := append(noise(50), data...)
	for name, changed := range map[string]int{"where it is used": 100, "where it is not": 10} {
		t.Run(name, func(t *testing.T) {
			inner := memory.New()
			require.NoError(t, inner.Save(t.Context(), compress.DictionaryRecord(1, content, 0.5)))
			s := open(t, keepOpen{inner})
			s.Look()
			r := newRecord(data)
			require.NoError(t, s.Save(t.Context(), r))

			other := bytes.Clone(content)
			other[changed] ^= 1
			require.NoError(t, inner.Delete(t.Context(), compress.DictionaryID(1)))
			require.NoError(t, inner.Save(t.Context(), compress.DictionaryRecord(1, other, 0.5)))
			_, err := open(t, inner).Load(t.Context(), r.ID)
			require.ErrorIs(t, err, store.ErrCorrupt)
			require.ErrorContains(t, err, "the checksum of the data is wrong, or dictionary 1 is another one")
		})
	}
}

// Each byte of a dictionary's record is changed: it is not used for saving,
// and what needs it is corrupt.
func TestDictionary_EveryByte(t *testing.T) {
	first := memory.New()
	_, stored := packed(t, skilled(t, first), first)
	good := taught(t, 1)
	for i := range good.Data {
		r := good
		r.Data = bytes.Clone(good.Data)
		r.Data[i] ^= 1 << (i % 8)
		inner := memory.New()
		require.NoError(t, inner.Save(t.Context(), r))
		p := probe{inner, open(t, inner)}
		p.store.Look()
		require.Zero(t, p.store.Stats().Dictionary)
		_, err := p.read(t, stored)
		require.ErrorIs(t, err, store.ErrCorrupt)
	}
}
