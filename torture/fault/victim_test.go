//go:build linux && (amd64 || arm64)

package fault_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

// A way is how a store is used that endures faults.
type way struct {
	journal int64
	bytes   int  // of most records
	crashed bool // it begins with what a crash has left, and else with nothing
}

var ways = map[string]way{
	"journal":           {journal: 1 << 20, bytes: 3000},
	"no journal":        {bytes: 3000},
	"after a crash":     {journal: 1 << 20, bytes: 500, crashed: true},
	"large, no journal": {bytes: 60_000},
}

// A victim is a store in a directory where a fault is to come.
type victim struct {
	*bench
	way      way
	blow     blow
	careless bool
	path     string
	copies   string // a directory for copies
	ledger   ledger

	store *bolt.Store
	kept  store.Record // must be readable whenever the store is open
}

// suffer does with a store what can be done, and returns the first thing that was
// wrong.
func (v *victim) suffer() error {
	if v.way.crashed {
		if err := v.prepare(); err != nil {
			return err
		}
	}
	v.begin(v.blow)
	if err := v.open(); err != nil {
		return err
	}
	if err := v.work(); err != nil {
		return err
	}
	// Half of the faults that last do so until the store is closed.
	if !v.blow.Lasts || v.blow.N%2 == 0 {
		v.relent()
		if err := v.recovers(); err != nil {
			return err
		}
		if err := v.expected("close", v.store.Close()); err != nil {
			return err
		}
		return v.ends()
	}
	if err := v.expected("close", v.store.Close()); err != nil {
		return err
	}
	v.relent()
	if err := v.open(); err != nil {
		return err
	}
	if err := v.recovers(); err != nil {
		return err
	}
	if err := v.store.Close(); err != nil {
		return fmt.Errorf("close without a fault: %w", err)
	}
	return v.ends()
}

// prepare leaves the files of a store that was killed.
func (v *victim) prepare() error {
	if err := v.open(); err != nil {
		return err
	}
	for range 20 {
		if err := v.save(v.newRecord(), nil); err != nil {
			return err
		}
	}
	before := filepath.Join(v.copies, "crashed")
	err := errors.Join(copyDir(v.dir, before), v.store.Close(), copyDir(before, v.dir))
	v.store = nil
	return err
}

func (v *victim) open() error {
	began := time.Now()
	for try := 1; ; try++ {
		s := bolt.Open(v.path, bolt.WithJournal(v.way.journal), bolt.WithTouchInterval(time.Hour))
		if s.Err() == nil {
			v.store = s
			return v.ledger.judge(s)
		}
		_ = s.Close()
		if err := v.expected("open", s.Err()); err != nil {
			return err
		}
		if errors.Is(s.Err(), bolt.ErrLocked) || time.Since(began) > time.Second {
			return fmt.Errorf("it does not open: %w", s.Err())
		}
		if try > 1 {
			v.relent() // that which lasts has been seen to last
		}
	}
}

// expected returns what is wrong with the error of something that the fault may have
// met.
func (v *victim) expected(what string, err error) error {
	full := slices.Contains(noRoom, v.blow.Errno)
	switch {
	case err == nil:
		return nil
	case !v.hit():
		return fmt.Errorf("%s fails without a fault: %w", what, err)
	case !errors.Is(err, v.blow.Errno):
		return fmt.Errorf("%s: the cause is hidden: %w", what, err)
	case errors.Is(err, store.ErrFull) != full:
		return fmt.Errorf("%s: there is room, or none, and the error says something else: %w", what, err)
	case errors.Is(err, bolt.ErrDamaged) && !(v.blow.Lasts && v.blow.Errno == syscall.EIO):
		return fmt.Errorf("%s: a fault is taken for damage: %w", what, err)
	}
	return nil
}

// recovers requires that the store goes on by itself, within a second after the fault.
func (v *victim) recovers() error {
	began := time.Now()
	for {
		r := v.newRecord()
		r.Version, r.Data = 1, rig.Content(r.ID, 1, v.way.bytes)
		err := v.store.Save(context.Background(), r)
		v.ledger.changed(r.ID, 1, err)
		if err == nil {
			break
		}
		if time.Since(began) > time.Second {
			return fmt.Errorf("saves still fail a second after the fault: %w", err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err := v.store.Compact(context.Background()); err != nil {
		return fmt.Errorf("compact after the fault: %w", err)
	}
	if err := v.ledger.settle(v.store); err != nil {
		return fmt.Errorf("after the fault: %w", err)
	}
	return v.survivesACrash()
}

// survivesACrash looks at what would be found if the process were killed now.
func (v *victim) survivesACrash() error {
	to := filepath.Join(v.copies, "crashed")
	if err := v.aside(func() error { return copyDir(v.dir, to) }); err != nil {
		return err
	}
	s := bolt.Open(filepath.Join(to, "sessions.db"))
	if err := s.Err(); err != nil {
		return fmt.Errorf("after a crash: %w", err)
	}
	if err := v.ledger.judge(s); err != nil {
		return fmt.Errorf("after a crash: %w", err)
	}
	return s.Close()
}

// ends looks at what a store has left that was closed.
func (v *victim) ends() error {
	v.relent()
	s := bolt.Open(v.path)
	if err := s.Err(); err != nil {
		return fmt.Errorf("at the end: %w", err)
	}
	if err := v.ledger.judge(s); err != nil {
		return fmt.Errorf("at the end: %w", err)
	}
	if err := s.Close(); err != nil {
		return err
	}
	entries, err := os.ReadDir(v.dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		leftover := v.blow.Call == "unlinkat" && strings.Contains(entry.Name(), ".backup-")
		if entry.Name() != filepath.Base(v.path) && !leftover {
			return fmt.Errorf("%s is left", entry.Name())
		}
	}
	return rig.Check(v.path)
}

// copyDir makes the directory to a copy of from.
func copyDir(from, to string) error {
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	return os.CopyFS(to, os.DirFS(from))
}
