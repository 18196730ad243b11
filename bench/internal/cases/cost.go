package cases

import (
	"errors"
	"fmt"
	"math"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/bench/internal/load"
	"github.com/gimlet-go/gimlet/bench/internal/peer"
	"github.com/gimlet-go/gimlet/bench/internal/report"
	"github.com/gimlet-go/gimlet/bench/internal/site"
	"github.com/gimlet-go/gimlet/bench/internal/stat"
)

var costs = []Case{
	{
		ID: "P1", Title: "a session that is there, and a handler that never touches it",
		Goal: "at least 40 times scs with its store in memory; at most 250 ns and 3 allocations over the bare handler",
		run:  untouched,
	},
	{
		ID: "P2", Title: "read 2 of 5 keys, about 300 bytes, the record in the cache",
		Goal: "at least 10 times scs with its store in memory; at most 1 µs and 7 allocations over the bare handler; level with live objects",
		run:  read,
	},
	{
		ID: "P3", Title: "the same with an idle timeout",
		Goal: "within 5 % of the same without",
		run:  readIdle,
	},
	{
		ID: "P4", Title: "read one client-side key",
		Goal: "at least 10 times gorilla's CookieStore; no call to the store",
		run:  readSmall,
	},
}

// costSessions is how many sessions requests take turns with.
const costSessions = 100

var costColumns = []report.Column{
	{Key: "cpu", Title: "processor time", Unit: "ns"},
	{Key: "allocs", Title: "allocations"},
}

// cost measures one page of all entrants, after a pass that warms caches up.
func (b *Bench) cost(c *report.Case, page site.Page, all []*entrant) error {
	c.Columns = costColumns
	c.How = fmt.Sprintf("One client in the process calls the handler with the requests of %d sessions in turn; processor time of the whole process, garbage collection included, per request. %d turns of %v.",
		costSessions, b.scale.Turns, b.scale.Cost)
	var each []func() error
	for _, e := range all {
		caller := load.Local(e.server)
		if _, err := load.Measure(caller, page, e.jar, b.scale.Cost/10); err != nil {
			return err
		}
		each = append(each, func() error {
			cost, err := load.Measure(caller, page, e.jar, b.scale.Cost)
			e.row.Add("cpu", cost.CPU)
			e.row.Add("allocs", cost.Allocs)
			return err
		})
	}
	return b.turns(b.scale.Turns, each...)
}

// costOf enters peers, measures a page of each, and closes them.
func (b *Bench) costOf(c *report.Case, page site.Page, peers ...peer.Peer) error {
	all, closeAll, err := b.enter(c, 0, costSessions, site.NoteBytes, peers...)
	if err != nil {
		return err
	}
	return errors.Join(b.cost(c, page, all), closeAll())
}

// row returns the values of a column of a peer's row.
func row(c *report.Case, p peer.Peer, key string) []float64 {
	return c.Row(p.Name, 0).Values[key]
}

func untouched(b *Bench, c *report.Case) error {
	err := b.costOf(c, site.Untouched, peer.Bare, peer.Gimlet, peer.GimletCookieOnly,
		peer.SCSMemory, peer.SCSMemoryIdle, peer.SCSBolt, peer.SCSBoltIdle,
		peer.GorillaCookie, peer.GorillaFiles, peer.GinCookie, peer.FiberBolt, peer.Live)
	if err != nil {
		return err
	}
	c.AtLeast("at least 40 times scs, memory", stat.Ratios(row(c, peer.SCSMemory, "cpu"), row(c, peer.Gimlet, "cpu")), 40, "times")
	overBare(c, peer.Gimlet, 250, 3)
	noteFiber(c)
	return nil
}

// overBare checks what a request costs beyond the handler without a session.
func overBare(c *report.Case, p peer.Peer, ns, allocs float64) {
	c.AtMost(fmt.Sprintf("at most %s ns over the bare handler", report.Number(ns)),
		stat.Differences(row(c, p, "cpu"), row(c, peer.Bare, "cpu")), ns, "ns")
	c.AtMost(fmt.Sprintf("at most %s allocations over the bare handler", report.Number(allocs)),
		roundAll(stat.Differences(row(c, p, "allocs"), row(c, peer.Bare, "allocs"))), allocs, "allocations")
}

// roundAll rounds counts that were averaged over many requests, of which a few
// have allocated for something else.
func roundAll(values []float64) []float64 {
	for i, v := range values {
		values[i] = float64(int(v + 0.5))
	}
	return values
}

func noteFiber(c *report.Case) {
	c.Note("Fiber is not a net/http server: it is called through fasthttp, whose requests cost something else than those of the bare handler. Its middleware saves every session on every request.")
}

func read(b *Bench, c *report.Case) error {
	err := b.costOf(c, site.Read, peer.Bare, peer.GimletNoIdle, peer.Gimlet, peer.GimletNoCache, peer.GimletCookieOnly,
		peer.SCSMemory, peer.SCSMemoryIdle, peer.SCSBolt, peer.SCSBoltIdle,
		peer.GorillaCookie, peer.GorillaFiles, peer.GinCookie, peer.FiberBolt, peer.Live)
	if err != nil {
		return err
	}
	c.AtLeast("at least 10 times scs, memory", stat.Ratios(row(c, peer.SCSMemory, "cpu"), row(c, peer.GimletNoIdle, "cpu")), 10, "times")
	overBare(c, peer.GimletNoIdle, 1000, 7)
	c.AtMost("level with live objects: at most 1.25 times their time",
		stat.Ratios(row(c, peer.GimletNoIdle, "cpu"), row(c, peer.Live, "cpu")), 1.25, "times")
	c.Note("The goals are checked without an idle timeout, like scs's default; P3 compares the two.")
	noteFiber(c)
	return nil
}

func readIdle(b *Bench, c *report.Case) error {
	err := b.costOf(c, site.Read, peer.Gimlet, peer.GimletNoIdle,
		peer.SCSMemoryIdle, peer.SCSMemory, peer.SCSBoltIdle, peer.SCSBolt)
	if err != nil {
		return err
	}
	ratio := func(with, without peer.Peer) []float64 {
		return stat.Ratios(row(c, with, "cpu"), row(c, without, "cpu"))
	}
	c.AtMost("at most 1.05 times the same without", ratio(peer.Gimlet, peer.GimletNoIdle), 1.05, "times")
	for _, pair := range [][2]peer.Peer{{peer.SCSMemoryIdle, peer.SCSMemory}, {peer.SCSBoltIdle, peer.SCSBolt}} {
		c.Note("%s takes %s times the processor time of %s; its writes also wait for the disk, which is not processor time.",
			pair[0].Name, report.Number(stat.Median(ratio(pair[0], pair[1]))), pair[1].Name)
	}
	return nil
}

func readSmall(b *Bench, c *report.Case) error {
	all, closeAll, err := b.enter(c, 0, 1, site.NoteBytes,
		peer.Gimlet, peer.GimletCookieOnly, peer.GorillaCookie, peer.GinCookie, peer.Bare)
	if err != nil {
		return err
	}
	for _, e := range all {
		e.jar, err = load.FillWith(e.server, costSessions, func(int) string { return string(site.CreateSmall) })
		if err != nil {
			return errors.Join(err, closeAll())
		}
	}
	manager := all[0].server.Manager
	before, opened := storeCalls(manager), manager.Stats().Opened
	err = b.cost(c, site.ReadSmall, all)
	calls, requests := storeCalls(manager)-before, float64(manager.Stats().Opened-opened)
	if err = errors.Join(err, closeAll()); err != nil {
		return err
	}
	c.AtLeast("at least 10 times gorilla, cookie", stat.Ratios(row(c, peer.GorillaCookie, "cpu"), row(c, peer.Gimlet, "cpu")), 10, "times")
	c.AtMost("no call to the store for a request", []float64{math.Round(1000*calls/requests) / 1000}, 0, "calls")
	c.Note("Besides, the manager looks every 10 seconds whether another process has revoked sessions: %s calls while %s requests were answered.",
		report.Number(calls), report.Number(requests))
	c.Note("The session holds a language of two letters and nothing else. Gimlet seals it (encrypted and authenticated), gorilla and gin-contrib sign it.")
	return nil
}

// storeCalls counts the calls that requests make to the store: not the sweep,
// which comes by itself.
func storeCalls(m *gimlet.Manager) float64 {
	s := m.Stats().Store
	return float64(s.Loads + s.Saves + s.Touches + s.Deletes + s.Lists)
}
