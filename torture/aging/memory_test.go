package aging_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store/bolt"
	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

const (
	heldCache   = 16 << 20
	heldAtMost  = heldCache + 32<<20
	heldSession = 2 << 10
)

// A holding is the settings of the program hold.
type holding struct {
	Path     string
	Sessions int
	Hoard    bool // it keeps all in memory
}

// hold begins many sessions, reads them at random, lists and sweeps, and says how much
// memory of its own it had at most.
func hold(args []string) error {
	var h holding
	if err := json.Unmarshal([]byte(args[0]), &h); err != nil {
		return err
	}
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		return err // until it is in its group
	}
	m, err := gimlet.New(bolt.Open(h.Path, bolt.WithJournal(4<<20)), gimlet.WithCache(heldCache), gimlet.WithCompression(gimlet.CompressionNone))
	if err != nil {
		return err
	}
	ctx := context.Background()
	const part = 2000
	var tokens [5 * part]string // of the newest
	var hoard [][]byte
	var failed error
	most := 0
	measure := func() {
		n, err := ownMemory()
		if err != nil {
			failed = err
		}
		most = max(most, n)
	}
	for from := 0; from < h.Sessions; from += part {
		rig.Each(min(part, h.Sessions-from), func(i int) error {
			s := m.Begin(ctx)
			s.Set("data", randomBytes())
			if err := s.Commit(ctx); err != nil {
				return err
			}
			token, err := s.Token()
			tokens[(from+i)%len(tokens)] = token
			return err
		}, func(err error) { failed = err })
		for range part {
			s, err := m.Load(ctx, tokens[rand.IntN(min(from+part, h.Sessions, len(tokens)))])
			if err != nil {
				return err
			}
			b, _ := s.Get("data").([]byte)
			if h.Hoard {
				hoard = append(hoard, b)
			}
		}
		measure()
	}
	for _, err := range m.Sessions(ctx, "") {
		if err != nil {
			return err
		}
	}
	measure()
	fmt.Println(most, len(hoard))
	if err := m.Close(); err != nil {
		return err
	}
	return failed
}

func randomBytes() []byte {
	b := make([]byte, heldSession)
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	return b
}

// ownMemory returns how many bytes the process has that are no file's.
func ownMemory() (int, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(status), "RssAnon:")
	var n int
	_, err = fmt.Sscanf(rest, "%d kB", &n)
	return n << 10, err
}

// A program with many sessions and little memory stays within it.
func TestMemory(t *testing.T) {
	began := time.Now()
	n := rig.Tier(8000, 100_000)
	most, group, err := held(t, holding{Path: filepath.Join(t.TempDir(), "sessions.db"), Sessions: n})
	require.NoError(t, err)
	require.LessOrEqual(t, most, heldAtMost)
	rig.Figures(t, began, "%d sessions of %d bytes, a cache of %d MiB, %s: at most %d MiB of its own", n, heldSession, heldCache>>20, group, most>>20)
}

// A program that keeps what it has read is found out.
func TestMemory_control(t *testing.T) {
	most, _, err := held(t, holding{Path: filepath.Join(t.TempDir(), "sessions.db"), Sessions: 25_000, Hoard: true})
	require.True(t, err != nil || most > heldAtMost, "it has %d bytes", most)
}

// held runs the program hold, in a control group with 64 MiB where that can be had.
func held(t *testing.T, h holding) (most int, group string, err error) {
	t.Helper()
	if _, err := ownMemory(); err != nil {
		t.Skipf("skipped: needs /proc/self/status: %v", err)
	}
	cmd := rig.Program(t, rig.This(), "hold", h)
	cmd.Env = append(cmd.Env, "GOMEMLIMIT=40MiB")
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	group = confine(t, cmd.Process.Pid, 64<<20)
	_, err = fmt.Fprintln(in)
	require.NoError(t, err)
	if err := cmd.Wait(); err != nil {
		return 0, group, fmt.Errorf("%w: %s", err, &stderr)
	}
	_, err = fmt.Sscan(out.String(), &most)
	return most, group, err
}

// confine puts a process into a control group of its own with so much memory, if it may,
// and says whether it did.
func confine(t *testing.T, pid int, bytes int) string {
	t.Helper()
	for parent, limit := range map[string]string{
		"/sys/fs/cgroup/memory": "memory.limit_in_bytes",
		"/sys/fs/cgroup":        "memory.max",
	} {
		dir, err := os.MkdirTemp(parent, "gimlet-torture-*")
		if err != nil {
			continue
		}
		err = os.WriteFile(filepath.Join(dir, limit), fmt.Append(nil, bytes), 0)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "cgroup.procs"), fmt.Append(nil, pid), 0)
		}
		t.Cleanup(func() { _ = os.Remove(dir) })
		if err == nil {
			return fmt.Sprintf("in a control group of %d MiB", bytes>>20)
		}
	}
	return "without a control group"
}
