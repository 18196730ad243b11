package bolt_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
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

// BenchmarkSweep removes 10,000 expired records from a file in which others live
// on, and counts the bytes written for it, on Linux. The expired ones are the
// newest, and so beside each other, or of any age. One operation is one sweep.
func BenchmarkSweep(b *testing.B) {
	const expired = 10_000
	for _, living := range []int{10_000, 100_000, 1_000_000} {
		for _, age := range []string{"the_newest", "of_any_age"} {
			b.Run(fmt.Sprintf("among_%d/%s", living, age), func(b *testing.B) {
				var bytes int64
				for range b.N {
					b.StopTimer()
					s := toSweep(b, living, expired, age == "the_newest")
					before := written()
					b.StartTimer()
					n, err := s.Sweep(context.Background(), time.Now(), 2*expired)
					b.StopTimer()
					require.NoError(b, err)
					require.Equal(b, expired, n)
					bytes += written() - before
					require.NoError(b, s.Close())
					b.StartTimer()
				}
				removed := float64(b.N) * expired
				b.ReportMetric(float64(b.Elapsed().Microseconds())/removed, "µs/record")
				b.ReportMetric(float64(bytes)/removed, "B/record")
			})
		}
	}
}

// written returns how many bytes this process has given to write calls, and 0
// where the system does not tell.
func written() (n int64) {
	text, _ := os.ReadFile("/proc/self/io")
	_, after, _ := strings.Cut(string(text), "wchar: ")
	_, _ = fmt.Sscan(after, &n)
	return n
}

// toSweep returns a store whose file has living and expired records.
func toSweep(b *testing.B, living, expired int, newest bool) *bolt.Store {
	path := filepath.Join(b.TempDir(), "sessions.db")
	s := bolt.Open(path)
	all := living + expired
	now := time.Now()
	made := make(chan store.Record, 1024)
	var clients sync.WaitGroup
	for range 64 {
		clients.Go(func() {
			for r := range made {
				if err := s.Save(context.Background(), r); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for i := range all {
		r := store.Record{Version: 1, Data: make([]byte, 250)}
		r.ID = store.NewID(now.Add(time.Duration(i-all) * time.Millisecond))
		r.Expires = now.Add(time.Hour + rand.N(14*24*time.Hour))
		if step := all / expired; newest && i >= living || !newest && i%step == 0 && i/step < expired {
			r.Expires = now.Add(-time.Minute - rand.N(time.Hour))
		}
		made <- r
	}
	close(made)
	clients.Wait()
	require.NoError(b, s.Close()) // all of it is in the file now
	s = bolt.Open(path)
	require.NoError(b, s.Err())
	runtime.GC()
	return s
}
