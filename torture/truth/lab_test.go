package truth_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/compress"
	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/memory"
	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

// The first byte of a stored form: see docs/format.md.
const (
	formRaw   = 0x3c
	formZstd  = 0xa5
	formShort = 0x69
)

// A lab has data in stored forms, and the dictionary that some of them need.
type lab struct {
	inner       *memory.Store
	zstd, short []specimen
}

type specimen struct{ data, stored []byte }

// A bench is the store of a lab, in which there is also a record whose data comes with the
// context.
type bench struct{ store.Store }

type onBench struct{}

var benchID = store.ID{0: 2, 15: 2}

func (b bench) Load(ctx context.Context, id store.ID) (store.Record, error) {
	if id == benchID {
		return store.Record{ID: id, Version: 1, Data: bytes.Clone(ctx.Value(onBench{}).([]byte))}, nil
	}
	return b.Store.Load(ctx, id)
}

func (b bench) Close() error { return nil }

// reader returns what reads data from its stored form, with what there is in a store.
func reader(t *testing.T, inner store.Store) func(stored []byte) ([]byte, error) {
	t.Helper()
	s, err := compress.New(bench{inner}, compress.WithMaxSize(bombLimit))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return func(stored []byte) ([]byte, error) {
		r, err := s.Load(context.WithValue(context.Background(), onBench{}, stored), benchID)
		return r.Data, err
	}
}

// newLab has a dictionary made of what people have in common: a word, among others.
func newLab(t *testing.T, word string) *lab {
	t.Helper()
	l := &lab{inner: memory.New()}
	s, err := compress.New(kept{l.inner})
	require.NoError(t, err)
	visit := func(n int) specimen {
		r := store.Record{ID: store.NewID(time.Now()), Version: 1, Owner: fmt.Sprint("person ", n)}
		r.Data = fmt.Appendf(nil, "user_id=%d name=%s-%d visits=%d email=person%d@example.org theme=dark", n, word, n*7, n%13, n)
		require.NoError(t, s.Save(t.Context(), r))
		return specimen{r.Data, l.stored(t, r.ID)}
	}
	require.Eventually(t, func() bool {
		if one := visit(len(l.short)); one.stored[0] == formShort {
			l.short = append(l.short, one)
		}
		for n := range 20 {
			visit(rand.IntN(1e6) + n)
		}
		return len(l.short) == 5
	}, 20*time.Second, time.Millisecond, "there is no dictionary")
	for _, size := range []int{4000, 5000, 20_000} {
		r := store.Record{ID: store.NewID(time.Now()), Version: 1, Data: []byte(rig.Text(size))}
		for len(r.Data) < size {
			r.Data = append(r.Data, rig.Text(len(r.Data))...)
		}
		require.NoError(t, s.Save(t.Context(), r))
		l.zstd = append(l.zstd, specimen{r.Data, l.stored(t, r.ID)})
	}
	require.NoError(t, s.Close())
	return l
}

func (l *lab) stored(t *testing.T, id store.ID) []byte {
	t.Helper()
	r, err := l.inner.Load(t.Context(), id)
	require.NoError(t, err)
	return r.Data
}

// Mutants are stored forms of which something was changed, and what came of reading them.
type mutants struct {
	mu            sync.Mutex
	refused, same int
	wrong         []string
}

// mutate has n mutants read, on all processors.
func (l *lab) mutate(n int, open func() func(stored []byte) ([]byte, error)) *mutants {
	var m mutants
	var all sync.WaitGroup
	specimens := append(l.zstd[:len(l.zstd):len(l.zstd)], l.short...)
	for range runtime.NumCPU() {
		read := open()
		all.Go(func() {
			rng := rand.New(rand.NewPCG(rand.Uint64(), 4))
			refused, same, wrong := 0, 0, []string(nil)
			for range (n + runtime.NumCPU() - 1) / runtime.NumCPU() {
				x := specimens[rng.IntN(len(specimens))]
				b := mutate(rng, x.stored)
				switch data, err := read(b); {
				case errors.Is(err, store.ErrCorrupt):
					refused++
				case err == nil && bytes.Equal(data, x.data):
					same++
				case len(wrong) < 3:
					wrong = append(wrong, fmt.Sprintf("%x: %v", b, err))
				}
			}
			m.mu.Lock()
			defer m.mu.Unlock()
			m.refused, m.same, m.wrong = m.refused+refused, m.same+same, append(m.wrong, wrong...)
		})
	}
	all.Wait()
	return &m
}

// mutate returns a stored form of which something was changed. The first byte is never the
// one after which the data stands as it is: nothing could be wrong with that.
func mutate(rng *rand.Rand, stored []byte) []byte {
	b := bytes.Clone(stored)
	for range 1 + rng.IntN(4) {
		i := rng.IntN(len(b))
		switch rng.IntN(6) {
		case 0:
			b[i] = byte(rng.Uint32())
		case 1, 2:
			b[i] ^= 1 << rng.IntN(8)
		case 3:
			copy(b[i:], b[rng.IntN(len(b)):])
		case 4:
			b = b[:i+1]
		case 5:
			b = append(b, b[i:min(len(b), i+8)]...)
		}
	}
	if b[0] == formRaw {
		b[0] = formZstd
	}
	return b
}
