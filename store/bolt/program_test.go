package bolt_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
)

const programEnv = "BOLT_TEST_PROGRAM"

// programs are what the tests start as another process, by running this test
// binary again.
var programs = map[string]func(args []string){
	"hold":    holdProgram,
	"save":    saveProgram,
	"change":  changeProgram,
	"trust":   trustProgram,
	"cut off": cutOffProgram,
	"late":    lateProgram,
}

// start starts a program. It is killed when the test ends, if not before.
func start(t *testing.T, name string, args ...string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), programEnv+"="+name)
	cmd.Stderr = os.Stderr
	_, err := cmd.StdinPipe() // ends with this process
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { kill(cmd) })
	return cmd, bufio.NewScanner(out)
}

func kill(cmd *exec.Cmd) {
	if cmd.ProcessState == nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
}

// holdProgram opens the store and says so, until its input ends.
func holdProgram(args []string) {
	s := bolt.Open(args[0], bolt.WithLockTimeout(100*time.Millisecond))
	fmt.Println(s.Err())
	_, _ = io.Copy(io.Discard, os.Stdin)
	_ = s.Close()
}

// saveProgram saves from several goroutines for ever, and reports each save once
// it is acknowledged.
func saveProgram(args []string) {
	s := bolt.Open(args[0])
	ctx := context.Background()
	acks := make(chan store.Record)
	for range 8 {
		go func() {
			for {
				r := newRecord("alice", "1")
				for ; r.Version <= 5; r.Version++ {
					r.Data = fmt.Appendf(nil, "version %d of %s", r.Version, r.ID)
					if err := s.Save(ctx, r); err != nil {
						fmt.Println(err)
						os.Exit(1)
					}
					acks <- r
				}
			}
		}()
	}
	for r := range acks {
		fmt.Println(r.ID, r.Version)
	}
}

// TestKill kills a process that saves, again and again. Every save that it has
// acknowledged must be there, and the file must be sound.
func TestKill(t *testing.T) {
	path := t.TempDir() + "/sessions.db"
	acknowledged := map[store.ID]uint64{}
	for range 5 {
		cmd, lines := start(t, "save", path)
		for n := 0; n < 300 && lines.Scan(); n++ {
			var id string
			var version uint64
			_, err := fmt.Sscan(lines.Text(), &id, &version)
			require.NoError(t, err, lines.Text())
			key, err := store.ParseID(id)
			require.NoError(t, err)
			acknowledged[key] = max(acknowledged[key], version)
		}
		kill(cmd)
		verify(t, path)
		s := bolt.Open(path)
		require.NoError(t, s.Err())
		for id, version := range acknowledged {
			r, err := s.Load(t.Context(), id)
			require.NoError(t, err)
			require.GreaterOrEqual(t, r.Version, version)
			require.Equal(t, fmt.Sprintf("version %d of %s", r.Version, id), string(r.Data))
		}
		require.NoError(t, s.Close())
	}
	require.Greater(t, len(acknowledged), 100)
}

func TestLock(t *testing.T) {
	path := t.TempDir() + "/sessions.db"
	t.Run("the same process", func(t *testing.T) {
		s := openAt(t, path)
		began := time.Now()
		other := bolt.Open(path, bolt.WithLockTimeout(time.Minute))
		require.ErrorIs(t, other.Err(), bolt.ErrLocked)
		require.ErrorContains(t, other.Err(), path+": in use by another store of this process")
		require.Less(t, time.Since(began), time.Second)
		save(t, s, newRecord("", ""))
	})
	t.Run("another process", func(t *testing.T) {
		cmd, lines := start(t, "hold", path)
		require.True(t, lines.Scan())
		require.Equal(t, "<nil>", lines.Text())
		s := bolt.Open(path, bolt.WithLockTimeout(50*time.Millisecond))
		require.ErrorIs(t, s.Err(), bolt.ErrLocked)
		require.ErrorContains(t, s.Err(), path+": in use by another process (waited 50ms)")
		kill(cmd)
		openAt(t, path)
	})
	t.Run("is given up in time", func(t *testing.T) {
		s := bolt.Open(path)
		require.NoError(t, s.Err())
		closed, next := make(chan error), make(chan *bolt.Store)
		release := s.Hold()
		go func() { closed <- s.Close() }()
		for !s.Closing() {
			runtime.Gosched()
		}
		go func() { next <- bolt.Open(path) }()
		release()
		require.NoError(t, <-closed)
		s = <-next
		require.NoError(t, s.Err())
		require.NoError(t, s.Close())
	})
}
