// Package storetest is the contract of package store as a test suite, and as
// benchmarks that compare stores.
//
// Whoever writes a store, or wraps one, has one test:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) store.Store {
//			return mystore.Open(filepath.Join(t.TempDir(), "sessions"))
//		})
//	}
//
// A store that keeps its records beyond the process has [RunDurable] besides.
// Every case carries the sentence of the contract that it tests, and prints
// it when it fails. What no suite can know is left to the store's own tests:
// damaged files, crashes, and how its cost grows, which [Bench] shows.
//
// # Time
//
// Cases about time run inside a bubble of package testing/synctest, where
// hours pass in no time. The store is opened and closed inside the bubble.
// So a store must take its time from package time, start no goroutine
// that outlives Close, and keep channels, timers and wait groups to itself
// instead of sharing them between stores through package variables.
package storetest

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
)

// Run tests the stores that open returns against the contract of
// [store.Store]. Each case is a subtest with new, empty stores of its own; the
// suite closes them.
//
// open must report its failures on the t that it is given, and may call
// t.Cleanup and t.TempDir; it must not call t.Run, t.Parallel or t.Deadline,
// for t may be that of a bubble.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	runCases(t, contract(), func(t *testing.T) func() store.Store {
		return func() store.Store { return open(t) }
	})
}

// runCases runs each case as a subtest. opener makes, with the t of the case,
// the function by which the case opens its stores.
func runCases(t *testing.T, cases []testCase, opener func(t *testing.T) func() store.Store) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Cleanup(func() {
				if t.Failed() {
					t.Logf("the rule: %s", c.rule)
				}
			})
			run := func(t *testing.T) {
				open := opener(t)
				c.run(t, func() store.Store { return closing(t, open()) })
			}
			if c.bubble {
				synctest.Test(t, run)
			} else {
				run(t)
			}
		})
	}
}

// closing makes the end of the case close s, twice.
func closing(t tester, s store.Store) store.Store {
	t.Cleanup(func() {
		require.NoError(t, within(s.Close), "Close at the end of the case")
		require.NoError(t, within(s.Close), "a second Close")
	})
	return s
}

// A testCase is one rule of the contract and its test.
type testCase struct {
	name   string
	rule   string // in words, printed when the case fails
	bubble bool   // whether it runs in a synctest bubble
	run    func(t tester, open func() store.Store)
}

// contract returns the cases of [Run].
func contract() []testCase {
	return slices.Concat(
		loadCases, saveCases, bytesCases, deleteCases, touchCases, expiryCases,
		ownerCases, listCases, sweepCases, contextCases, closeCases,
		concurrentCases, modelCases,
	)
}

// A tester is what a case needs of [*testing.T], so that the suite's own
// tests can watch a case fail.
type tester interface {
	require.TestingT
	Helper()
	Cleanup(func())
	Context() context.Context
}
