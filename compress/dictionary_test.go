package compress_test

import (
	"bytes"
	"context"
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

// nested is a store in the midst of whose Save another record is saved.
type nested struct {
	store.Store
	meanwhile func()
}

func (s *nested) Save(ctx context.Context, r store.Record) error {
	if f := s.meanwhile; f != nil {
		s.meanwhile = nil
		f()
	}
	return s.Store.Save(ctx, r)
}

// What the inner store is given is not written to while it has it.
func TestSave_BytesOfItsOwn(t *testing.T) {
	inner := &nested{Store: memory.New()}
	s := skilled(t, inner)
	for i := range 20 {
		first, second := visit(i), visit(1000+i)
		inner.meanwhile = func() { require.NoError(t, s.Save(t.Context(), second)) }
		require.NoError(t, s.Save(t.Context(), first))
		for _, want := range []store.Record{first, second} {
			got, err := s.Load(t.Context(), want.ID)
			require.NoError(t, err)
			require.Equal(t, want.Data, got.Data)
		}
	}
	require.EqualValues(t, 40, s.Stats().Short)
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
