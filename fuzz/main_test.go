package fuzz_test

import (
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"testing"
	"time"
)

// TestMain keeps the log of damaged records quiet, and sees that no goroutine
// outlives the tests.
func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.NewTextHandler(io.Discard, nil)))
	before := runtime.NumGoroutine()
	code := m.Run()
	// Fuzzing starts goroutines of its own.
	if fuzzing := flag.Lookup("test.fuzz").Value.String() != ""; code == 0 && !fuzzing && leaked(before) {
		code = 1
	}
	os.Exit(code)
}

// leaked gives goroutines that are about to end the time to do so.
func leaked(before int) bool {
	for deadline := time.Now().Add(2 * time.Second); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(deadline) {
			buf := make([]byte, 1<<20)
			fmt.Printf("goroutines are left:\n%s\n", buf[:runtime.Stack(buf, true)])
			return true
		}
	}
	return false
}
