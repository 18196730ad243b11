//go:build linux && (amd64 || arm64)

package fault_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/gimlet-go/gimlet/torture/internal/fault"
)

func init() { programs["endure"] = endure }

// A hardship is what the program endure goes through, one fault after the other.
type hardship struct {
	Dir       string
	Ways      []string // of the stores, see ways
	Calls     []string // that fail, none for all
	Positions int      // of each call and error, how many, once or lasting; 0 is all, and both
	Shard     int      // which part of the work it does
	Shards    int
	Careless  bool // the program takes each failed save for one that has succeeded
}

// failures are the system calls that fail, and how.
var failures = map[string][]syscall.Errno{
	"pwrite64":   {syscall.EIO, syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG, syscall.ENOMEM},
	"write":      {syscall.EIO, syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG, syscall.ENOMEM},
	"fdatasync":  {syscall.EIO, syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS},
	"fsync":      {syscall.EIO, syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS},
	"ftruncate":  {syscall.EIO, syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG, syscall.EROFS},
	"mmap":       {syscall.ENOMEM, syscall.EIO},
	"openat":     {syscall.EIO, syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, syscall.ENOMEM},
	"flock":      {syscall.ENOLCK, syscall.EIO},
	"fstat":      {syscall.EIO, syscall.ENOMEM},
	"newfstatat": {syscall.EIO, syscall.ENOMEM},
	"renameat":   {syscall.EIO, syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, syscall.ENOMEM},
	"unlinkat":   {syscall.EIO, syscall.EROFS, syscall.ENOMEM},
	"pread64":    {syscall.EIO, syscall.ENOMEM},
	"read":       {syscall.EIO, syscall.ENOMEM},
}

// noRoom are the errors of which the library makes store.ErrFull.
var noRoom = []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG}

// A blow is one fault: a system call fails from its n-th time on, once or until it is
// called off.
type blow struct {
	Call  string
	Errno syscall.Errno
	N     int
	Lasts bool
}

func (b blow) String() string {
	times := "once"
	if b.Lasts {
		times = "from then on"
	}
	return fmt.Sprintf("%s %d fails with %q %s", b.Call, b.N, b.Errno, times)
}

// A bench deals out blows, to files in a directory.
type bench struct {
	dir string

	mu     sync.Mutex
	blow   blow
	counts map[string]int
	hits   int
	off    bool
}

// begin counts from now on, for a blow that is to come.
func (b *bench) begin(next blow) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.blow, b.counts, b.hits = next, map[string]int{}, 0
}

// relent calls the blow off. It returns how many calls have failed.
func (b *bench) relent() (hits int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.blow = blow{}
	return b.hits
}

// aside does something that is not dealt a blow.
func (b *bench) aside(do func() error) error {
	b.set(true)
	defer b.set(false)
	return do()
}

func (b *bench) set(off bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.off = off
}

func (b *bench) hit() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.hits > 0
}

func (b *bench) install() error { return fault.Install(b.judge) }

func (b *bench) judge(c fault.Call) syscall.Errno {
	b.mu.Lock()
	defer b.mu.Unlock()
	if c.Path != b.dir && !strings.HasPrefix(c.Path, b.dir+"/") || b.counts == nil || b.off {
		return 0
	}
	b.counts[c.Name]++
	if n := b.counts[c.Name]; c.Name == b.blow.Call && (n == b.blow.N || b.blow.Lasts && n > b.blow.N) {
		b.hits++
		return b.blow.Errno
	}
	return 0
}

// endure goes through faults. For each it prints a line before, so that who waits
// knows at which it has died, and one behind if something was wrong:
//
//	begin WAY: BLOW
//	problem WHAT
//	done RUNS HITS
func endure(args []string) error {
	var h hardship
	if err := json.Unmarshal([]byte(args[0]), &h); err != nil {
		return err
	}
	b := &bench{dir: filepath.Join(h.Dir, "work")}
	if err := b.install(); err != nil {
		fmt.Println("impossible", err)
		return nil
	}
	runs, hits := 0, 0
	for _, way := range h.Ways {
		blows, err := h.blows(b, way)
		if err != nil {
			return fmt.Errorf("%s: without a fault: %w", way, err)
		}
		for _, next := range blows {
			fmt.Printf("begin %s: %v\n", way, next)
			n, err := h.trial(b, way, next)
			if err != nil {
				fmt.Printf("problem %s\n", strings.ReplaceAll(err.Error(), "\n", "; "))
			}
			runs++
			hits += min(n, 1)
		}
	}
	fmt.Printf("done %d %d\n", runs, hits)
	return nil
}

// blows returns the faults to go through, of this part of the work: how often each
// call is done shows a run without.
func (h *hardship) blows(b *bench, way string) (blows []blow, err error) {
	if _, err := h.trial(b, way, blow{}); err != nil {
		return nil, err
	}
	for _, call := range slices.Sorted(maps.Keys(failures)) {
		if len(h.Calls) > 0 && !slices.Contains(h.Calls, call) {
			continue
		}
		for e, errno := range failures[call] {
			switch {
			case h.Positions == 0:
				for n := 1 + h.Shard; n <= b.counts[call]; n += h.Shards {
					blows = append(blows, blow{call, errno, n, false}, blow{call, errno, n, true})
				}
			case e%h.Shards == h.Shard:
				blows = append(blows, h.some(call, errno, b.counts[call])...)
			}
		}
	}
	return blows, nil
}

// some returns faults at some of the turns of a call, once or lasting.
func (h *hardship) some(call string, errno syscall.Errno, turns int) (blows []blow) {
	rng := rand.New(rand.NewPCG(uint64(errno), uint64(len(call))))
	turn := rng.Perm(turns)
	for _, n := range turn[:min(h.Positions, turns)] {
		blows = append(blows, blow{call, errno, n + 1, rng.IntN(2) == 0})
	}
	return blows
}

// trial lets a store go through one fault, in an empty directory.
func (h *hardship) trial(b *bench, way string, next blow) (hits int, err error) {
	b.relent()
	if err := errors.Join(os.RemoveAll(b.dir), os.Mkdir(b.dir, 0o700)); err != nil {
		return 0, err
	}
	v := &victim{bench: b, way: ways[way], blow: next, careless: h.Careless, ledger: ledger{},
		path: filepath.Join(b.dir, "sessions.db"), copies: filepath.Join(h.Dir, "copy")}
	err = v.suffer()
	return b.relent(), err
}
