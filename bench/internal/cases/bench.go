// Package cases is the work that is measured: the goals P1 to P14, and the
// curves C1 to C3 that show how the cost grows.
package cases

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/gimlet-go/gimlet/bench/internal/machine"
	"github.com/gimlet-go/gimlet/bench/internal/peer"
	"github.com/gimlet-go/gimlet/bench/internal/report"
	"github.com/gimlet-go/gimlet/bench/internal/stat"
)

// A Case is one kind of work, with the goal for it.
type Case struct {
	ID    string
	Title string
	Goal  string // "" for curves, which have none
	run   func(b *Bench, c *report.Case) error
}

// All returns every case in the order in which they run. Those that leave
// large files behind for others come late.
func All() []Case {
	return slices.Concat(costs, durables, disks, networks, larges, curves)
}

// Choose returns the cases with the given IDs, in the order in which they run,
// and all cases for none.
func Choose(ids []string) ([]Case, error) {
	all := All()
	if len(ids) == 0 {
		return all, nil
	}
	for _, id := range ids {
		if !slices.ContainsFunc(all, func(c Case) bool { return c.ID == id }) {
			return nil, fmt.Errorf("cases: there is no case %q: they are P1 to P14 and C1 to C3", id)
		}
	}
	return slices.DeleteFunc(all, func(c Case) bool { return !slices.Contains(ids, c.ID) }), nil
}

// A Bench runs cases. Make one with [New], and Close it.
type Bench struct {
	// Heap is the file for a profile of the heap of Gimlet's process in P12, of
	// the last turn. Empty is none.
	Heap string

	ctx    context.Context
	scale  Scale
	dir    string
	log    io.Writer
	stores map[stock]*filled
	seen   []peer.Peer
	dirs   int
}

// New returns a bench that keeps its files in a new directory below dir, and
// says on log what it does. When ctx is done it stops after what is being
// measured.
func New(ctx context.Context, dir string, scale Scale, log io.Writer) (*Bench, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("cases: %w", err)
	}
	own, err := os.MkdirTemp(dir, "stores-")
	if err != nil {
		return nil, fmt.Errorf("cases: %w", err)
	}
	return &Bench{ctx: ctx, scale: scale, dir: own, log: log, stores: map[stock]*filled{}}, nil
}

// Close removes the files.
func (b *Bench) Close() error { return os.RemoveAll(b.dir) }

// Run measures one case. One that cannot be measured on this machine is
// returned with the reason in LeftOut, and is no error.
func (b *Bench) Run(c Case) (*report.Case, error) {
	fmt.Fprintf(b.log, "%s  %s\n", c.ID, c.Title)
	start := time.Now()
	out := &report.Case{ID: c.ID, Title: c.Title, Goal: c.Goal}
	err := c.run(b, out)
	switch {
	case errors.Is(err, peer.ErrNoRedis), errors.Is(err, machine.ErrUnsupported):
		out.LeftOut = err.Error()
	case err != nil:
		return nil, fmt.Errorf("%s: %w", c.ID, err)
	}
	for _, k := range out.Checks {
		fmt.Fprintf(b.log, "    %-5v %s: %s %s\n", k.Reached(), k.Goal, report.Number(k.Median), k.Unit)
	}
	fmt.Fprintf(b.log, "    %v\n", time.Since(start).Round(100*time.Millisecond))
	return out, nil
}

// Contestants returns all that have been measured so far.
func (b *Bench) Contestants() []report.Contestant {
	var all []report.Contestant
	for _, p := range b.seen {
		all = append(all, report.Contestant{Name: p.Name, About: p.About})
	}
	return all
}

// turns calls the functions in turns. Each begins without garbage of the one
// before.
func (b *Bench) turns(n int, each ...func() error) error {
	wrapped := make([]func() error, len(each))
	for i, f := range each {
		wrapped[i] = func() error {
			if err := b.ctx.Err(); err != nil {
				return err
			}
			runtime.GC()
			return f()
		}
	}
	return stat.Interleave(n, wrapped...)
}

// newDir makes an empty directory.
func (b *Bench) newDir() (string, error) {
	b.dirs++
	dir := fmt.Sprintf("%s/%03d", b.dir, b.dirs)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", fmt.Errorf("cases: %w", err)
	}
	return dir, nil
}
