package cases

import (
	"fmt"
	"math/rand/v2"

	"github.com/gimlet-go/gimlet/bench/internal/machine"
	"github.com/gimlet-go/gimlet/bench/internal/peer"
	"github.com/gimlet-go/gimlet/bench/internal/report"
	"github.com/gimlet-go/gimlet/bench/internal/site"
)

// cacheMiB is the size of the read cache that a Manager has by default.
const cacheMiB = 32

func memory(b *Bench, c *report.Case) error {
	if _, err := machine.Anonymous(); err != nil {
		return err
	}
	c.Columns = []report.Column{
		{Key: "start", Title: "before it is opened", Unit: "MiB"},
		{Key: "peak", Title: "most", Unit: "MiB"},
		{Key: "end", Title: "in the end", Unit: "MiB"},
		{Key: "requests", Title: "requests"},
	}
	c.How = fmt.Sprintf("A process of its own opens a file with %s sessions of about 300 bytes, and %d clients in it send reads and writes (90/10) of sessions that they pick alike, for %v. RssAnon of /proc/self/status, read every 20 ms: the memory that is not page cache, without any help from the garbage collector, and with what the clients themselves need. %d turns.",
		report.Number(float64(b.scale.Many)), bystanders, b.scale.Resident, b.scale.Turns)
	err := b.children(c, func(p peer.Peer, f *filled, jar string) (map[string]float64, error) {
		t := task{Kind: "memory", Peer: p.Name, Dir: f.dir, Jar: jar, For: b.scale.Resident}
		if p.Name == peer.Gimlet.Name {
			t.Heap = b.Heap
		}
		return b.inChild(t)
	})
	if err != nil {
		return err
	}
	c.AtMost("at most the cache of 32 MiB and 64 MiB", row(c, peer.Gimlet, "peak"), cacheMiB+64, "MiB")
	return nil
}

// children measures Gimlet and scs on bbolt in processes of their own, each on
// a filled store that is closed.
func (b *Bench) children(c *report.Case, do func(p peer.Peer, f *filled, jar string) (map[string]float64, error)) error {
	var each []func() error
	for _, p := range gimlets(peer.SCSBolt) {
		b.see(p)
		f, err := b.stock(p, b.scale.Many, site.NoteBytes)
		if err != nil {
			return err
		}
		jar, err := f.saveJar()
		if err != nil {
			return err
		}
		each = append(each, func() error {
			found, err := do(p, f, jar)
			for key, value := range found {
				c.Row(p.Name, 0).Add(key, value)
			}
			return err
		})
	}
	return b.turns(b.scale.Turns, each...)
}

func cold(b *Bench, c *report.Case) error {
	c.Columns = []report.Column{
		{Key: "cached", Title: "of the files in the page cache before", Unit: "%"},
		{Key: "open", Title: "open", Unit: "ms"},
		{Key: "first", Title: "open and first request", Unit: "ms"},
	}
	c.How = fmt.Sprintf("The files of a store with %s sessions of about 300 bytes, which was closed, are taken out of the page cache with posix_fadvise; then a process of its own opens it and reads one session at random. The time begins in that process, before it opens the store. %d turns.",
		report.Number(float64(b.scale.Many)), b.scale.Turns)
	random := rand.New(rand.NewPCG(1, 13))
	err := b.children(c, func(p peer.Peer, f *filled, jar string) (map[string]float64, error) {
		if err := machine.DropCache(f.dir); err != nil {
			return nil, err
		}
		share, err := machine.CachedBelow(f.dir)
		if err != nil {
			return nil, err
		}
		found, err := b.inChild(task{Kind: "cold", Peer: p.Name, Dir: f.dir, Jar: jar, Session: random.IntN(b.scale.Many)})
		if err == nil {
			found["cached"] = 100 * share
		}
		return found, err
	})
	if err != nil {
		return err
	}
	c.AtMost("at most 1 s to the first request", row(c, peer.Gimlet, "first"), 1000, "ms")
	return nil
}
