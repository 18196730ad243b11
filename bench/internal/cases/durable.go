package cases

import (
	"errors"
	"fmt"
	"time"

	"github.com/gimlet-go/gimlet/bench/internal/floor"
	"github.com/gimlet-go/gimlet/bench/internal/load"
	"github.com/gimlet-go/gimlet/bench/internal/peer"
	"github.com/gimlet-go/gimlet/bench/internal/report"
	"github.com/gimlet-go/gimlet/bench/internal/site"
	"github.com/gimlet-go/gimlet/bench/internal/stat"
)

var durables = []Case{
	{
		ID: "P5", Title: "durable write, 1 client",
		Goal: "at least 2 times scs on bbolt; within 1.3 times one fdatasync",
		run:  writeAlone,
	},
	{
		ID: "P6", Title: "durable write, 64 clients, 10,000 sessions",
		Goal: "at least 40 times scs on bbolt",
		run:  writeTogether,
	},
}

// many is how many clients send requests at the same time.
const many = 64

var writeColumns = []report.Column{
	{Key: "rate", Title: "writes per second"},
	{Key: "mean", Title: "mean", Unit: "µs"},
	{Key: "p50", Title: "half within", Unit: "µs"},
	{Key: "p99", Title: "99 % within", Unit: "µs"},
}

func addWrites(row *report.Row, r *load.Result) {
	row.Add("rate", r.Rate())
	row.Add("mean", micros(r.Latency.Mean()))
	row.Add("p50", micros(r.Latency.Quantile(0.5)))
	row.Add("p99", micros(r.Latency.Quantile(0.99)))
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// write lets clients write in the process for a while, to sessions that they
// pick alike.
func write(e *entrant, clients int, d time.Duration) (*load.Result, error) {
	l := load.Load{Cookies: e.jar, Pick: load.Uniform(e.jar.Len()), Page: site.Write, Duration: d}
	return load.Run(l, load.Locals(clients, e.server))
}

// A floorCaller makes a floor look like a server, so that it is measured in
// the same way.
type floorCaller struct{ do func() error }

func (c floorCaller) Call(string, string) error { return c.do() }

// floors opens the floors, and returns a turn of each.
func (b *Bench) floors(c *report.Case) (each []func() error, closeAll func() error, err error) {
	var opened []*floor.Opened
	closeAll = func() error {
		var errs []error
		for _, o := range opened {
			errs = append(errs, o.Close())
		}
		return errors.Join(errs...)
	}
	for _, f := range []floor.Floor{floor.Datasync, floor.Commit} {
		dir, err := b.newDir()
		if err != nil {
			return nil, nil, errors.Join(err, closeAll())
		}
		o, err := f.Open(dir)
		if err != nil {
			return nil, nil, errors.Join(err, closeAll())
		}
		opened = append(opened, o)
		row := c.Row(f.Name, 0)
		c.Note("%s: %s", f.Name, f.About)
		each = append(each, func() error {
			l := load.Load{Cookies: site.NewJar(1), Pick: load.Uniform(1), Duration: b.scale.Write}
			r, err := load.Run(l, []load.Caller{floorCaller{o.Do}})
			if err == nil {
				addWrites(row, r)
			}
			return err
		})
	}
	return each, closeAll, nil
}

// notSynced says which rows of a table of writes promise less.
func notSynced(c *report.Case, peers ...peer.Peer) {
	for _, p := range peers {
		if !p.Synced {
			c.Note("%s does not sync: a crash loses what it has answered.", p.Name)
		}
	}
}

func writeAlone(b *Bench, c *report.Case) error {
	c.Columns = writeColumns
	c.How = fmt.Sprintf("One client in the process, %s sessions of about 300 bytes, each write on one of them at random. %d turns of %v.",
		report.Number(float64(b.scale.Few)), b.scale.Turns, b.scale.Write)
	each, closeFloors, err := b.floors(c)
	if err != nil {
		return err
	}
	peers := gimlets(peer.SCSBolt, peer.FiberBolt, peer.GorillaFiles)
	all, closeAll, err := b.enter(c, 0, b.scale.Few, site.NoteBytes, peers...)
	if err != nil {
		return errors.Join(err, closeFloors())
	}
	err = b.turns(b.scale.Turns, append(each, b.writers(all, 1)...)...)
	if err = errors.Join(err, closeAll(), closeFloors()); err != nil {
		return err
	}
	c.AtLeast("at least 2 times scs, bbolt", stat.Ratios(row(c, peer.Gimlet, "rate"), row(c, peer.SCSBolt, "rate")), 2, "times")
	c.AtMost("at most 1.3 times the time of one fdatasync",
		stat.Ratios(row(c, peer.Gimlet, "mean"), c.Row(floor.Datasync.Name, 0).Values["mean"]), 1.3, "times")
	notSynced(c, peers...)
	return nil
}

// writers returns a turn of writing for each entrant.
func (b *Bench) writers(all []*entrant, clients int) (each []func() error) {
	for _, e := range all {
		each = append(each, func() error {
			r, err := write(e, clients, b.scale.Write)
			if err == nil {
				addWrites(e.row, r)
			}
			return err
		})
	}
	return each
}

func writeTogether(b *Bench, c *report.Case) error {
	c.Columns = writeColumns
	c.How = fmt.Sprintf("%d clients in the process, %s sessions of about 300 bytes, each write on one of them at random. %d turns of %v.",
		many, report.Number(float64(b.scale.Few)), b.scale.Turns, b.scale.Write)
	peers := gimlets(peer.SCSBolt, peer.FiberBolt, peer.GorillaFiles, peer.SCSMemory)
	all, closeAll, err := b.enter(c, 0, b.scale.Few, site.NoteBytes, peers...)
	if err != nil {
		return err
	}
	err = b.turns(b.scale.Turns, b.writers(all, many)...)
	if err = errors.Join(err, closeAll()); err != nil {
		return err
	}
	c.AtLeast("at least 40 times scs, bbolt", stat.Ratios(row(c, peer.Gimlet, "rate"), row(c, peer.SCSBolt, "rate")), 40, "times")
	notSynced(c, peers...)
	return nil
}
