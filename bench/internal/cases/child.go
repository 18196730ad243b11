package cases

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime/pprof"
	"slices"
	"time"

	"github.com/gimlet-go/gimlet/bench/internal/load"
	"github.com/gimlet-go/gimlet/bench/internal/machine"
	"github.com/gimlet-go/gimlet/bench/internal/peer"
	"github.com/gimlet-go/gimlet/bench/internal/site"
)

// childVariable holds the task of a process that this program has started,
// because what is to be measured belongs to a whole process.
const childVariable = "GIMLET_BENCH_TASK"

// A task is what such a process does, with a filled store that no other process
// has open.
type task struct {
	Kind    string // "memory" or "cold"
	Peer    string
	Dir     string
	Jar     string
	For     time.Duration
	Session int    // whose request is the first
	Heap    string // the file for a profile of the heap, if there is to be one
}

// ChildMain does the task of a process that was started by a case, writes what
// it found to w, and reports whether there was one. A program that runs cases
// calls it first and ends when there was.
func ChildMain(w io.Writer) (bool, error) {
	text := os.Getenv(childVariable)
	if text == "" {
		return false, nil
	}
	var t task
	if err := json.Unmarshal([]byte(text), &t); err != nil {
		return true, fmt.Errorf("cases: %s: %w", childVariable, err)
	}
	found, err := t.do()
	if err != nil {
		return true, err
	}
	return true, json.NewEncoder(w).Encode(found)
}

// inChild does a task in a process of its own.
func (b *Bench) inChild(t task) (map[string]float64, error) {
	text, err := json.Marshal(t)
	if err != nil {
		return nil, fmt.Errorf("cases: %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("cases: %w", err)
	}
	child := exec.CommandContext(b.ctx, self)
	child.Env = append(os.Environ(), childVariable+"="+string(text))
	child.Stderr = os.Stderr
	out, err := child.Output()
	if err != nil {
		return nil, fmt.Errorf("cases: the process for %s of %s: %w", t.Kind, t.Peer, err)
	}
	var found map[string]float64
	if err := json.Unmarshal(out, &found); err != nil {
		return nil, fmt.Errorf("cases: the process for %s of %s: %w", t.Kind, t.Peer, err)
	}
	return found, nil
}

func (t task) do() (map[string]float64, error) {
	at := slices.IndexFunc(peer.All(), func(p peer.Peer) bool { return p.Name == t.Peer })
	if at < 0 {
		return nil, fmt.Errorf("cases: there is no contestant %q", t.Peer)
	}
	jar, err := site.OpenJar(t.Jar)
	if err != nil {
		return nil, err
	}
	defer jar.Close()
	p := peer.All()[at]
	switch t.Kind {
	case "memory":
		return t.memory(p, jar)
	case "cold":
		return t.cold(p, jar)
	}
	return nil, fmt.Errorf("cases: there is no task %q", t.Kind)
}

// memory serves requests for a while, and looks at the memory meanwhile.
func (t task) memory(p peer.Peer, jar *site.FileJar) (map[string]float64, error) {
	start, err := machine.Anonymous()
	if err != nil {
		return nil, err
	}
	s, err := p.Open(t.Dir)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	stop, peaks := make(chan struct{}), make(chan int64, 1)
	go func() {
		ticker := time.NewTicker(20 * time.Millisecond)
		defer ticker.Stop()
		var peak int64
		for {
			select {
			case <-ticker.C:
				now, _ := machine.Anonymous() // it could be read a moment ago
				peak = max(peak, now)
			case <-stop:
				peaks <- peak
				return
			}
		}
	}()
	l := load.Load{Cookies: jar, Pick: load.Uniform(jar.Len()), Page: site.Read, Writes: 0.1, Duration: t.For}
	r, err := load.Run(l, load.Locals(bystanders, s))
	close(stop)
	peak := <-peaks
	if err != nil {
		return nil, err
	}
	end, err := machine.Anonymous()
	if err != nil {
		return nil, err
	}
	if err := t.profile(); err != nil {
		return nil, err
	}
	return map[string]float64{
		"start": float64(start) / (1 << 20), "end": float64(end) / (1 << 20),
		"peak": float64(max(peak, end)) / (1 << 20), "requests": float64(r.Requests),
	}, nil
}

// profile writes what of the heap the last garbage collection has left.
func (t task) profile() error {
	if t.Heap == "" {
		return nil
	}
	f, err := os.Create(t.Heap)
	if err != nil {
		return fmt.Errorf("cases: %w", err)
	}
	return errors.Join(pprof.Lookup("heap").WriteTo(f, 0), f.Close())
}

// cold opens the store and serves one request.
func (t task) cold(p peer.Peer, jar *site.FileJar) (map[string]float64, error) {
	cookie := jar.Get(t.Session)
	start := time.Now()
	s, err := p.Open(t.Dir)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	opened := time.Since(start)
	if err := load.Local(s).Call(string(site.Read), cookie); err != nil {
		return nil, err
	}
	return map[string]float64{"open": millis(opened), "first": millis(time.Since(start))}, nil
}
