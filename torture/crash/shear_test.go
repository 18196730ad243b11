package crash_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

func init() { programs["shear"] = shear }

// A shearing is the settings of the program shear.
type shearing struct {
	Dir    string
	How    string // cut, zero, replace or remove
	Rounds int
}

// A damage is what it reports.
type damage struct {
	Noticed int // how many files were found to be damaged
	Stuck   int // how many of them kept Close until its bound
	Right   int // how many loads after that answered with what was saved
	Close   time.Duration
	Problem string
}

// shear damages one file after the other while it is in use.
func shear(args []string) error {
	var s shearing
	if err := json.Unmarshal([]byte(args[0]), &s); err != nil {
		return err
	}
	var d damage
	for n := range s.Rounds {
		v := &victim{path: filepath.Join(s.Dir, fmt.Sprint(n, ".db")), ctx: context.Background(), damage: &d}
		if err := v.suffer(s.How, n); err != nil {
			d.Problem = fmt.Sprintf("round %d: %v", n, err)
			break
		}
	}
	return json.NewEncoder(os.Stdout).Encode(d)
}

// A victim is a store whose file is damaged.
type victim struct {
	*damage
	path   string
	ctx    context.Context
	store  *bolt.Store
	ids    []store.ID
	loads  atomic.Int64
	harmed atomic.Bool
	zeroed bool // it has zeros where it had records, also behind a cut in a page
	mu     sync.Mutex
}

func (v *victim) suffer(how string, n int) error {
	v.zeroed = how == "zero" || how == "cut"
	v.store = bolt.Open(v.path, bolt.WithJournal([]int64{0, 1 << 20}[n%2]), bolt.WithTouchInterval(time.Millisecond),
		bolt.WithCloseTimeout(closeBound))
	if err := v.store.Err(); err != nil {
		return err
	}
	for range 150 {
		r := store.Record{ID: store.NewID(time.Now()), Version: 1, Owner: "alice", Expires: rig.FarAway}
		r.Data = rig.Content(r.ID, 1, 1500)
		if err := v.store.Save(v.ctx, r); err != nil {
			return err
		}
		v.ids = append(v.ids, r.ID)
	}
	if _, err := v.store.Sweep(v.ctx, time.Now(), 1); err != nil {
		return err
	}
	calls := []func() error{v.save, v.touch, v.list, v.load, v.load, v.load, v.load}
	errs, stop := make(chan error, len(calls)), make(chan struct{})
	for _, call := range calls {
		go func() { errs <- v.repeat(call, stop) }()
	}
	if !within(5*time.Second, func() bool { return v.loads.Load() > 50 }) {
		return errors.New("nothing is read")
	}
	v.harmed.Store(true)
	if err := v.harm(how, n); err != nil {
		return err
	}
	from := v.loads.Load()
	within(100*time.Millisecond, func() bool { return v.store.Err() != nil || v.loads.Load() > from+500 })
	close(stop)
	return v.end(errs)
}

// repeat makes a call until it fails. Nothing else than damage may be the reason.
func (v *victim) repeat(call func() error, stop <-chan struct{}) error {
	for {
		select {
		case <-stop:
			return nil
		default:
		}
		err := call()
		switch {
		case err == nil:
		case v.harmed.Load() && isDamage(err):
			return err
		case v.harmed.Load() && v.zeroed && errors.Is(err, store.ErrNotFound):
			return nil // where a page ends in zeros there are no records
		default:
			return fmt.Errorf("not of damage: %w", err)
		}
	}
}

func isDamage(err error) bool {
	return errors.Is(err, bolt.ErrDamaged) || errors.Is(err, store.ErrCorrupt) || errors.Is(err, store.ErrNotSaved)
}

// closeBound is how long a Close may take.
const closeBound = time.Second

// end waits for the calls, closes the store and opens what is left.
func (v *victim) end(errs chan error) error {
	noticed := false
	for range cap(errs) {
		select {
		case err := <-errs:
			if err != nil && !isDamage(err) {
				return err
			}
			noticed = noticed || err != nil
		case <-time.After(5 * time.Second):
			return errors.New("a call does not return")
		}
	}
	if noticed {
		v.Noticed++
	}
	began := time.Now()
	closed := v.store.Close()
	took := time.Since(began)
	if v.Close = max(v.Close, took); took > slack+closeBound {
		return fmt.Errorf("Close took %v: %w", took, closed)
	}
	again := bolt.Open(v.path, bolt.WithLockTimeout(50*time.Millisecond))
	locked := errors.Is(again.Err(), bolt.ErrLocked)
	if errors.Is(closed, bolt.ErrStuck) {
		v.Stuck++
		if !locked {
			return errors.New("a file was given up while somebody may still write to it")
		}
		return nil
	}
	if locked {
		return again.Err()
	}
	_ = again.Close() // damaged or not
	for _, name := range []string{v.path, v.path + "-journal"} {
		if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// harm does something to the file.
func (v *victim) harm(how string, n int) error {
	info, err := os.Stat(v.path)
	if err != nil {
		return err
	}
	page := int64(os.Getpagesize())
	sizes := []int64{0, 1, 511, page - 1, page, page + 1, 2 * page, 3*page + 1, 5 * page, info.Size() / 2, rand.Int64N(info.Size())}
	size := sizes[n%len(sizes)]
	switch how {
	case "cut":
		return os.Truncate(v.path, size)
	case "zero":
		f, err := os.OpenFile(v.path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = f.WriteAt(make([]byte, info.Size()-size), size)
		return errors.Join(err, f.Close())
	case "remove":
		return os.Remove(v.path)
	}
	other := v.path + ".other"
	if err := os.WriteFile(other, make([]byte, size), 0o600); err != nil {
		return err
	}
	return os.Rename(other, v.path)
}

func (v *victim) save() error {
	r := store.Record{ID: store.NewID(time.Now()), Version: 1, Expires: rig.FarAway}
	r.Data = rig.Content(r.ID, 1, 1500)
	return v.store.Save(v.ctx, r)
}

func (v *victim) touch() error {
	return v.store.Touch(v.ctx, v.ids[rand.IntN(len(v.ids))], rig.FarAway.Add(time.Duration(rand.IntN(1000))*time.Second))
}

func (v *victim) list() error {
	for r, err := range v.store.List(v.ctx, "alice") {
		if err != nil {
			return err
		}
		if !bytes.Equal(r.Data, rig.Content(r.ID, 1, 1500)) {
			return fmt.Errorf("wrong bytes in %s", r.ID)
		}
	}
	return nil
}

func (v *victim) load() error {
	id := v.ids[rand.IntN(len(v.ids))]
	r, err := v.store.Load(v.ctx, id)
	v.loads.Add(1)
	if err != nil {
		return err
	}
	if !bytes.Equal(r.Data, rig.Content(id, 1, 1500)) {
		return fmt.Errorf("wrong bytes in %s", id)
	}
	if v.harmed.Load() {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.Right++
	}
	return nil
}
