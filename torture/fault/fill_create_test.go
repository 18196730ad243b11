//go:build linux && (amd64 || arm64)

package fault_test

import (
	"fmt"
	"os"

	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

// createAll creates a store with 0, 1, 2 and so on up to 40 KiB of room, and again
// with enough of it.
func (f *filler) createAll() error {
	for kib := range int64(41) {
		if err := f.createWith(kib << 10); err != nil {
			return fmt.Errorf("%d KiB: %w", kib, err)
		}
	}
	return nil
}

func (f *filler) createWith(room int64) error {
	f.ledger = ledger{}
	if err := f.limit(room); err != nil {
		return err
	}
	before := f.saved + f.refused
	err := f.open()
	if err == nil {
		err = f.save(1000)
	}
	if err != nil && f.saved+f.refused == before {
		f.refused++
	}
	if err := f.refusal(err, false); err != nil {
		return err
	}
	if err := f.refusal(f.store.Close(), false); err != nil && f.store.Err() == nil {
		return err
	}
	if err := f.limit(limitless / 4); err != nil {
		return err
	}
	if err := f.open(); err != nil {
		return fmt.Errorf("with room: %w", err)
	}
	if err := f.ledger.judge(f.store); err != nil {
		return err
	}
	if err := f.resume(); err != nil {
		return err
	}
	if err := f.store.Close(); err != nil {
		return err
	}
	if err := rig.Check(f.path); err != nil {
		return err
	}
	return os.Remove(f.path)
}
