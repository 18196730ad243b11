package bolt_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
)

// When the file is cut off while many use it, all of them get an error, and Close
// returns and gives up the lock. What bbolt holds then is lost with the store, the
// goroutines that wait for it too, so this is tried in another process.
func TestFileCutOffWhileBusy(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("an open file cannot be cut off")
	}
	path := filepath.Join(memoryDir(t), "sessions.db")
	require.NoError(t, os.WriteFile(path, sample(t), 0o600))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], path)
	cmd.Env = append(os.Environ(), programEnv+"=cut off")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Equal(t, "done\n", string(out))
}

// cutOffProgram cuts off a copy of the file again and again.
func cutOffProgram(args []string) {
	whole, err := os.ReadFile(args[0])
	for round := 0; err == nil && round < 15; round++ {
		if err = os.WriteFile(args[0], whole, 0o600); err == nil {
			err = cutOff(args[0], int64(round%3)*int64(os.Getpagesize()))
		}
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("done")
}

// cutOff cuts the file off after size bytes, while it is read and written.
func cutOff(path string, size int64) error {
	s := bolt.Open(path)
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
	began := time.Now()
	_ = s.Close()
	if took := time.Since(began); took > 3*time.Second {
		return fmt.Errorf("Close took %v", took)
	}
	for _, err := range errs {
		if !errors.Is(err, bolt.ErrDamaged) {
			return err
		}
	}
	if s = bolt.Open(path); errors.Is(s.Err(), bolt.ErrLocked) {
		return s.Err()
	}
	_ = s.Close()
	return nil
}
