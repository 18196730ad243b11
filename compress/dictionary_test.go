package compress_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/compress"
	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
	"github.com/gimlet-go/gimlet/store/memory"
	"github.com/gimlet-go/gimlet/store/storetest"
)

const short = 0x69 // the first byte of what is stored

func TestStore_WithADictionary(t *testing.T) {
	for name, inner := range map[string]func(t *testing.T) store.Store{
		"memory": func(*testing.T) store.Store { return memory.New() },
		"bolt":   func(t *testing.T) store.Store { return bolt.Open(filepath.Join(t.TempDir(), "sessions.db")) },
	} {
		t.Run(name, func(t *testing.T) {
			storetest.Run(t, func(t *testing.T) store.Store { return skilled(t, inner(t)) })
		})
	}
}

func TestSave_WithADictionary(t *testing.T) {
	for name, c := range map[string]struct {
		data []byte
		opts []compress.Option
		form byte
	}{
		"a session":                {session(1000, 220), nil, short},
		"empty":                    {nil, nil, raw},
		"below the minimum":        {session(1000, 220)[100 : 100+compress.MinShort-1], nil, raw},
		"at the minimum":           {session(1000, 220)[100 : 100+compress.MinShort], nil, short},
		"below the border":         {session(1000, 4000)[:compress.BorderShort-1], nil, short},
		"at the border":            {session(1000, 4000)[:compress.BorderShort], nil, compressed},
		"noise":                    {noise(500), nil, raw},
		"more noise":               {noise(2000), nil, raw},
		"only zstd makes it small": {shuffled(2000), nil, compressed},
		"balanced":                 {session(1000, 220), []compress.Option{compress.WithLevel(compress.Balanced)}, short},
		"a low minimum":            {session(1000, 220), []compress.Option{compress.WithMinSize(0)}, short},
	} {
		t.Run(name, func(t *testing.T) {
			inner := memory.New()
			s := skilled(t, inner, c.opts...)
			r := newRecord(c.data)
			require.NoError(t, s.Save(t.Context(), r))
			stored, err := inner.Load(t.Context(), r.ID)
			require.NoError(t, err)
			require.Equal(t, c.form, stored.Data[0])
			want := compress.Stats{BytesIn: uint64(len(c.data)), BytesOut: uint64(len(stored.Data)), Dictionary: 1}
			switch c.form {
			case raw:
				want.Raw = 1
			case short:
				want.Short = 1
				require.LessOrEqual(t, len(stored.Data), len(c.data)-len(c.data)/16)
				fallthrough
			default:
				want.Compressed = 1
			}
			require.Equal(t, want, s.Stats())
			got, err := s.Load(t.Context(), r.ID)
			require.NoError(t, err)
			require.True(t, bytes.Equal(c.data, got.Data))
		})
	}
}

// shuffled returns n bytes of few kinds and with few repetitions.
func shuffled(n int) []byte {
	b := noise(n)
	for i := range b {
		b[i] = "abcdefghijklmnop"[b[i]%16]
	}
	copy(b[n/2:], b[:n/25])
	return b
}

// A store that makes no dictionaries reads what another one made with them.
func TestLoad_WithoutMakingDictionaries(t *testing.T) {
	inner := memory.New()
	r := visit(1)
	require.NoError(t, skilled(t, keepOpen{inner}).Save(t.Context(), r))
	for _, opt := range []compress.Option{compress.WithDictionary(false), compress.WithLevel(compress.None)} {
		s := open(t, keepOpen{inner}, opt)
		got, err := s.Load(t.Context(), r.ID)
		require.NoError(t, err)
		require.Equal(t, r.Data, got.Data)
		again := visit(2)
		require.NoError(t, s.Save(t.Context(), again))
		stored, err := inner.Load(t.Context(), again.ID)
		require.NoError(t, err)
		require.EqualValues(t, raw, stored.Data[0])
		require.Zero(t, s.Stats().Dictionary)
	}
}

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

func TestList_HidesDictionaries(t *testing.T) {
	inner := memory.New()
	s := skilled(t, inner)
	saved := teach(t, s, 3)
	other := visit(4)
	other.ID = store.ID{15: 1}
	require.NoError(t, s.Save(t.Context(), other))
	damaged := store.Record{ID: compress.DictionaryID(2), Version: 1, Data: []byte("?")}
	require.NoError(t, inner.Save(t.Context(), damaged))
	listed := map[store.ID]string{}
	for r, err := range s.List(t.Context(), "") {
		require.NoError(t, err)
		listed[r.ID] = string(r.Data)
	}
	want := map[store.ID]string{}
	for _, r := range append(saved, other) {
		want[r.ID] = string(r.Data)
	}
	require.Equal(t, want, listed)
}

// failing is a store whose Load of reserved IDs fails while broken is true.
type failing struct {
	store.Store
	broken *bool
}

func (s failing) Load(ctx context.Context, id store.ID) (store.Record, error) {
	if *s.broken && id.Reserved() {
		return store.Record{}, errBroken
	}
	return s.Store.Load(ctx, id)
}

// That a dictionary cannot be loaded now is no damage, and ends a listing.
func TestLoad_DictionaryCannotBeLoaded(t *testing.T) {
	inner := memory.New()
	s := skilled(t, keepOpen{inner})
	saved := teach(t, s, 3)
	broken := true
	s = open(t, failing{inner, &broken})
	_, err := s.Load(t.Context(), saved[0].ID)
	require.ErrorIs(t, err, errBroken)
	require.NotErrorIs(t, err, store.ErrCorrupt)
	var errs []error
	for _, err := range s.List(t.Context(), "") {
		errs = append(errs, err)
	}
	require.Equal(t, fmt.Sprint([]error{errBroken}), fmt.Sprint(errs))

	broken = false
	got, err := s.Load(t.Context(), saved[0].ID)
	require.NoError(t, err)
	require.Equal(t, saved[0].Data, got.Data)
	s.Learned()
	require.Equal(t, 1, s.Stats().Dictionary, "it is used for saving, too")
}
