package load

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/gimlet-go/gimlet/bench/internal/peer"
	"github.com/gimlet-go/gimlet/bench/internal/site"
	"github.com/gimlet-go/gimlet/bench/internal/stat"
)

// Cookies are the Cookie headers of the sessions that requests are made for.
// Get must be safe for concurrent use.
type Cookies interface {
	Len() int
	Get(i int) string
}

// A Load says what clients do.
type Load struct {
	Cookies  Cookies
	Pick     Pick
	Page     site.Page // what is fetched
	Writes   float64   // the share of requests that fetch [site.Write] instead
	Duration time.Duration
	While    func() bool // if set, clients also go on for as long as it returns true
}

// A Result is what clients have seen.
type Result struct {
	Requests uint64
	Elapsed  time.Duration
	Latency  stat.Histogram
	Seconds  []uint64 // requests that ended in each second; the last has the rest
}

// Rate returns requests per second.
func (r *Result) Rate() float64 { return float64(r.Requests) / r.Elapsed.Seconds() }

// SlowestSecond returns the rate of the slowest whole second. When there was
// none it is the rate of all.
func (r *Result) SlowestSecond() float64 {
	whole := int(r.Elapsed / time.Second)
	if whole == 0 || whole > len(r.Seconds) {
		return r.Rate()
	}
	least := r.Seconds[0]
	for _, n := range r.Seconds[:whole] {
		least = min(least, n)
	}
	return float64(least)
}

// Run lets one client for each caller send requests until the load is done. A
// client ends at its first error, which Run returns when all have ended.
func Run(l Load, callers []Caller) (*Result, error) {
	clients := make([]client, len(callers))
	for i, caller := range callers {
		random := rand.New(rand.NewPCG(uint64(i), 2))
		clients[i] = client{load: &l, caller: caller, random: random, picker: l.Pick.picker(random)}
	}
	var wait sync.WaitGroup
	start := time.Now()
	for i := range clients {
		wait.Go(func() { clients[i].run(start) })
	}
	wait.Wait()
	r := &Result{Elapsed: time.Since(start), Seconds: make([]uint64, int(l.Duration/time.Second)+1)}
	for i := range clients {
		if err := clients[i].err; err != nil {
			return nil, err
		}
		r.Latency.Add(&clients[i].latency)
		for s, n := range clients[i].seconds {
			r.Seconds[s] += n
		}
	}
	r.Requests = r.Latency.Count()
	return r, nil
}

type client struct {
	load    *Load
	caller  Caller
	random  *rand.Rand
	picker  *picker
	latency stat.Histogram
	seconds []uint64
	err     error
}

func (c *client) run(start time.Time) {
	l := c.load
	c.seconds = make([]uint64, int(l.Duration/time.Second)+1)
	last := time.Now()
	for {
		page := l.Page
		if l.Writes > 0 && c.random.Float64() < l.Writes {
			page = site.Write
		}
		if err := c.caller.Call(string(page), l.Cookies.Get(c.picker.next())); err != nil {
			c.err = err
			return
		}
		now := time.Now()
		c.latency.Record(now.Sub(last))
		last = now
		passed := now.Sub(start)
		c.seconds[min(int(passed/time.Second), len(c.seconds)-1)]++
		if passed >= l.Duration && (l.While == nil || !l.While()) {
			return
		}
	}
}

// Locals returns n callers of a server in this process.
func Locals(n int, s *peer.Server) []Caller {
	all := make([]Caller, n)
	for i := range all {
		all[i] = Local(s)
	}
	return all
}

// Dials returns n connections to a server, and what closes them.
func Dials(n int, addr string) (all []Caller, closeAll func(), err error) {
	var conns []*Conn
	closeAll = func() {
		for _, c := range conns {
			_ = c.Close() // everything has been read
		}
	}
	for range n {
		c, err := Dial(addr)
		if err != nil {
			closeAll()
			return nil, nil, fmt.Errorf("load: %w", err)
		}
		conns = append(conns, c)
		all = append(all, c)
	}
	return all, closeAll, nil
}
