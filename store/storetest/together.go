package storetest

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"time"
)

// patience is how long a store may take for what should take milliseconds,
// before a case calls it hung. It is a variable for the suite's own tests.
var patience = time.Minute

// together runs f(0) to f(n-1) at the same time and returns their errors
// joined, or says that they hang.
func together(n int, f func(i int) error) error {
	return within(func() error { return atOnce(n, f) })
}

// atOnce is together without an end to its patience.
func atOnce(n int, f func(i int) error) error {
	errs := make([]error, n)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			defer catch(&errs[i])
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	all.Wait()
	return errors.Join(errs...)
}

// catch makes a panic an error: one that is not caught in its goroutine would
// end all tests, without a word about the case.
func catch(err *error) {
	if v := recover(); v != nil {
		*err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
	}
}

// until calls f again and again until done is closed or f fails. It yields in
// between, so that on one processor it does not keep the others waiting.
func until(done <-chan struct{}, f func() error) error {
	for {
		select {
		case <-done:
			return nil
		default:
			if err := f(); err != nil {
				return err
			}
			runtime.Gosched()
		}
	}
}

// within runs f and returns its error, or says that it hangs.
func within(f func() error) error {
	done := make(chan error, 1)
	go func() {
		var err error
		defer func() { done <- err }()
		defer catch(&err)
		err = f()
	}()
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case err := <-done:
		return err
	case <-late.C:
		return fmt.Errorf("hangs: not done after %v", patience)
	}
}
