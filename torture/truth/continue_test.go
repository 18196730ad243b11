package truth_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/cache"
	"github.com/gimlet-go/gimlet/compress"
	"github.com/gimlet-go/gimlet/store/bolt"
	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

// A meeting is the settings of the program meet.
type meeting struct {
	Path    string
	Journal int64
	First   int // the number of its first client
}

// A line is what the program meet writes: of what was asked, before it is done, and
// then of what was told.
type line struct {
	N      int
	Client int   `json:",omitempty"`
	Ask    *ask  `json:",omitempty"`
	Told   *told `json:",omitempty"`
}

// meet has clients use a store for ever, and writes down what happens.
func meet(args []string) error {
	var m meeting
	if err := json.Unmarshal([]byte(args[0]), &m); err != nil {
		return err
	}
	zstd, err := compress.New(bolt.Open(m.Path, bolt.WithJournal(m.Journal)))
	if err != nil {
		return err
	}
	s, err := cache.New(zstd, 1<<20)
	if err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // until the parent is gone
		os.Exit(0)
	}()
	for {
		(&crowd{store: s, notes: &writer{to: os.Stdout}, lasting: true, first: m.First}).use(1e9)
	}
}

// A writer writes down what happens, at once: it is to be there when the process is
// killed.
type writer struct {
	mu sync.Mutex
	n  int
	to io.Writer
}

func (w *writer) asked(client int, a ask) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.n++
	w.write(line{N: w.n, Client: client, Ask: &a})
	return w.n
}

func (w *writer) told(n int, r told) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.write(line{N: n, Told: &r})
}

func (w *writer) write(l line) {
	b, err := json.Marshal(l)
	if err == nil {
		_, err = w.to.Write(append(b, '\n'))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// A process is killed and another one goes on, again and again. What all of them were told
// has one order, in which what a kill has interrupted happened or not.
func TestLinearizable_killed(t *testing.T) {
	began := time.Now()
	operations, open, kills := 0, 0, 0
	for n := range rig.Tier(2, 20) {
		ops, unsure := killedHistory(t, int64(n%2)<<20, rig.Tier(4, 20), rig.Tier(1000, 3000))
		if verdict := judge[recordState](ops); verdict != porcupine.Ok {
			require.Equal(t, porcupine.Ok, verdict, "journal %v: %s", n%2 == 1, firstIllegal[recordState](ops))
		}
		operations, open, kills = operations+len(ops), open+unsure, kills+rig.Tier(4, 20)
	}
	rig.Figures(t, began, "%d kills, %d operations of %d clients, %d of them with an unknown end, an order found for all",
		kills, operations, clients, open)
	require.GreaterOrEqual(t, open, kills)
}

// killedHistory has processes use the same store one after the other, until each is killed
// after about a number of operations.
func killedHistory(t *testing.T, journal int64, processes, each int) (ops []porcupine.Operation, open int) {
	t.Helper()
	var h history
	m := meeting{Path: filepath.Join(rig.MemoryDir(t), "sessions.db"), Journal: journal, First: 1}
	for range processes {
		h.follow(t, m, each/2+rand.IntN(each))
		m.First += clients
	}
	return h.operations()
}

// follow takes note of what a process writes down, and kills it after n lines of it.
func (h *history) follow(t *testing.T, m meeting, n int) {
	t.Helper()
	cmd := rig.Program(t, rig.This(), "meet", m)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	_, err := cmd.StdinPipe() // ends with this process
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	numbers := map[int]int{} // of the process, and here
	lines := bufio.NewScanner(out)
	for ; lines.Scan(); n-- {
		if n == 0 {
			require.NoError(t, cmd.Process.Kill())
		}
		var l line
		if json.Unmarshal(lines.Bytes(), &l) != nil {
			continue // it was cut off
		}
		if l.Ask != nil {
			numbers[l.N] = h.asked(l.Client, *l.Ask)
		} else {
			h.told(numbers[l.N], *l.Told)
		}
	}
	_ = cmd.Wait()
	h.kill()
	require.Empty(t, stderr.String())
	require.LessOrEqual(t, n, 0)
}

// A journal that is thrown away after a kill is found out: then what was told has no
// order.
func TestLinearizable_killed_control(t *testing.T) {
	for range 20 {
		var h history
		m := meeting{Path: filepath.Join(rig.MemoryDir(t), "sessions.db"), Journal: 1 << 20, First: 1}
		before := forgetful(t, m, &h)
		require.NoError(t, os.WriteFile(m.Path, before, 0o600))
		require.NoError(t, os.RemoveAll(m.Path+"-journal"))
		m.First += clients
		h.follow(t, m, 500)
		if ops, _ := h.operations(); judge[recordState](ops) == porcupine.Illegal {
			return
		}
	}
	require.Fail(t, "a store that goes back in time passes")
}

// forgetful has two processes use a store, and returns what the file was in between.
func forgetful(t *testing.T, m meeting, h *history) []byte {
	t.Helper()
	m.Journal = 0
	h.follow(t, m, 200)
	before, err := os.ReadFile(m.Path)
	require.NoError(t, err)
	m.First += 100 * clients
	h.follow(t, m, 500)
	return before
}
