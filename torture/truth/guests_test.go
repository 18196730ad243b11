package truth_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

// A house has guests: clients of a manager that use the same few sessions at once, and
// begin others when these have ended.
type house struct {
	manager *gimlet.Manager
	notes   recorder

	mu    sync.Mutex
	begun int // how many sessions
	rooms [contended]room
}

// A room is the session that the guests use at present.
type room struct {
	session int
	tokens  []ticket // that were given out, the newest last
}

type ticket struct {
	number uint64
	text   string
}

var (
	guestValue = gimlet.NewKey[uint64]("value")
	guestCount = gimlet.NewKey[int]("count")
)

// use makes about n operations in all.
func (h *house) use(n int) {
	var all sync.WaitGroup
	for i := range clients {
		all.Go(func() {
			g := guest{house: h, number: i, rng: rand.New(rand.NewPCG(uint64(i), 2))}
			for g.asked < n/clients {
				g.ask(g.rng.IntN(contended))
			}
		})
	}
	all.Wait()
}

// A guest uses one session after the other.
type guest struct {
	*house
	number int
	rng    *rand.Rand
	asked  int
}

// ask comes with a token that was given out for a session, mostly the newest one, and does
// something with the session if there still is one.
func (g *guest) ask(in int) {
	g.mu.Lock()
	r := g.rooms[in]
	g.mu.Unlock()
	if len(r.tokens) == 0 {
		g.begin(in)
		return
	}
	i := len(r.tokens) - 1
	if g.rng.IntN(8) == 0 {
		i = g.rng.IntN(len(r.tokens))
	}
	s, t := g.load(r.session, r.tokens[i])
	switch {
	case t.What == none && i == len(r.tokens)-1:
		g.leave(in, r)
	case t.What == done:
		g.change(s, in, r.session, r.tokens[i])
	}
}

// leave makes room for another session, unless this one has a newer token by now.
func (g *guest) leave(in int, r room) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now := g.rooms[in]; now.session == r.session && len(now.tokens) == len(r.tokens) {
		g.rooms[in] = room{}
	}
}

func (g *guest) change(s *gimlet.Session, in, session int, with ticket) {
	a := ask{Of: session, Token: with.number, Value: g.value()}
	switch k := g.rng.IntN(100); {
	case k < 40: // it was only to be read
	case k < 65:
		a.What = "set"
		guestValue.Set(s, a.Value)
		g.commit(a, s)
	case k < 85:
		a.What = "add"
		guestCount.Update(s, func(n int) int { return n + 1 })
		g.commit(a, s)
	case k < 95:
		g.renew(a, s, in)
	default:
		a.What = "destroy"
		g.tell(a, func(ctx context.Context) told { return told{What: sessionAnswer(s.Destroy(ctx))} })
	}
}

// value returns one that nobody else has, and that g has had never before.
func (g *guest) value() uint64 { return uint64(g.number)<<32 | uint64(g.asked) }

func (g *guest) tell(a ask, f func(ctx context.Context) told) told {
	g.asked++
	return do(g.notes, g.number, a, func() told { return f(context.Background()) })
}

func (g *guest) commit(a ask, s *gimlet.Session) told {
	return g.tell(a, func(ctx context.Context) told {
		t := told{What: sessionAnswer(s.Commit(ctx))}
		if t.What == done {
			t.Value, _ = guestValue.Get(s)
			t.Count, _ = guestCount.Get(s)
		}
		return t
	})
}

func (g *guest) load(session int, with ticket) (s *gimlet.Session, t told) {
	t = g.tell(ask{What: "load", Of: session, Token: with.number}, func(ctx context.Context) (t told) {
		var err error
		s, err = g.manager.Load(ctx, with.text)
		t.What = sessionAnswer(err)
		if err == nil {
			t.Value, _ = guestValue.Get(s)
			t.Count, _ = guestCount.Get(s)
		}
		return t
	})
	return s, t
}

// sessionAnswer returns what an error of a manager says of an operation.
func sessionAnswer(err error) string {
	switch {
	case err == nil:
		return done
	case errors.Is(err, gimlet.ErrNoSession), errors.Is(err, gimlet.ErrGone):
		return none
	case errors.Is(err, gimlet.ErrNotSaved):
		return notDone
	}
	return unknown
}

// begin begins a session, of which everybody knows then unless somebody was quicker. One
// of three ends after a second.
func (g *guest) begin(in int) {
	g.mu.Lock()
	g.begun++
	r := room{session: g.begun}
	g.mu.Unlock()
	s := g.manager.Begin(context.Background())
	if r.session%3 == 0 {
		s.SetLifetime(time.Second)
	}
	a := ask{What: "begin", Of: r.session, Value: g.value(), Next: g.value()}
	guestValue.Set(s, a.Value)
	a.Expires = s.Expires().UnixMilli()
	if r.session%3 != 0 {
		a.Expires = rig.FarAway.UnixMilli() // it is used all the time
	}
	if g.commit(a, s).What != done {
		return
	}
	if text, err := s.Token(); err == nil {
		r.tokens = []ticket{{a.Next, text}}
		g.mu.Lock()
		defer g.mu.Unlock()
		if len(g.rooms[in].tokens) == 0 {
			g.rooms[in] = r
		}
	}
}

func (g *guest) renew(a ask, s *gimlet.Session, in int) {
	a.What, a.Next = "renew", a.Value
	if err := s.Renew(context.Background()); err != nil {
		return
	}
	if g.commit(a, s).What != done {
		return
	}
	if text, err := s.Token(); err == nil {
		g.mu.Lock()
		defer g.mu.Unlock()
		if r := &g.rooms[in]; r.session == a.Of {
			r.tokens = append(slices.Clip(r.tokens), ticket{a.Next, text})
		}
	}
}
