package crash_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
)

func init() { programs["storm"] = storm }

// A storming is the settings of the program storm.
type storming struct {
	Dir    string
	Rounds int
	Seed   uint64
	Only   string // "store" or "site"; "" is both in turn
}

// An aftermath is what it reports.
type aftermath struct {
	Rounds  int
	Changes int // that were acknowledged
	Refused int // calls that failed because of Close
	Slowest time.Duration
	Problem string // the first one, with which it ends
}

// A gale is one round: some goroutines use a thing until they are refused.
type gale struct {
	path    string
	closing atomic.Bool
	refused atomic.Int64
	mu      sync.Mutex
	problem string
}

// storm has everybody use a store, or a site, closes it at some moment, and looks at
// what is left.
func storm(args []string) error {
	var s storming
	if err := json.Unmarshal([]byte(args[0]), &s); err != nil {
		return err
	}
	rng := rand.New(rand.NewPCG(s.Seed, 0))
	goroutines := runtime.NumGoroutine()
	var a aftermath
	for ; a.Rounds < s.Rounds && a.Problem == ""; a.Rounds++ {
		dir := filepath.Join(s.Dir, fmt.Sprint(a.Rounds))
		if err := os.Mkdir(dir, 0o700); err != nil {
			return err
		}
		g := &gale{path: filepath.Join(dir, "sessions.db")}
		blow := blowOnStore
		if s.Only == "site" || s.Only == "" && a.Rounds%2 == 1 {
			blow = blowOnSite
		}
		if err := blow(g, &a, time.Duration(rng.IntN(20_000))*time.Microsecond); err != nil {
			g.report("%v", err)
		}
		if left := residue(dir, goroutines); left != "" {
			g.report("left behind: %s", left)
		}
		if a.Problem = g.problem; a.Problem != "" {
			a.Problem = fmt.Sprintf("round %d: %s", a.Rounds, a.Problem)
		}
		a.Refused += int(g.refused.Load())
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return json.NewEncoder(os.Stdout).Encode(a)
}

func (g *gale) report(format string, args ...any) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.problem == "" {
		g.problem = fmt.Sprintf(format, args...)
	}
}

// blow runs calls over and over, each until it is refused, and closes the thing after
// some time, twice at once. Once all are through nothing else than a refusal may come.
func (g *gale) blow(a *aftermath, after time.Duration, closeIt func() error, calls []func() error) {
	var users sync.WaitGroup
	for i, call := range calls {
		users.Go(func() {
			for g.goesOn(i, call()) {
			}
		})
	}
	time.Sleep(after)
	g.closing.Store(true)
	began := time.Now()
	var closers sync.WaitGroup
	for range 2 {
		closers.Go(func() {
			if err := closeIt(); err != nil {
				g.report("Close: %v", err)
			}
		})
	}
	closers.Wait()
	took := time.Since(began)
	if a.Slowest = max(a.Slowest, took); took > 2*time.Second {
		g.report("Close took %v", took)
	}
	ended := make(chan struct{})
	go func() { users.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(2 * time.Second):
		g.report("a call has not returned 2 s after Close")
		return
	}
	for i, call := range calls {
		if err := call(); !errors.Is(err, store.ErrClosed) {
			g.report("call %d after Close: %v", i, err)
		}
	}
}

// goesOn reports whether a call was not refused, and sees to it that none is without a
// reason.
func (g *gale) goesOn(call int, err error) bool {
	switch {
	case err == nil:
		return true
	case !errors.Is(err, store.ErrClosed):
		g.report("call %d: %v", call, err)
	case !g.closing.Load():
		g.report("call %d was refused before Close: %v", call, err)
	}
	g.refused.Add(1)
	return false
}

// reopened opens what a round has left, at once.
func (g *gale) reopened() (*bolt.Store, error) {
	began := time.Now()
	s := bolt.Open(g.path, bolt.WithLockTimeout(time.Millisecond))
	if took := time.Since(began); took > time.Second {
		g.report("to open it again took %v", took)
	}
	return s, s.Err()
}
