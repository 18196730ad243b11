package cases

import (
	"errors"
	"fmt"
	"slices"

	"github.com/gimlet-go/gimlet/bench/internal/load"
	"github.com/gimlet-go/gimlet/bench/internal/peer"
	"github.com/gimlet-go/gimlet/bench/internal/report"
	"github.com/gimlet-go/gimlet/bench/internal/site"
)

// A stock is a peer's store with so many sessions, of such a size.
type stock struct {
	peer      string
	sessions  int
	noteBytes int
}

// filled is where a stock lies. Stores are filled once and then opened again
// and again, by all cases that need them.
type filled struct {
	dir     string
	jar     *site.Jar
	jarFile string // "" until a process of its own needs it
}

// saveJar writes the cookies next to the store.
func (f *filled) saveJar() (path string, err error) {
	if f.jarFile == "" {
		path := f.dir + ".jar"
		if err := f.jar.Save(path); err != nil {
			return "", err
		}
		f.jarFile = path
	}
	return f.jarFile, nil
}

// stock returns the directory of a filled store that nobody has open.
func (b *Bench) stock(p peer.Peer, sessions, noteBytes int) (*filled, error) {
	key := stock{p.Name, sessions, noteBytes}
	if f := b.stores[key]; f != nil {
		return f, nil
	}
	dir, err := b.newDir()
	if err != nil {
		return nil, err
	}
	s, err := p.Open(dir)
	if err != nil {
		return nil, err
	}
	jar, err := b.fill(p, s, sessions, noteBytes)
	if err = errors.Join(err, s.Close()); err != nil {
		return nil, err
	}
	f := &filled{dir: dir, jar: jar}
	b.stores[key] = f
	return f, nil
}

func (b *Bench) fill(p peer.Peer, s *peer.Server, sessions, noteBytes int) (*site.Jar, error) {
	if sessions >= 50_000 {
		fmt.Fprintf(b.log, "    filling %s with %d sessions\n", p.Name, sessions)
	}
	return load.Fill(s, sessions, noteBytes)
}

// see notes that a peer takes part.
func (b *Bench) see(p peer.Peer) {
	if !slices.ContainsFunc(b.seen, func(q peer.Peer) bool { return q.Name == p.Name }) {
		b.seen = append(b.seen, p)
	}
}

// open opens a peer with so many sessions in it.
func (b *Bench) open(p peer.Peer, sessions, noteBytes int) (*peer.Server, *site.Jar, error) {
	b.see(p)
	if p.Kept {
		f, err := b.stock(p, sessions, noteBytes)
		if err != nil {
			return nil, nil, err
		}
		s, err := p.Open(f.dir)
		return s, f.jar, err
	}
	dir, err := b.newDir()
	if err != nil {
		return nil, nil, err
	}
	s, err := p.Open(dir)
	if err != nil {
		return nil, nil, err
	}
	jar, err := b.fill(p, s, sessions, noteBytes)
	if err != nil {
		return nil, nil, errors.Join(err, s.Close())
	}
	return s, jar, nil
}

// An entrant is a peer that is open and filled, with its row of a table.
type entrant struct {
	peer   peer.Peer
	server *peer.Server
	jar    *site.Jar
	row    *report.Row
}

// enter opens peers for a case, and returns what closes all of them.
func (b *Bench) enter(c *report.Case, x float64, sessions, noteBytes int, peers ...peer.Peer) (all []*entrant, closeAll func() error, err error) {
	closeAll = func() error {
		var errs []error
		for _, e := range all {
			errs = append(errs, e.server.Close())
		}
		return errors.Join(errs...)
	}
	for _, p := range peers {
		s, jar, err := b.open(p, sessions, noteBytes)
		if err != nil {
			return nil, nil, errors.Join(err, closeAll())
		}
		all = append(all, &entrant{peer: p, server: s, jar: jar, row: c.Row(p.Name, x)})
	}
	return all, closeAll, nil
}

// gimlets returns the variants of this library and then the peers.
func gimlets(peers ...peer.Peer) []peer.Peer {
	return append(slices.Clone(peer.Gimlets), peers...)
}
