//go:build linux && (amd64 || arm64)

package fault_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

func init() { programs["fill"] = fill }

// A scarcity is what the program fill goes through.
type scarcity struct {
	Dir      string
	Copies   string // a directory where there is room
	Place    string // see places
	Journal  int64
	Rounds   int  // how often the disk becomes full
	Create   bool // stores are created, with ever more room
	Careless bool // the program takes each failed save for one that has succeeded
}

// fill fills a disk. It prints what has come of it:
//
//	impossible WHY
//	problem WHAT
//	done SAVED REFUSED
func fill(args []string) error {
	var c scarcity
	if err := json.Unmarshal([]byte(args[0]), &c); err != nil {
		return err
	}
	p, err := places[c.Place](c.Dir)
	if err != nil {
		fmt.Println("impossible", err)
		return nil
	}
	f := &filler{place: p, scarcity: c, path: filepath.Join(p.dir, "sessions.db"), ledger: ledger{}, rng: rand.New(rand.NewPCG(5, 6))}
	do := f.run
	if c.Create {
		do = f.createAll
	}
	if err := do(); err != nil {
		fmt.Printf("problem %q\n", err)
	}
	fmt.Println("done", f.saved, f.refused)
	return nil
}

type filler struct {
	*place
	scarcity
	path   string
	ledger ledger
	rng    *rand.Rand
	store  *bolt.Store

	saved, refused int
}

func (f *filler) run() error {
	if err := f.open(); err != nil {
		return err
	}
	for round := range f.Rounds {
		if err := f.untilFull(); err != nil {
			return fmt.Errorf("round %d: %w", round, err)
		}
		if err := f.limit(limitless / 4); err != nil {
			return err
		}
		if err := f.resume(); err != nil {
			return fmt.Errorf("round %d: %w", round, err)
		}
	}
	if err := f.untilFull(); err != nil {
		return err
	}
	return f.reopen()
}

func (f *filler) open() error {
	f.store = bolt.Open(f.path, bolt.WithJournal(f.Journal), bolt.WithTouchInterval(20*time.Millisecond))
	return f.store.Err()
}

// untilFull saves while there is little room, until there is none, and then goes on
// trying.
func (f *filler) untilFull() error {
	if err := f.limit(600 << 10); err != nil {
		return err
	}
	refused := f.refused
	for n := 0; f.refused-refused < 60; n++ {
		if n == 5000 {
			return errors.New("the disk is not full")
		}
		if err := f.save(100 + f.rng.IntN(20_000)); err != nil {
			return err
		}
		if n%50 == 0 {
			if err := f.others(); err != nil {
				return err
			}
		}
	}
	if err := f.ledger.judge(f.store); err != nil {
		return fmt.Errorf("on a full disk: %w", err)
	}
	return f.survivesACrash()
}

func (f *filler) save(size int) error {
	r := store.Record{ID: store.NewID(time.Now()), Version: 1, Owner: "alice", Expires: rig.FarAway}
	r.Data = rig.Content(r.ID, 1, size)
	err := f.store.Save(context.Background(), r)
	if f.Careless {
		err = nil
	}
	f.ledger.changed(r.ID, 1, err)
	if err == nil {
		f.saved++
		return nil
	}
	f.refused++
	return f.refusal(err, true)
}

// others does what else can be done, to a record of its own.
func (f *filler) others() error {
	ctx := context.Background()
	for id := range f.ledger {
		if !f.ledger.certain(id) || f.ledger[id][0] == 0 {
			continue
		}
		if err := f.store.Touch(ctx, id, rig.FarAway.Add(time.Hour)); err != nil {
			return err
		}
		err := f.store.Delete(ctx, id)
		f.ledger.changed(id, 0, err)
		if err := f.refusal(err, true); err != nil {
			return err
		}
		break
	}
	_, err := f.store.Sweep(ctx, time.Now(), 10)
	return f.refusal(err, false)
}

// refusal returns what is wrong with the error of something for which there was no
// room.
func (f *filler) refusal(err error, change bool) error {
	switch {
	case err == nil:
		return nil
	case f.thin && errors.Is(err, syscall.EIO):
		return nil // the system says so for the second time
	case !errors.Is(err, store.ErrFull), !errors.Is(err, f.cause):
		return fmt.Errorf("it does not say that there is no room: %w", err)
	case change && !f.thin && !errors.Is(err, store.ErrNotSaved):
		return fmt.Errorf("it does not say that nothing was saved: %w", err)
	}
	return nil
}

// resume requires that saves go on by themselves within a second.
func (f *filler) resume() error {
	began := time.Now()
	for saved := f.saved; f.saved == saved; {
		if err := f.save(4000); err != nil {
			return err
		}
		if time.Since(began) > time.Second {
			return errors.New("saves still fail a second after there is room")
		}
	}
	if err := f.ledger.settle(f.store); err != nil {
		return fmt.Errorf("with room again: %w", err)
	}
	return f.survivesACrash()
}

// reopen closes the store on a full disk, and opens it there or, at the latest, when
// there is room.
func (f *filler) reopen() error {
	if err := f.refusal(f.store.Close(), false); err != nil {
		return fmt.Errorf("close: %w", err)
	}
	if err := f.open(); err != nil {
		if err := f.refusal(err, false); err != nil {
			return fmt.Errorf("open: %w", err)
		}
		if err := f.limit(limitless); err != nil {
			return err
		}
		if err := f.open(); err != nil {
			return fmt.Errorf("open with room: %w", err)
		}
	}
	if err := f.ledger.settle(f.store); err != nil {
		return fmt.Errorf("opened again: %w", err)
	}
	if err := f.limit(limitless); err != nil {
		return err
	}
	if err := f.resume(); err != nil {
		return err
	}
	if err := f.store.Close(); err != nil {
		return err
	}
	return rig.Check(f.path)
}

func (f *filler) survivesACrash() error {
	to := filepath.Join(f.Copies, "crashed")
	if err := copyStore(f.path, to); err != nil {
		return err
	}
	if f.Place == "file size" { // which limits the copy, too
		return nil
	}
	s := bolt.Open(filepath.Join(to, filepath.Base(f.path)))
	if err := s.Err(); err != nil {
		return fmt.Errorf("after a crash: %w", err)
	}
	if err := f.ledger.judge(s); err != nil {
		return fmt.Errorf("after a crash: %w", err)
	}
	return s.Close()
}

// copyStore copies the files of a store into a directory, where there is room. What it
// copies is what was there at one moment: nothing is committed meanwhile, for a second
// transaction would take pages that the copy needs.
func copyStore(path, to string) error {
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	if err := os.Mkdir(to, 0o700); err != nil {
		return err
	}
	file, journal, err := readStore(path)
	if err != nil {
		return err
	}
	to = filepath.Join(to, filepath.Base(path))
	if journal != nil {
		if err := os.WriteFile(to+"-journal", journal, 0o600); err != nil {
			return err
		}
	}
	return os.WriteFile(to, file, 0o600)
}

func readStore(path string) (file, journal []byte, err error) {
	for range 10_000 {
		if file, err = os.ReadFile(path); err != nil {
			return nil, nil, err
		}
		if journal, err = os.ReadFile(path + "-journal"); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, nil, err
		}
		again, err := readMetas(path)
		if err != nil || bytes.Equal(again, file[:len(again)]) {
			return file, journal, err
		}
	}
	return nil, nil, errors.New("transactions do not end")
}

// readMetas reads the two pages of which each commit writes one.
func readMetas(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b := make([]byte, 2*os.Getpagesize())
	_, err = io.ReadFull(f, b)
	return b, err
}
