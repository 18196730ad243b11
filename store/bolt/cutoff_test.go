package bolt_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
)

// When the file is cut off while many use it, all of them get an error, and Close
// returns and gives up the lock; in few rounds, of which TestFileCutOff_whileWriting is
// one that is certain, it returns at its bound and does not. What bbolt holds then is lost
// with the store, the goroutines that wait for it too, so this is tried in another process.
func TestFileCutOffWhileBusy(t *testing.T) { requireDone(t, "cut off") }

// A commit that has not ended may write to whatever is in the file next, so Close ends at
// its bound and keeps the lock, even if the commit waits for bbolt's lock that a reader
// took with it when it met the damage.
func TestFileCutOff_whileWriting(t *testing.T) { requireDone(t, "late") }

// requireDone runs a program with a file of its own.
func requireDone(t *testing.T, program string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("an open file cannot be cut off")
	}
	path := filepath.Join(memoryDir(t), "sessions.db")
	require.NoError(t, os.WriteFile(path, sample(t), 0o600))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], path)
	cmd.Env = append(os.Environ(), programEnv+"="+program)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Equal(t, "done\n", string(out))
}

// done ends a program.
func done(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("done")
}

// cutOffProgram cuts off copies of the file.
func cutOffProgram(args []string) {
	whole, err := os.ReadFile(args[0])
	stuck := 0
	for round := 0; err == nil && round < 15; round++ {
		path := fmt.Sprint(args[0], round)
		if err = os.WriteFile(path, whole, 0o600); err == nil {
			err = cutOff(path, int64(round%3)*int64(os.Getpagesize()))
		}
		if errors.Is(err, bolt.ErrStuck) && stuck < 5 {
			stuck, err = stuck+1, nil
		}
	}
	done(err)
}

// cutOff cuts the file off after size bytes, while it is read and written.
func cutOff(path string, size int64) error {
	s := bolt.Open(path, bolt.WithCloseTimeout(time.Second))
	if s.Err() != nil {
		return s.Err()
	}
	ctx := context.Background()
	calls := make([]func() error, 8)
	for i := range calls {
		calls[i] = func() error { _, err := s.Load(ctx, store.ID{byte(i), byte(time.Now().UnixNano())}); return err }
	}
	calls[0] = func() error { return s.Save(ctx, newRecord("alice", "new")) }
	calls[1] = func() error {
		for _, err := range s.List(ctx, "") {
			if err != nil {
				return err
			}
		}
		return nil
	}
	errs, ended := make([]error, len(calls)), make(chan struct{})
	var busy sync.WaitGroup
	for i, call := range calls {
		busy.Go(func() {
			for errs[i] == nil || errors.Is(errs[i], store.ErrNotFound) {
				errs[i] = call()
			}
		})
	}
	go func() { busy.Wait(); close(ended) }()
	for s.Stats().Reads < 100 {
		runtime.Gosched()
	}
	if err := os.Truncate(path, size); err != nil {
		return err
	}
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		return errors.New("a call does not return")
	}
	for _, err := range errs {
		if !errors.Is(err, bolt.ErrDamaged) {
			return err
		}
	}
	return closeDamaged(s)
}

// closeDamaged returns what Close does, if that is right.
func closeDamaged(s *bolt.Store) error {
	began := time.Now()
	closed := s.Close()
	if took := time.Since(began); took > 4*time.Second {
		return fmt.Errorf("Close took %v", took)
	}
	next := bolt.Open(s.Path(), bolt.WithLockTimeout(50*time.Millisecond))
	defer next.Close()
	if locked := errors.Is(next.Err(), bolt.ErrLocked); locked != errors.Is(closed, bolt.ErrStuck) {
		return fmt.Errorf("locked is %t, and Close returned: %v", locked, closed)
	}
	return closed
}

// lateProgram damages the file, and reads it, during a commit.
func lateProgram(args []string) {
	s := bolt.Open(args[0], bolt.WithJournal(0), bolt.WithCloseTimeout(time.Second))
	ctx := context.Background()
	read := make(chan error, 1)
	var once sync.Once
	s.HookWrites(func(_ int64, next func() (int, error)) (int, error) {
		once.Do(func() {
			err := os.Truncate(args[0], 0)
			if err == nil {
				_, err = s.Load(ctx, store.NewID(time.Now()))
			}
			read <- err
		})
		return next()
	})
	err := s.Save(ctx, newRecord("alice", "late"))
	if loaded := <-read; !errors.Is(loaded, bolt.ErrDamaged) || !errors.Is(err, bolt.ErrDamaged) {
		done(fmt.Errorf("saved: %w, loaded: %w", err, loaded))
	}
	err = closeDamaged(s)
	if !errors.Is(err, bolt.ErrStuck) || !errors.Is(err, bolt.ErrDamaged) ||
		!strings.Contains(err.Error(), "what was under way when the store failed does not end (waited 1s)") {
		done(fmt.Errorf("Close returned: %w", err))
	}
	done(nil)
}
