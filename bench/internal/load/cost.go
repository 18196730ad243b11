package load

import (
	"runtime"
	"time"

	"github.com/gimlet-go/gimlet/bench/internal/machine"
	"github.com/gimlet-go/gimlet/bench/internal/site"
)

// A Cost is what one request takes from the process, that is the handler and
// everything it sets in motion, garbage collection included.
type Cost struct {
	Wall   float64 // ns
	CPU    float64 // ns of processor time; Wall where the system does not tell
	Allocs float64
}

// Measure sends requests for one page after the other, over all cookies in
// turn, until at least the duration has passed.
func Measure(caller Caller, page site.Page, cookies Cookies, d time.Duration) (Cost, error) {
	// The headers are made before, so that their allocations do not count.
	headers := make([]string, min(cookies.Len(), 1024))
	for i := range headers {
		headers[i] = cookies.Get(i)
	}
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpu, known := machine.CPUTime()
	start := time.Now()
	const batch = 16 // between two looks at the clock
	n := 0
	for time.Since(start) < d {
		for range batch {
			if err := caller.Call(string(page), headers[n%len(headers)]); err != nil {
				return Cost{}, err
			}
			n++
		}
	}
	wall := time.Since(start)
	used := wall
	if now, ok := machine.CPUTime(); ok && known {
		used = now - cpu
	}
	runtime.ReadMemStats(&after)
	return Cost{
		Wall:   float64(wall) / float64(n),
		CPU:    float64(used) / float64(n),
		Allocs: float64(after.Mallocs-before.Mallocs) / float64(n),
	}, nil
}
