package cases

import (
	"errors"
	"fmt"

	"github.com/gimlet-go/gimlet/bench/internal/peer"
	"github.com/gimlet-go/gimlet/bench/internal/report"
	"github.com/gimlet-go/gimlet/bench/internal/site"
	"github.com/gimlet-go/gimlet/bench/internal/stat"
)

var larges = []Case{
	{
		ID: "P7", Title: "durable write, 64 clients, 1,000,000 sessions, sustained",
		Goal: "at least 15 times scs on bbolt, sustained over a minute, checkpoints included; 99 % of the writes within 20 ms",
		run:  writeSustained,
	},
	{
		ID: "P11", Title: "sweep of 10,000 expired among 1,000,000 sessions",
		Goal: "cost proportional to what is removed; no request waits more than 10 ms for it",
		run:  sweep,
	},
	{
		ID: "P12", Title: "memory with 1,000,000 sessions on disk and a cache of 32 MiB",
		Goal: "resident memory at most the cache and 64 MiB, page cache apart",
		run:  memory,
	},
	{
		ID: "P13", Title: "open a file with 1,000,000 sessions, cold",
		Goal: "at most 1 s to the first request",
		run:  cold,
	},
}

func writeSustained(b *Bench, c *report.Case) error {
	c.Columns = append(writeColumns[:len(writeColumns):len(writeColumns)],
		report.Column{Key: "max", Title: "longest", Unit: "µs"},
		report.Column{Key: "slowest", Title: "writes in the slowest second"})
	turns := (b.scale.Turns + 1) / 2
	c.How = fmt.Sprintf("%d clients in the process, %s sessions of about 300 bytes, each write on one of them at random. %d turns of %v.",
		many, report.Number(float64(b.scale.Many)), turns, b.scale.Sustained)
	all, closeAll, err := b.enter(c, 0, b.scale.Many, site.NoteBytes, gimlets(peer.SCSBolt)...)
	if err != nil {
		return err
	}
	var each []func() error
	for _, e := range all {
		each = append(each, func() error {
			r, err := write(e, many, b.scale.Sustained)
			if err != nil {
				return err
			}
			addWrites(e.row, r)
			e.row.Add("max", micros(r.Latency.Max()))
			e.row.Add("slowest", r.SlowestSecond())
			return nil
		})
	}
	err = b.turns(turns, each...)
	if err = errors.Join(err, closeAll()); err != nil {
		return err
	}
	c.AtLeast("at least 15 times scs, bbolt", stat.Ratios(row(c, peer.Gimlet, "rate"), row(c, peer.SCSBolt, "rate")), 15, "times")
	c.AtMost("99 % within 20 ms", row(c, peer.Gimlet, "p99"), 20_000, "µs")
	return nil
}
