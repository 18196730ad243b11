package compress_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/compress"
	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/memory"
)

// Each dictionary is stored twice, also one from before it was, and either is
// enough to read everything.
func TestDictionary_spare(t *testing.T) {
	damage := map[string]func(t *testing.T, inner store.Store, id store.ID){
		"damaged": func(t *testing.T, inner store.Store, id store.ID) {
			r, err := inner.Load(t.Context(), id)
			require.NoError(t, err)
			r.Version++
			r.Data[10] ^= 1
			require.NoError(t, inner.Save(t.Context(), r))
		},
		"missing": func(t *testing.T, inner store.Store, id store.ID) {
			require.NoError(t, inner.Delete(t.Context(), id))
		},
	}
	for name, harm := range damage {
		for which, id := range map[string]store.ID{"the first": compress.DictionaryID(1), "the spare": compress.SpareID(1)} {
			t.Run(which+" "+name, func(t *testing.T) {
				inner := memory.New()
				data, stored := packed(t, skilled(t, keepOpen{inner}), inner)
				harm(t, inner, id)
				got, err := probe{inner, open(t, inner)}.read(t, stored)
				require.NoError(t, err)
				require.Equal(t, data, got)
			})
		}
		t.Run("both "+name, func(t *testing.T) {
			inner := memory.New()
			_, stored := packed(t, skilled(t, keepOpen{inner}), inner)
			harm(t, inner, compress.DictionaryID(1))
			harm(t, inner, compress.SpareID(1))
			_, err := probe{inner, open(t, inner)}.read(t, stored)
			require.ErrorIs(t, err, store.ErrCorrupt)
		})
	}
}

// What the store learns is stored twice, too, and neither is listed.
func TestDictionary_spareOfALearnedOne(t *testing.T) {
	inner := memory.New()
	s := open(t, keepOpen{inner})
	saved := teach(t, s, compress.EnoughSamples)
	require.Equal(t, 1, s.Stats().Dictionary)
	first, err := inner.Load(t.Context(), compress.DictionaryID(1))
	require.NoError(t, err)
	spare, err := inner.Load(t.Context(), compress.SpareID(1))
	require.NoError(t, err)
	require.Equal(t, first.Data, spare.Data)
	n := 0
	for _, err := range s.List(t.Context(), "") {
		require.NoError(t, err)
		n++
	}
	require.Len(t, saved, n)
}
