package crash_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
	"github.com/gimlet-go/gimlet/torture/internal/disk"
	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

func init() { programs["slow"] = slow }

// A load is the settings of the program slow.
type load struct {
	Dir     string
	Clients int
	Saves   int  // of each client, one after the other
	Waves   int  // or how often all of them save once, while nothing is synced
	Deaf    bool // they do not hear of their contexts

	Patience time.Duration // how late something may be
}

// A slowness is what it reports.
type slowness struct {
	Saves           int
	Factor          float64 // how many of them shared a sync
	Syncs99         int     // for how many a save waits
	Wait99, Longest time.Duration

	GivenUp     int
	Late        time.Duration // how long a save went on when its context was over, at most
	Memory      int64         // how many bytes are in use that were not before
	Reads       int
	SlowestRead time.Duration
	Problem     string
}

// slow has many clients save on a disk that is slow, or does not answer.
func slow(args []string) error {
	var l load
	if err := json.Unmarshal([]byte(args[0]), &l); err != nil {
		return err
	}
	c := crowd{load: l, ctx: context.Background()}
	c.store = bolt.Open(filepath.Join(l.Dir, "sessions.db"), bolt.WithTouchInterval(time.Hour))
	err := c.store.Save(c.ctx, c.record()) // which begins the journal
	switch {
	case err != nil:
	case l.Waves > 0:
		err = c.giveUp()
	default:
		err = c.wait()
	}
	if err != nil {
		c.Problem = err.Error()
	}
	return json.NewEncoder(os.Stdout).Encode(c.slowness)
}

// A crowd is many clients of one store.
type crowd struct {
	load
	slowness
	ctx   context.Context
	store *bolt.Store
	mu    sync.Mutex
}

func (c *crowd) record() store.Record {
	id := store.NewID(time.Now())
	return store.Record{ID: id, Version: 1, Expires: rig.FarAway, Data: rig.Content(id, 1, 800)}
}

// wait has all clients save, and counts for how many syncs each of them waits.
func (c *crowd) wait() error {
	var waits []time.Duration
	var syncs []int
	var failed error
	var clients sync.WaitGroup
	before := c.store.Stats().Commits
	for range c.Clients {
		clients.Go(func() {
			for range c.load.Saves {
				began, from := time.Now(), c.store.Stats().Commits
				err := c.store.Save(c.ctx, c.record())
				took, n := time.Since(began), c.store.Stats().Commits-from
				c.mu.Lock()
				waits, syncs, failed = append(waits, took), append(syncs, int(n)), errors.Join(failed, err)
				c.mu.Unlock()
			}
		})
	}
	clients.Wait()
	slices.Sort(waits)
	slices.Sort(syncs)
	c.slowness.Saves = len(waits)
	c.Factor = float64(len(waits)) / float64(c.store.Stats().Commits-before)
	c.Wait99, c.Longest = waits[len(waits)*99/100], waits[len(waits)-1]
	c.Syncs99 = syncs[len(syncs)*99/100]
	return errors.Join(failed, c.store.Close())
}

// giveUp has waves of clients save while the disk does not answer.
func (c *crowd) giveUp() error {
	tokens, m, err := c.sessions()
	if err != nil {
		return err
	}
	notes, err := os.OpenFile(filepath.Join(c.Dir, disk.NotesFile), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	first := make(chan error, 1)
	fmt.Fprintln(notes, "hold")
	go func() { first <- c.store.Save(c.ctx, c.record()) }()
	fmt.Fprintln(notes, "await")
	goroutines, memory := runtime.NumGoroutine(), inUse()
	refused, err := c.waves()
	if err == nil {
		err = c.read(m, tokens)
	}
	c.Memory = inUse() - memory
	if !within(slack, func() bool { return runtime.NumGoroutine() <= goroutines }) {
		err = errors.Join(err, fmt.Errorf("%d goroutines more", runtime.NumGoroutine()-goroutines))
	}
	fmt.Fprintln(notes, "release")
	if err == nil {
		err = errors.Join(<-first, c.store.Save(c.ctx, c.record()), c.absent(refused))
	}
	return errors.Join(err, m.Close())
}

// sessions returns the tokens of some sessions, and a manager that has not read them yet.
func (c *crowd) sessions() (tokens []string, m *gimlet.Manager, err error) {
	if m, err = gimlet.New(c.store); err != nil {
		return nil, nil, err
	}
	u := &siteUse{m: m, ctx: c.ctx}
	for range 20 {
		_, token, err := u.begin()
		if err != nil {
			return nil, nil, err
		}
		tokens = append(tokens, token)
	}
	path := c.store.Path()
	if err := m.Close(); err != nil {
		return nil, nil, err
	}
	c.store = bolt.Open(path, bolt.WithTouchInterval(time.Hour))
	m, err = gimlet.New(c.store)
	if err == nil {
		err = c.store.Save(c.ctx, c.record())
	}
	return tokens, m, err
}

// waves returns which records are not there, as their clients were told.
func (c *crowd) waves() (refused []store.ID, err error) {
	for range c.Waves {
		ended := make(chan error, c.Clients)
		for range c.Clients {
			go func() {
				ctx, cancel := context.WithTimeout(c.ctx, 200*time.Millisecond)
				defer cancel()
				end, _ := ctx.Deadline()
				if c.Deaf {
					ctx = context.WithoutCancel(ctx)
				}
				r := c.record()
				err := c.store.Save(ctx, r)
				c.mu.Lock()
				defer c.mu.Unlock()
				if c.Late = max(c.Late, time.Since(end)); errors.Is(err, store.ErrNotSaved) {
					refused = append(refused, r.ID)
				}
				ended <- err
			}()
		}
		patience := time.After(200*time.Millisecond + c.Patience)
		for range c.Clients {
			select {
			case err := <-ended:
				if !errors.Is(err, context.DeadlineExceeded) {
					return nil, fmt.Errorf("a save that nobody has synced: %w", err)
				}
				c.GivenUp++
			case <-patience:
				return nil, errors.New("clients do not give up")
			}
		}
	}
	return refused, nil
}

// read reads sessions, first from the file and then from memory.
func (c *crowd) read(m *gimlet.Manager, tokens []string) error {
	for range 50 {
		for _, token := range tokens {
			began := time.Now()
			s, err := m.Load(c.ctx, token)
			if err != nil {
				return err
			}
			if n, ok := s.Get("n").(int); !ok || n != 0 {
				return fmt.Errorf("n is %d", n)
			}
			c.SlowestRead = max(c.SlowestRead, time.Since(began))
			c.Reads++
		}
	}
	if c.SlowestRead > slack {
		return fmt.Errorf("a read took %v", c.SlowestRead)
	}
	return nil
}

// absent requires that records are not there.
func (c *crowd) absent(ids []store.ID) error {
	if len(ids) == 0 {
		return errors.New("nobody was told that nothing was saved")
	}
	for _, id := range ids {
		if _, err := c.store.Load(c.ctx, id); !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("a record that was not saved: %w", err)
		}
	}
	return nil
}

// inUse returns how much memory is in use.
func inUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}
