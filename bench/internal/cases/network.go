package cases

import (
	"errors"
	"fmt"

	"github.com/gimlet-go/gimlet/bench/internal/load"
	"github.com/gimlet-go/gimlet/bench/internal/peer"
	"github.com/gimlet-go/gimlet/bench/internal/report"
	"github.com/gimlet-go/gimlet/bench/internal/site"
	"github.com/gimlet-go/gimlet/bench/internal/stat"
)

var networks = []Case{
	{
		ID: "P8", Title: "real TCP, 64 connections, Zipf",
		Goal: "read: at least 90 % of the same server without sessions; 90/10 mix: at least 75 % of it and 3 times scs on bbolt; all writes, durable: at least 60 % of it and 15 times scs on bbolt",
		run:  overTCP,
	},
	{
		ID: "P14", Title: "against Redis on the same machine, real TCP, 64 connections",
		Goal: "reads at least 3 times scs on Redis; durable writes at least 3 times Redis with appendfsync always, and ahead of Redis without fsync",
		run:  againstRedis,
	},
}

// A mixture is what requests are of.
type mixture struct {
	key, title string
	writes     float64 // their share
}

var mixtures = []mixture{
	{"read", "reads", 0},
	{"mix", "90 % reads, 10 % writes", 0.1},
	{"write", "writes", 1},
}

// network measures all mixtures of all peers over TCP.
func (b *Bench) network(c *report.Case, peers ...peer.Peer) error {
	for _, m := range mixtures {
		c.Columns = append(c.Columns, report.Column{Key: m.key, Title: m.title + " per second"})
	}
	for _, m := range mixtures {
		c.Columns = append(c.Columns, report.Column{Key: m.key + "99", Title: m.title + ", 99 % within", Unit: "µs"})
	}
	c.How = fmt.Sprintf("A server and %d keep-alive connections to it over the loopback interface, in one process; each connection sends its next request when the last was answered. %s sessions of about 300 bytes, picked by Zipf's law with exponent 0.99, so that the first gets several percent of all requests. %d turns of %v for each kind of work.",
		many, report.Number(float64(b.scale.Some)), b.scale.Turns, b.scale.Network)
	all, closeAll, err := b.enter(c, 0, b.scale.Some, site.NoteBytes, peers...)
	if err != nil {
		return err
	}
	return errors.Join(b.connected(all), closeAll())
}

// connected serves all entrants, and measures all mixtures of all of them in
// turns.
func (b *Bench) connected(all []*entrant) (err error) {
	pick := load.Zipf(b.scale.Some)
	conns := make([][]load.Caller, len(all))
	for i, e := range all {
		addr, stop, serving := load.Serve(e.server)
		if serving != nil {
			return serving
		}
		defer func() { err = errors.Join(err, stop()) }()
		dialled, hangUp, dialling := load.Dials(many, addr)
		if dialling != nil {
			return dialling
		}
		defer hangUp()
		conns[i] = dialled
	}
	var turns []func() error
	for _, m := range mixtures {
		for i, e := range all {
			turns = append(turns, func() error { return b.exchange(e, conns[i], m, pick) })
		}
	}
	return b.turns(b.scale.Turns, turns...)
}

// exchange is one turn of one mixture. It is warmed up for a tenth of the time.
func (b *Bench) exchange(e *entrant, conns []load.Caller, m mixture, pick load.Pick) error {
	l := load.Load{Cookies: e.jar, Pick: pick, Page: site.Read, Writes: m.writes, Duration: b.scale.Network / 10}
	if _, err := load.Run(l, conns); err != nil {
		return err
	}
	l.Duration = b.scale.Network
	r, err := load.Run(l, conns)
	if err != nil {
		return err
	}
	e.row.Add(m.key, r.Rate())
	e.row.Add(m.key+"99", micros(r.Latency.Quantile(0.99)))
	return nil
}

func overTCP(b *Bench, c *report.Case) error {
	peers := append([]peer.Peer{peer.Bare}, gimlets(peer.SCSBolt, peer.SCSMemory, peer.FiberBolt, peer.GorillaCookie)...)
	if err := b.network(c, peers...); err != nil {
		return err
	}
	ratio := func(key string, than peer.Peer) []float64 {
		return stat.Ratios(row(c, peer.Gimlet, key), row(c, than, key))
	}
	percent := func(key string) []float64 {
		values := ratio(key, peer.Bare)
		for i := range values {
			values[i] *= 100
		}
		return values
	}
	c.AtLeast("reads: at least 90 % of no session", percent("read"), 90, "%")
	c.AtLeast("mix: at least 75 % of no session", percent("mix"), 75, "%")
	c.AtLeast("mix: at least 3 times scs, bbolt", ratio("mix", peer.SCSBolt), 3, "times")
	c.AtLeast("writes: at least 60 % of no session", percent("write"), 60, "%")
	c.AtLeast("writes: at least 15 times scs, bbolt", ratio("write", peer.SCSBolt), 15, "times")
	notSynced(c, peers[1:]...)
	c.Note("Fiber is not a net/http server, so it does not compare with the server without sessions.")
	return nil
}

func againstRedis(b *Bench, c *report.Case) error {
	if err := peer.InstallRedis(); err != nil {
		return err
	}
	peers := gimlets(peer.SCSRedisAlways, peer.SCSRedis)
	if err := b.network(c, peers...); err != nil {
		return err
	}
	ratio := func(key string, than peer.Peer) []float64 {
		return stat.Ratios(row(c, peer.Gimlet, key), row(c, than, key))
	}
	c.AtLeast("reads: at least 3 times scs, Redis", ratio("read", peer.SCSRedis), 3, "times")
	c.AtLeast("writes: at least 3 times scs, Redis, synced", ratio("write", peer.SCSRedisAlways), 3, "times")
	c.AtLeast("writes: ahead of scs, Redis, not synced", ratio("write", peer.SCSRedis), 1, "times")
	notSynced(c, peers...)
	return nil
}
