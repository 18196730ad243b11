package compress

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/gimlet-go/gimlet/store"
)

// known are the dictionaries of a store as far as they were loaded. It is
// safe for concurrent use.
type known struct {
	inner   store.Store
	codec   *codec
	loading chan struct{} // holds one element while somebody loads
	loaded  [maxDictionaries + 1]atomic.Pointer[dictionary]
}

func newKnown(inner store.Store, c *codec) *known {
	return &known{inner: inner, codec: c, loading: make(chan struct{}, 1)}
}

// get returns a dictionary, and whether it was loaded just now. Of those who
// want one at the same time one loads it and the others wait. That there is
// none is not remembered: it may be made or restored at any time.
func (k *known) get(ctx context.Context, number int) (d *dictionary, fresh bool, err error) {
	if d := k.loaded[number].Load(); d != nil {
		return d, false, nil
	}
	select {
	case k.loading <- struct{}{}:
		defer func() { <-k.loading }()
	case <-ctx.Done():
		return nil, false, ctx.Err()
	}
	if d := k.loaded[number].Load(); d != nil {
		return d, false, nil
	}
	if d, err = k.load(ctx, number); err != nil {
		return nil, false, err
	}
	k.loaded[number].Store(d)
	return d, true, nil
}

// load returns a dictionary from its record or, if that is lost, from its spare.
func (k *known) load(ctx context.Context, number int) (*dictionary, error) {
	d, err := k.loadFrom(ctx, dictionaryID(number), number)
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrCorrupt) {
		if spare, e := k.loadFrom(ctx, spareID(number), number); e == nil {
			return spare, nil
		}
	}
	return d, err
}

func (k *known) loadFrom(ctx context.Context, id store.ID, number int) (*dictionary, error) {
	r, err := k.inner.Load(ctx, id)
	if err != nil {
		return nil, err
	}
	data, err := k.codec.unpack(r.Data)
	if err != nil {
		return nil, err
	}
	return readDictionary(number, data)
}

// insert stores a dictionary. It returns ErrConflict if there is another one
// with its number.
func (k *known) insert(ctx context.Context, d *dictionary) error {
	r := store.Record{ID: dictionaryID(d.number), Version: 1, Data: rawForm(d.encode())}
	if err := k.inner.Save(ctx, r); err != nil {
		return err
	}
	k.loaded[d.number].Store(d)
	return nil
}

// insertSpare stores the spare of a dictionary, unless it has one.
func (k *known) insertSpare(ctx context.Context, d *dictionary) error {
	_, err := k.inner.Load(ctx, spareID(d.number))
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	err = k.inner.Save(ctx, store.Record{ID: spareID(d.number), Version: 1, Data: rawForm(d.encode())})
	if errors.Is(err, store.ErrConflict) {
		return nil
	}
	return err
}

// unpack returns data in the form that refers to a dictionary, and whether
// that was loaded just now.
func (k *known) unpack(ctx context.Context, packed []byte) (data []byte, fresh bool, err error) {
	f, err := readShort(packed, k.codec.maxSize)
	if err != nil {
		return nil, false, err
	}
	d, fresh, err := k.get(ctx, f.number)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, false, corrupt("dictionary %d, with which the data was compressed, is missing", f.number)
	case err != nil:
		return nil, false, err
	}
	data, err = d.unpack(f)
	return data, fresh, err
}
