package bolt_test

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"
)

// TestMain runs one of the programs that tests start as another process, or
// the tests, after which no goroutine may be left.
func TestMain(m *testing.M) {
	if name := os.Getenv(programEnv); name != "" {
		programs[name](os.Args[1:])
		os.Exit(0)
	}
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
