package cases

import (
	"errors"
	"fmt"

	"github.com/gimlet-go/gimlet/bench/internal/machine"
	"github.com/gimlet-go/gimlet/bench/internal/peer"
	"github.com/gimlet-go/gimlet/bench/internal/report"
	"github.com/gimlet-go/gimlet/bench/internal/site"
	"github.com/gimlet-go/gimlet/bench/internal/stat"
)

var disks = []Case{
	{
		ID: "P9", Title: "bytes written to the disk for a durable write",
		Goal: "at most 1/8 of scs on bbolt",
		run:  written,
	},
	{
		ID: "P10", Title: "file bytes for a session, the same data",
		Goal: "at most 1/3 of scs on bbolt",
		run:  size,
	},
}

func written(b *Bench, c *report.Case) error {
	if _, _, err := machine.Written(b.dir); err != nil {
		return err
	}
	c.X = "sessions"
	c.Columns = []report.Column{
		{Key: "disk", Title: "to the disk", Unit: "bytes"},
		{Key: "calls", Title: "given to write calls", Unit: "bytes"},
		{Key: "rate", Title: "writes per second"},
	}
	c.How = fmt.Sprintf("%d clients in the process write for %v, each time in a store that was opened before and is closed afterwards, so that what is written late counts as well. %d turns. To the disk: what its counters say that it was given, by everybody, the file system's own writes included. Given to write calls: wchar of /proc/self/io.",
		many, b.scale.Write, b.scale.Turns)
	for _, sessions := range []int{b.scale.Few, b.scale.Many} {
		var each []func() error
		for _, p := range gimlets(peer.SCSBolt) {
			each = append(each, func() error { return b.writtenOnce(c, p, sessions) })
		}
		if err := b.turns(b.scale.Turns, each...); err != nil {
			return err
		}
		x := float64(sessions)
		c.AtMost(fmt.Sprintf("at most 1/8 of scs, bbolt, among %s sessions", report.Number(x)),
			stat.Ratios(c.Row(peer.Gimlet.Name, x).Values["disk"], c.Row(peer.SCSBolt.Name, x).Values["disk"]), 1.0/8, "times")
	}
	return nil
}

func (b *Bench) writtenOnce(c *report.Case, p peer.Peer, sessions int) error {
	if _, err := b.stock(p, sessions, site.NoteBytes); err != nil {
		return err
	}
	calls, disk, err := machine.Written(b.dir)
	if err != nil {
		return err
	}
	all, closeAll, err := b.enter(c, float64(sessions), sessions, site.NoteBytes, p)
	if err != nil {
		return err
	}
	r, err := write(all[0], many, b.scale.Write)
	if err = errors.Join(err, closeAll()); err != nil {
		return err
	}
	callsAfter, diskAfter, err := machine.Written(b.dir)
	if err != nil {
		return err
	}
	row := all[0].row
	row.Add("disk", float64(diskAfter-disk)/float64(r.Requests))
	row.Add("calls", float64(callsAfter-calls)/float64(r.Requests))
	row.Add("rate", r.Rate())
	return nil
}

func size(b *Bench, c *report.Case) error {
	c.Columns = []report.Column{
		{Key: "allocated", Title: "taken up on the disk, a session", Unit: "bytes"},
		{Key: "length", Title: "length of the files, a session", Unit: "bytes"},
	}
	c.How = fmt.Sprintf("%s sessions with the same five values, about 300 bytes, created by ordinary requests, %d at a time, in a new store that is closed before its files are looked at. bbolt lets its file grow ahead in steps with holes at the end, which length counts and the disk does not. Once each.",
		report.Number(float64(b.scale.Some)), 256)
	for _, p := range gimlets(peer.SCSBolt, peer.FiberBolt, peer.GorillaFiles) {
		if err := b.sizeOf(c, p); err != nil {
			return err
		}
	}
	c.AtMost("at most 1/3 of scs, bbolt, on the disk",
		stat.Ratios(row(c, peer.Gimlet, "allocated"), row(c, peer.SCSBolt, "allocated")), 1.0/3, "times")
	return nil
}

// sizeOf fills a store of its own: those that are kept have been written to.
func (b *Bench) sizeOf(c *report.Case, p peer.Peer) error {
	dir, err := b.newDir()
	if err != nil {
		return err
	}
	b.see(p)
	s, err := p.Open(dir)
	if err != nil {
		return err
	}
	_, err = b.fill(p, s, b.scale.Some, site.NoteBytes)
	if err = errors.Join(err, s.Close()); err != nil {
		return err
	}
	allocated, err := machine.AllocatedBytes(dir)
	if err != nil {
		return err
	}
	length, err := machine.FileBytes(dir)
	if err != nil {
		return err
	}
	n := float64(b.scale.Some)
	c.Row(p.Name, 0).Add("allocated", float64(allocated)/n)
	c.Row(p.Name, 0).Add("length", float64(length)/n)
	return nil
}
