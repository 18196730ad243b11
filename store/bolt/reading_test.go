package bolt_test

import (
	"context"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"github.com/gimlet-go/gimlet/store/bolt"
)

// A commit that needs a larger memory map waits for all readers, and readers that come
// later for the commit. When one of the first meets damage the others do not wait for ever.
func TestReading_damageWhileACommitWaits(t *testing.T) {
	db, err := bbolt.Open(write(t, nil), 0o600, nil)
	require.NoError(t, err)
	s, err := bolt.New(db)
	require.NoError(t, err)
	r := newRecord("alice", "kept")
	save(t, s, r)
	inside, free, ended := make(chan struct{}), make(chan struct{}), make(chan error, 4)
	go func() {
		ended <- s.ReadWhile(func() {
			close(inside)
			<-free
			panic("a damaged page")
		})
	}()
	<-inside
	go func() { ended <- s.Save(context.Background(), newRecord("", strings.Repeat("large", 20<<10))) }()
	for !bolt.WaitsToMap(db) {
		runtime.Gosched()
	}
	for range 2 {
		go func() {
			_, err := s.Load(context.Background(), r.ID)
			ended <- err
		}()
	}
	for !s.Begins() {
		runtime.Gosched()
	}
	close(free)
	for range 4 {
		select {
		case err := <-ended:
			require.ErrorIs(t, err, bolt.ErrDamaged)
		case <-time.After(10 * time.Second):
			t.Fatal("a call does not return")
		}
	}
	require.NoError(t, s.Close())
	require.NoError(t, db.Close())
}

// A reader whose file is cut off before another begins ends as well.
func TestReading_damageWhileAnotherBegins(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("an open file cannot be cut off")
	}
	s := bolt.Open(write(t, sample(t)))
	require.NoError(t, s.Err())
	inside, free, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- s.ReadWhile(func() {
			close(inside)
			<-free
		})
	}()
	<-inside
	require.NoError(t, os.Truncate(s.Path(), 0))
	_, err := s.Load(t.Context(), newRecord("", "").ID)
	require.ErrorIs(t, err, bolt.ErrDamaged)
	close(free)
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Fatal("the first reader does not return")
	}
	_, err = s.Load(t.Context(), newRecord("", "").ID)
	require.ErrorIs(t, err, bolt.ErrDamaged)
	require.NoError(t, s.Close())
}
