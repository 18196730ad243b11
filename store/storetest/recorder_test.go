package storetest

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/gimlet-go/gimlet/store"
)

// A recorder is a tester that notes failures instead of failing the test
// that it runs in.
type recorder struct {
	ctx      context.Context
	mu       sync.Mutex
	failures []string
	cleanups []func()
}

// failures runs c on the stores that open returns, as Run would, and returns
// how it failed.
func failures(t *testing.T, c testCase, open func() store.Store) []string {
	var found []string
	run := func(*testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		rec := &recorder{ctx: ctx}
		rec.do(func() { c.run(rec, func() store.Store { return closing(rec, open()) }) })
		cancel()
		for _, cleanup := range slices.Backward(rec.cleanups) {
			rec.do(cleanup)
		}
		found = rec.failures
	}
	if c.bubble {
		synctest.Test(t, run)
	} else {
		run(t)
	}
	return found
}

// do runs f to its end, which FailNow and a panic bring about early.
func (r *recorder) do(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if v := recover(); v != nil {
				r.Errorf("panic: %v\n%s", v, debug.Stack())
			}
		}()
		f()
	}()
	<-done
}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func (r *recorder) FailNow()                 { runtime.Goexit() }
func (r *recorder) Helper()                  {}
func (r *recorder) Cleanup(f func())         { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Context() context.Context { return r.ctx }
