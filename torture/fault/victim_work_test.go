//go:build linux && (amd64 || arm64)

package fault_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

func (v *victim) newRecord() store.Record {
	return store.Record{ID: store.NewID(time.Now()), Owner: "alice", Expires: rig.FarAway}
}

// save brings a record to its next version, with data of a size of its own if that is
// not nil.
func (v *victim) save(r store.Record, size *int) error {
	n := v.way.bytes
	if size != nil {
		n = *size
	}
	r.Version++
	r.Data = rig.Content(r.ID, r.Version, n)
	err := v.store.Save(context.Background(), r)
	if v.careless {
		err = nil
	}
	v.ledger.changed(r.ID, r.Version, err)
	return v.also("save", err)
}

// also is expected, of something after which the store must still be readable.
func (v *victim) also(what string, err error) error {
	if err := v.expected(what, err); err != nil {
		return err
	}
	if v.kept.Version == 0 {
		return nil
	}
	_, err = v.store.Load(context.Background(), v.kept.ID)
	// When no memory map is to be had there is nothing to read.
	if err != nil && !(v.blow.Call == "mmap" && v.hit() && errors.Is(err, v.blow.Errno)) {
		return fmt.Errorf("after %s nothing can be read: %w", what, err)
	}
	return nil
}

// work does all that a store can do. What has failed is not done again.
func (v *victim) work() error {
	ctx := context.Background()
	a, b, c := v.newRecord(), v.newRecord(), v.newRecord()
	large := 300 << 10
	steps := []func() error{
		func() error { return v.save(a, nil) },
		func() error { v.keep(a); return v.save(b, nil) },
		func() error { return v.save(c, nil) },
		func() error { return v.together() },
		func() error { return v.again(&b) },
		func() error { return v.touch() },
		func() error { return v.save(v.newRecord(), &large) },
		func() error { return v.remove(c) },
		func() error { return v.expire() },
		func() error { _, err := v.store.Backup(io.Discard); return v.also("backup", err) },
		func() error { return v.save(v.newRecord(), nil) },
		func() error { return v.also("compact", v.store.Compact(ctx)) },
		func() error { return v.again(&b) },
		func() error { return v.save(v.newRecord(), nil) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return v.survivesACrash()
}

func (v *victim) keep(r store.Record) {
	if r.Version++; v.ledger.certain(r.ID) && v.ledger[r.ID][0] == r.Version {
		v.kept = r
	}
}

// again brings a record to its next version, if it is known which it has.
func (v *victim) again(r *store.Record) error {
	if !v.ledger.certain(r.ID) {
		return nil
	}
	r.Version = v.ledger[r.ID][0]
	return v.save(*r, nil)
}

func (v *victim) touch() error {
	if v.kept.Version == 0 {
		return nil
	}
	return v.also("touch", v.store.Touch(context.Background(), v.kept.ID, rig.FarAway.Add(time.Hour)))
}

func (v *victim) remove(r store.Record) error {
	err := v.store.Delete(context.Background(), r.ID)
	v.ledger.changed(r.ID, 0, err)
	return v.also("delete", err)
}

// together makes changes that share a group, most likely, one of them a large one.
func (v *victim) together() error {
	var records []store.Record
	for _, size := range []int{100, 300 << 10, 100, 5000} {
		r := v.newRecord()
		r.Version, r.Data = 1, rig.Content(r.ID, 1, size)
		records = append(records, r)
	}
	errs := make([]error, len(records))
	var all sync.WaitGroup
	for i := range records {
		all.Go(func() { errs[i] = v.store.Save(context.Background(), records[i]) })
	}
	all.Wait()
	for i, r := range records {
		v.ledger.changed(r.ID, 1, errs[i])
		if err := v.also("save together", errs[i]); err != nil {
			return err
		}
	}
	return nil
}

// expire saves a record that has expired, and sweeps.
func (v *victim) expire() error {
	old := v.newRecord()
	old.Version, old.Expires = 1, time.Now().Add(-time.Hour)
	if err := v.also("save", v.store.Save(context.Background(), old)); err != nil {
		return err
	}
	_, err := v.store.Sweep(context.Background(), time.Now(), 100)
	return v.also("sweep", err)
}
