package load_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/bench/internal/load"
	"github.com/gimlet-go/gimlet/bench/internal/peer"
	"github.com/gimlet-go/gimlet/bench/internal/site"
)

// BenchmarkTCP is what case P8 does, for profiles: 64 connections to a server in
// this process, sessions picked by Zipf's law. One operation is one request, of
// whichever connection.
func BenchmarkTCP(b *testing.B) {
	const sessions, connections = 100_000, 64
	for _, p := range []peer.Peer{peer.Bare, peer.Gimlet} {
		b.Run(p.Name, func(b *testing.B) {
			s, err := p.Open(b.TempDir())
			require.NoError(b, err)
			defer func() { require.NoError(b, s.Close()) }()
			jar, err := load.Fill(s, sessions, site.NoteBytes)
			require.NoError(b, err)
			addr, stop, err := load.Serve(s)
			require.NoError(b, err)
			defer func() { require.NoError(b, stop()) }()
			conns, hangUp, err := load.Dials(connections, addr)
			require.NoError(b, err)
			defer hangUp()
			pick := load.Zipf(sessions)
			for _, percent := range []int{0, 10, 100} {
				b.Run(fmt.Sprintf("%d_%%_writes", percent), func(b *testing.B) {
					l := load.Load{Cookies: jar, Pick: pick, Page: site.Read, Writes: float64(percent) / 100}
					l.Duration = time.Second / 5
					_, err := load.Run(l, conns)
					require.NoError(b, err)
					b.ReportAllocs()
					b.ResetTimer()
					var sent atomic.Int64
					l.Duration, l.While = 0, func() bool { return sent.Add(1) < int64(b.N) }
					_, err = load.Run(l, conns)
					require.NoError(b, err)
				})
			}
		})
	}
}
