package storetest

import (
	"bytes"
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
)

const (
	benchRecords = 10_000
	benchOwners  = 1_000
	benchSavers  = 64
)

// Bench measures the stores that open returns: what each method costs on a
// store of ten thousand records of about 500 bytes, which belong to a
// thousand owners. The same benchmarks on another store, in the same run on
// the same machine, can be compared with them.
//
// open must return a new, empty store each time; the suite closes it. The "64 goroutines" of
// some names are callers that wait for nothing but the store: their time per
// operation is that of all together.
func Bench(b *testing.B, open func(b *testing.B) store.Store) {
	fresh := func(b *testing.B) store.Store {
		s := open(b)
		b.Cleanup(func() { require.NoError(b, s.Close()) })
		return s
	}
	p := newPopulation(b, fresh(b))
	b.Run("Load/hit", p.benchLoad)
	b.Run("Load/missing", p.benchMissing)
	b.Run("Save/insert", func(b *testing.B) { benchInsert(b, fresh(b)) })
	b.Run("Save/insert 64 goroutines", func(b *testing.B) { benchInsertParallel(b, fresh(b)) })
	b.Run("Save/update", p.benchUpdate)
	b.Run("Save/update 64 goroutines", p.benchUpdateParallel)
	b.Run("Touch", p.benchTouch)
	b.Run("List/10 of one owner", p.benchList)
	b.Run("Sweep", p.benchSweep)
}

// A population is a store and what is in it.
type population struct {
	ctx     context.Context
	store   store.Store
	records []store.Record // the newest versions
}

func newPopulation(b *testing.B, s store.Store) *population {
	p := &population{ctx: context.Background(), store: s, records: make([]store.Record, benchRecords)}
	for i := range p.records {
		p.records[i] = benchRecord(i)
	}
	require.NoError(b, saveAll(p.ctx, s, p.records))
	return p
}

// benchRecord returns a record of about 500 bytes that resembles an encoded
// session: words that all have in common, and noise that none has.
func benchRecord(i int) store.Record {
	r := newRecord(fmt.Sprintf("user-%d@example.org", i%benchOwners), "")
	var data bytes.Buffer
	for field := range 10 {
		noise := store.NewID(time.Now())
		fmt.Fprintf(&data, "field_%d: %x, cart_item; ", field, noise[6:])
	}
	r.Data = data.Bytes()
	return r
}

func (p *population) benchLoad(b *testing.B) {
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := p.store.Load(p.ctx, p.records[i%benchRecords].ID); err != nil {
			b.Fatal(err)
		}
	}
}

func (p *population) benchMissing(b *testing.B) {
	id := store.NewID(time.Now())
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		id[15], id[14] = byte(i), byte(i>>8)
		if _, err := p.store.Load(p.ctx, id); err == nil {
			b.Fatal("loaded what is not there")
		}
	}
}

// benchInsert fills a store of its own, as benchInsertParallel does: the
// others shall find ten thousand records.
func benchInsert(b *testing.B, s store.Store) {
	r := benchRecord(0)
	b.ReportAllocs()
	for b.Loop() {
		r.ID = store.NewID(time.Now())
		if err := s.Save(context.Background(), r); err != nil {
			b.Fatal(err)
		}
	}
}

func benchInsertParallel(b *testing.B, s store.Store) {
	var records [benchSavers]store.Record
	for worker := range records {
		records[worker] = benchRecord(worker)
	}
	b.ReportAllocs()
	parallel(b, func(worker, _ int) error {
		r := records[worker]
		r.ID = store.NewID(time.Now())
		return s.Save(context.Background(), r)
	})
}

func (p *population) benchUpdate(b *testing.B) {
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if err := p.update(i % benchRecords); err != nil {
			b.Fatal(err)
		}
	}
}

func (p *population) benchUpdateParallel(b *testing.B) {
	b.ReportAllocs()
	const each = benchRecords / benchSavers
	parallel(b, func(worker, i int) error {
		return p.update(worker*each + i%each)
	})
}

// update saves the next version of the i-th record.
func (p *population) update(i int) error {
	r := &p.records[i]
	r.Version++
	return p.store.Save(p.ctx, *r)
}

// parallel shares b.N calls of f out among 64 goroutines.
func parallel(b *testing.B, f func(worker, i int) error) {
	var calls atomic.Int64
	b.ResetTimer()
	err := atOnce(benchSavers, func(worker int) error {
		for i := 0; calls.Add(1) <= int64(b.N); i++ {
			if err := f(worker, i); err != nil {
				return err
			}
		}
		return nil
	})
	b.StopTimer()
	require.NoError(b, err)
}

func (p *population) benchTouch(b *testing.B) {
	expires := in(time.Hour)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if err := p.store.Touch(p.ctx, p.records[i%benchRecords].ID, expires); err != nil {
			b.Fatal(err)
		}
	}
}

func (p *population) benchList(b *testing.B) {
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		n := 0
		for _, err := range p.store.List(p.ctx, p.records[i%benchOwners].Owner) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != benchRecords/benchOwners {
			b.Fatalf("listed %d records", n)
		}
	}
}

// benchSweep measures the removal of one expired record among the living.
func (p *population) benchSweep(b *testing.B) {
	const batch = 500
	b.ReportAllocs()
	for done := 0; done < b.N; done += batch {
		b.StopTimer()
		n := min(batch, b.N-done)
		expired := make([]store.Record, n)
		for i := range expired {
			expired[i] = p.records[i]
			expired[i].ID, expired[i].Version = store.NewID(time.Now()), 1
			expired[i].Expires = in(-time.Minute)
		}
		require.NoError(b, saveAll(p.ctx, p.store, expired))
		b.StartTimer()
		swept, err := p.store.Sweep(p.ctx, time.Now(), batch)
		if err != nil || swept != n {
			b.Fatalf("swept %d of %d: %v", swept, n, err)
		}
	}
}
