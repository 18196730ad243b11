package cases

import (
	"errors"
	"fmt"

	"github.com/gimlet-go/gimlet/bench/internal/load"
	"github.com/gimlet-go/gimlet/bench/internal/peer"
	"github.com/gimlet-go/gimlet/bench/internal/report"
	"github.com/gimlet-go/gimlet/bench/internal/site"
)

var curves = []Case{
	{ID: "C1", Title: "how the cost grows with the number of sessions", run: bySessions},
	{ID: "C2", Title: "how the cost grows with the number of clients", run: byClients},
	{ID: "C3", Title: "how the cost grows with the size of a session", run: bySize},
}

// curveTurns is enough where the eye judges the shape.
const curveTurns = 3

var curveColumns = []report.Column{
	{Key: "rate", Title: "durable writes per second"},
	{Key: "read", Title: "reads per second"},
}

func (b *Bench) curveHow(rest string) string {
	return fmt.Sprintf("In the process, sessions picked alike; %s. %d turns of %v.", rest, curveTurns, b.scale.Cost)
}

// point measures writes and reads of Gimlet and of scs on bbolt for one X.
func (b *Bench) point(c *report.Case, x float64, sessions, noteBytes, clients int) error {
	all, closeAll, err := b.enter(c, x, sessions, noteBytes, gimlets(peer.SCSBolt)...)
	if err != nil {
		return err
	}
	var each []func() error
	for _, page := range []struct {
		key  string
		page site.Page
	}{{"rate", site.Write}, {"read", site.Read}} {
		for _, e := range all {
			each = append(each, func() error {
				l := load.Load{Cookies: e.jar, Pick: load.Uniform(e.jar.Len()), Page: page.page, Duration: b.scale.Cost}
				r, err := load.Run(l, load.Locals(clients, e.server))
				if err == nil {
					e.row.Add(page.key, r.Rate())
				}
				return err
			})
		}
	}
	return errors.Join(b.turns(curveTurns, each...), closeAll())
}

func bySessions(b *Bench, c *report.Case) error {
	c.X, c.Columns = "sessions", curveColumns
	c.How = b.curveHow(fmt.Sprintf("sessions of about 300 bytes, %d clients", many))
	for _, n := range b.scale.Sessions {
		if err := b.point(c, float64(n), n, site.NoteBytes, many); err != nil {
			return err
		}
	}
	return nil
}

func byClients(b *Bench, c *report.Case) error {
	c.X, c.Columns = "clients", curveColumns
	c.How = b.curveHow(fmt.Sprintf("%s sessions of about 300 bytes", report.Number(float64(b.scale.Few))))
	for _, n := range []int{1, 8, 64, 256} {
		if err := b.point(c, float64(n), b.scale.Few, site.NoteBytes, n); err != nil {
			return err
		}
	}
	return nil
}

func bySize(b *Bench, c *report.Case) error {
	c.X, c.Columns = "bytes of the long value", curveColumns
	c.How = b.curveHow(fmt.Sprintf("%s sessions with one long value, of which each write changes another, small one, %d clients",
		report.Number(float64(b.scale.Long)), many))
	for _, n := range b.scale.Notes {
		if err := b.point(c, float64(n), b.scale.Long, n, many); err != nil {
			return err
		}
	}
	return nil
}
