package cases

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gimlet-go/gimlet/bench/internal/load"
	"github.com/gimlet-go/gimlet/bench/internal/peer"
	"github.com/gimlet-go/gimlet/bench/internal/report"
	"github.com/gimlet-go/gimlet/bench/internal/site"
	"github.com/gimlet-go/gimlet/bench/internal/stat"
)

// bystanders is how many clients send requests while a sweep runs, few enough
// that what they wait for is the sweep and not each other.
const bystanders = 8

func sweep(b *Bench, c *report.Case) error {
	c.X = "sessions"
	c.Columns = []report.Column{
		{Key: "ms", Title: "sweep", Unit: "ms"},
		{Key: "each", Title: "for each removed", Unit: "µs"},
		{Key: "none", Title: "sweep that finds nothing", Unit: "ms"},
		{Key: "max", Title: "longest wait meanwhile", Unit: "ms"},
		{Key: "quiet", Title: "longest wait without a sweep", Unit: "ms"},
	}
	c.How = fmt.Sprintf("%s sessions are created that end after %v; when they have, they are swept, while %d clients in the process send reads and writes (90/10) of the living sessions. Before that, the same requests without a sweep, for %v at least. %d turns, of which a turn has one sweep among few and one among many sessions.",
		report.Number(float64(b.scale.Expired)), b.scale.Life, bystanders, b.scale.Disturbed, b.scale.Turns)
	sizes := []int{b.scale.Few, b.scale.Many}
	var each []func() error
	for _, sessions := range sizes {
		for _, p := range gimlets(peer.SCSBolt) {
			each = append(each, func() error { return b.sweepOnce(c, p, sessions) })
		}
	}
	if err := b.turns(b.scale.Turns, each...); err != nil {
		return err
	}
	few, all := c.Row(peer.Gimlet.Name, float64(sizes[0])), c.Row(peer.Gimlet.Name, float64(sizes[1]))
	c.AtMost(fmt.Sprintf("a removed session costs at most 3 times as much among %s as among %s", report.Number(all.X), report.Number(few.X)),
		stat.Ratios(all.Values["each"], few.Values["each"]), 3, "times")
	c.AtMost("no request waits more than 10 ms for it: the longest wait grows by", stat.Differences(all.Values["max"], all.Values["quiet"]), 10, "ms")
	c.Note("scs's clean-up reads all sessions and deletes in one transaction.")
	return nil
}

func (b *Bench) sweepOnce(c *report.Case, p peer.Peer, sessions int) error {
	all, closeAll, err := b.enter(c, float64(sessions), sessions, site.NoteBytes, p)
	if err != nil {
		return err
	}
	return errors.Join(b.sweepOf(all[0]), closeAll())
}

func (b *Bench) sweepOf(e *entrant) error {
	_, err := load.FillWith(e.server, b.scale.Expired, func(i int) string {
		return site.ShortQuery(i, site.NoteBytes, b.scale.Life)
	})
	if err != nil {
		return err
	}
	ended := time.Now().Add(b.scale.Life)
	quiet, _, err := b.bystand(e, max(b.scale.Disturbed, time.Until(ended)), func() error { return nil })
	if err != nil {
		return err
	}
	disturbed, took, err := b.bystand(e, b.scale.Disturbed, e.server.Expire)
	if err != nil {
		return err
	}
	start := time.Now()
	if err := e.server.Expire(); err != nil {
		return err
	}
	e.row.Add("none", millis(time.Since(start)))
	e.row.Add("ms", millis(took))
	e.row.Add("each", micros(took)/float64(b.scale.Expired))
	e.row.Add("max", millis(disturbed))
	e.row.Add("quiet", millis(quiet))
	return nil
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// bystand sends requests for a while, calls f a tenth of that time later, goes
// on at least until f is done, and returns the longest wait of a request and
// how long f took.
func (b *Bench) bystand(e *entrant, d time.Duration, f func() error) (longest, took time.Duration, err error) {
	var running atomic.Bool
	running.Store(true)
	l := load.Load{
		Cookies: e.jar, Pick: load.Uniform(e.jar.Len()), Page: site.Read, Writes: 0.1,
		Duration: d, While: running.Load,
	}
	var r *load.Result
	var failed error
	var requests sync.WaitGroup
	requests.Go(func() { r, failed = load.Run(l, load.Locals(bystanders, e.server)) })
	time.Sleep(d / 10)
	start := time.Now()
	err = f()
	took = time.Since(start)
	running.Store(false)
	requests.Wait()
	if err = errors.Join(err, failed); err != nil {
		return 0, 0, err
	}
	return r.Latency.Max(), took, nil
}
