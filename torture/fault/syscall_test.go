//go:build linux && (amd64 || arm64)

package fault_test

import (
	"bufio"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/torture/internal/fault"
	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

// Each system call fails that a store does, with each error that it can have, at each
// of its turns, once or for longer. Nothing dies or hangs, errors say what is true,
// reads go on, and so do saves when the fault is over.
func TestSyscall(t *testing.T) {
	for name, whole := range map[string]int{"journal": 0, "no journal": 0, "after a crash": 20, "large, no journal": 20} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			got := endureAll(t, rig.This(), hardship{Ways: []string{name}, Positions: rig.Tier(1, whole)})
			requireNone(t, got.problems)
			require.Greater(t, got.hits, got.runs/2)
			rig.Figures(t, began, "%d faults, %d of them met, no problem", got.runs, got.hits)
		})
	}
}

// When the file outgrows its memory map and the system gives no larger one, the same
// holds. It takes a library that maps no more than there is: else the file would have
// to have a gigabyte.
func TestSyscall_mapping(t *testing.T) {
	began := time.Now()
	got := endureAll(t, rig.Broken(t, "mapsAhead"), mappings(rig.Tier(8, 0)))
	requireNone(t, got.problems)
	require.Positive(t, got.hits)
	rig.Figures(t, began, "%d faults, %d of them met, no problem", got.runs, got.hits)
}

func mappings(positions int) hardship {
	return hardship{Ways: []string{"large, no journal", "journal"}, Calls: []string{"mmap"}, Positions: positions}
}

// Without the cure for a memory map that is lost that is found out, and so is a program
// that does not look at errors.
func TestSyscall_control(t *testing.T) {
	for name, problems := range map[string][]string{
		"remaps":   endureAll(t, rig.Broken(t, "mapsAhead,remaps"), mappings(8)).problems,
		"careless": endureAll(t, rig.This(), hardship{Ways: []string{"no journal"}, Calls: []string{"pwrite64"}, Positions: 4, Careless: true}).problems,
	} {
		require.NotEmpty(t, problems, "%s is not found out", name)
		t.Logf("%s: %d problems: %.300s", name, len(problems), problems[0])
	}
}

// requireNone shows the first problems, if there are any.
func requireNone(t *testing.T, problems []string) {
	t.Helper()
	for _, problem := range problems[:min(len(problems), 20)] {
		t.Log(problem)
	}
	require.Empty(t, len(problems), "problems")
}

// An endurance is what has come of many faults.
type endurance struct {
	runs, hits int
	problems   []string
}

// endureAll divides the faults among processes.
func endureAll(t *testing.T, binary string, h hardship) (total endurance) {
	t.Helper()
	const shards = 2
	var all sync.WaitGroup
	var mu sync.Mutex
	for shard := range shards {
		h := h
		h.Dir, h.Shard, h.Shards = rig.MemoryDir(t), shard, shards
		cmd := rig.Program(t, binary, "endure", h)
		cmd.Env = append(cmd.Env, fault.Environment...)
		all.Go(func() {
			got := enduring(cmd)
			mu.Lock()
			defer mu.Unlock()
			total.runs += got.runs
			total.hits += got.hits
			total.problems = append(total.problems, got.problems...)
		})
	}
	all.Wait()
	if len(total.problems) > 0 && strings.HasPrefix(total.problems[0], "impossible") {
		t.Skipf("skipped: needs %s", strings.TrimPrefix(total.problems[0], "impossible "))
	}
	return total
}

// patience is how long a process may take for one fault.
const patience = 20 * time.Second

// enduring runs a process until it is through, dies or hangs.
func enduring(cmd *exec.Cmd) (got endurance) {
	problem := func(format string, args ...any) {
		got.problems = append(got.problems, fmt.Sprintf(format, args...))
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		problem("start: %v", err)
		return got
	}
	timer := time.AfterFunc(patience, func() {
		_ = cmd.Process.Signal(syscall.SIGQUIT) // it says what it waits for
		time.AfterFunc(patience/10, func() { _ = cmd.Process.Kill() })
	})
	at, done := "the start", false
	for lines := bufio.NewScanner(out); lines.Scan(); timer.Reset(patience) {
		what, rest, _ := strings.Cut(lines.Text(), " ")
		switch what {
		case "begin":
			at = rest
		case "problem":
			problem("%s: %s", at, rest)
		case "impossible":
			problem("%s", lines.Text())
			done = true
		case "done":
			_, err := fmt.Sscan(rest, &got.runs, &got.hits)
			done = err == nil
		}
	}
	timer.Stop()
	if err := cmd.Wait(); err != nil || !done {
		problem("%s: it hangs or dies: %v %.4000s", at, err, &stderr)
	}
	return got
}
