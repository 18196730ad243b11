package crash_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
	"github.com/gimlet-go/gimlet/torture/internal/disk"
	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

func init() { programs["stuck"] = stuck }

// A jam is the settings of the program stuck.
type jam struct {
	Dir     string
	Journal int64
	Hold    string // the file whose syncs are held; "" is all, "." those of names
	Compact bool   // it is compacted meanwhile, or else swept
	Deaf    bool   // calls do not hear of their contexts
	Quick   bool   // of a site: changes are answered before they are saved

	Patience time.Duration // how late something may be
}

// A relief is what it reports.
type relief struct {
	Reads       int
	SlowestRead time.Duration
	Late        time.Duration // how long a call went on when its context was over, at most
	Close       time.Duration
	Freed       time.Duration // how long after the disk had answered the file was given up
	Changes     int
	Problem     string
}

// slack is how late something may be on a machine that does other things as well.
const slack = time.Second

// stuck uses a store while its disk does not answer, and closes it.
func stuck(args []string) error {
	var j jam
	if err := json.Unmarshal([]byte(args[0]), &j); err != nil {
		return err
	}
	notes, err := os.OpenFile(filepath.Join(j.Dir, disk.NotesFile), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	p := pinch{jam: j, use: &storeUse{ctx: context.Background(), expected: expectNothing()}, notes: notes}
	goroutines := runtime.NumGoroutine()
	if err := p.run(); err != nil {
		p.Problem = err.Error()
	} else if left := residue(filepath.Join(j.Dir, "sessions.db"), goroutines); left != "" {
		p.Problem = "left behind: " + left
	}
	p.Changes = p.use.expected.changes
	return json.NewEncoder(os.Stdout).Encode(p.relief)
}

// A pinch is a store on a disk that is stuck.
type pinch struct {
	jam
	relief
	use     *storeUse
	notes   *os.File
	ids     []store.ID
	forever chan error // of calls whose contexts never end
}

func (p *pinch) run() error {
	p.use.store = bolt.Open(filepath.Join(p.Dir, "sessions.db"), bolt.WithJournal(p.Journal),
		bolt.WithTouchInterval(time.Hour), bolt.WithCloseTimeout(500*time.Millisecond))
	if err := p.use.store.Err(); err != nil {
		return err
	}
	for range 50 {
		r := store.Record{ID: store.NewID(time.Now()), Owner: "before", Expires: rig.FarAway}
		if err := p.use.save(&r); err != nil {
			return err
		}
		p.ids = append(p.ids, r.ID)
	}
	fmt.Fprintf(p.notes, "hold %s\n", p.Hold)
	defer fmt.Fprintf(p.notes, "release\n")
	p.ask()
	fmt.Fprintf(p.notes, "await\n")
	for _, step := range []func() error{p.late, p.read, p.close, p.refuse, p.free} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// ask makes calls that wait as long as they may.
func (p *pinch) ask() {
	p.forever = make(chan error, 3)
	s := p.use.store
	go func() { p.forever <- s.Compact(p.use.ctx) }()
	go func() {
		old := store.Record{ID: store.NewID(time.Now()), Version: 1, Expires: time.Now().Add(-time.Hour)}
		err := s.Save(p.use.ctx, old)
		if err == nil && !p.jam.Compact {
			_, err = s.Sweep(p.use.ctx, time.Now(), 10)
		}
		p.forever <- err
	}()
	go func() {
		r := store.Record{ID: store.NewID(time.Now()), Expires: rig.FarAway}
		p.forever <- p.use.save(&r)
	}()
}

// late makes calls whose contexts end.
func (p *pinch) late() error {
	errs := make(chan error, 8)
	for i := range cap(errs) {
		go func() {
			ctx, cancel := context.WithTimeout(p.use.ctx, 200*time.Millisecond)
			defer cancel()
			ended, _ := ctx.Deadline()
			if p.Deaf {
				ctx = context.WithoutCancel(ctx)
			}
			err := p.call(ctx, i)
			p.use.mu.Lock()
			p.Late = max(p.Late, time.Since(ended))
			p.use.mu.Unlock()
			if err != nil && !errors.Is(err, context.DeadlineExceeded) {
				err = fmt.Errorf("call %d: %w", i, err)
			} else {
				err = nil
			}
			errs <- err
		}()
	}
	patience := time.After(200*time.Millisecond + p.Patience)
	for range cap(errs) {
		select {
		case err := <-errs:
			if err != nil {
				return err
			}
		case <-patience:
			return errors.New("a call has not returned with its context")
		}
	}
	return nil
}

// call makes one of several calls that change something.
func (p *pinch) call(ctx context.Context, i int) error {
	s := p.use.store
	switch i % 4 {
	case 0:
		return s.Save(ctx, store.Record{ID: store.NewID(time.Now()), Version: 1, Expires: rig.FarAway})
	case 1:
		return s.Touch(ctx, p.ids[0], rig.FarAway.Add(time.Hour))
	case 2:
		_, err := s.Sweep(ctx, time.Now(), 10)
		return err
	}
	return s.Delete(ctx, store.ID{1})
}

// read reads all that is there.
func (p *pinch) read() error {
	for _, id := range p.ids {
		began := time.Now()
		if _, err := p.use.store.Load(p.use.ctx, id); err != nil {
			return err
		}
		p.SlowestRead = max(p.SlowestRead, time.Since(began))
		p.Reads++
	}
	if p.SlowestRead > slack {
		return fmt.Errorf("a read took %v", p.SlowestRead)
	}
	return p.use.list()
}

func (p *pinch) close() error {
	began := time.Now()
	closed := make(chan error, 2)
	for range cap(closed) {
		go func() { closed <- p.use.store.Close() }()
	}
	var told error
	for range cap(closed) {
		select {
		case err := <-closed:
			told = errors.Join(told, err)
		case <-time.After(500*time.Millisecond + p.Patience):
			return errors.New("Close has not returned")
		}
	}
	if p.Close = time.Since(began); !errors.Is(told, bolt.ErrStuck) {
		return fmt.Errorf("Close: %w", told)
	}
	return p.use.store.Close()
}

// refuse looks at the calls that waited, and at those that come now.
func (p *pinch) refuse() error {
	for range cap(p.forever) {
		select {
		case err := <-p.forever:
			if err != nil && !errors.Is(err, store.ErrClosed) {
				return fmt.Errorf("a call that waited: %w", err)
			}
		case <-time.After(slack):
			return errors.New("a call has not returned with Close")
		}
	}
	for i := range 4 {
		if err := p.call(p.use.ctx, i); !errors.Is(err, store.ErrClosed) {
			return fmt.Errorf("call %d after Close: %w", i, err)
		}
	}
	if err := bolt.Open(p.use.store.Path(), bolt.WithLockTimeout(50*time.Millisecond)).Err(); !errors.Is(err, bolt.ErrLocked) {
		return fmt.Errorf("the file is given up while it is in use: %w", err)
	}
	return nil
}

// free has the disk answer, and opens what is left.
func (p *pinch) free() error {
	began := time.Now()
	fmt.Fprintf(p.notes, "release\n")
	s := bolt.Open(p.use.store.Path(), bolt.WithLockTimeout(10*slack))
	if p.Freed = time.Since(began); s.Err() != nil {
		return s.Err()
	}
	g := gale{path: s.Path()}
	if err := s.Close(); err != nil {
		return err
	}
	if err := p.use.judge(&g); err != nil || g.problem != "" {
		return fmt.Errorf("%s: %w", g.problem, err)
	}
	return nil
}
