package crash_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

// blowOnSite has a site used, by visitors and by what a program does itself, closed
// after some time, and looked at.
func blowOnSite(g *gale, a *aftermath, after time.Duration) error {
	site, err := rig.OpenSite(g.path)
	if err != nil {
		return err
	}
	u := &siteUse{m: site.Manager, ctx: context.Background(), alive: map[string]int{}, visits: newVisits()}
	calls := []func() error{u.list, u.sweep, u.revoke, u.change(gimlet.Quick), u.change(0), u.renew()}
	for i := range 3 {
		calls = append(calls, u.visit(g, site, fmt.Sprint("visitor ", i)))
	}
	g.blow(a, after, site.Close, calls)
	a.Changes += u.changes + u.visits.acknowledged
	return u.judge(g)
}

// A siteUse is all that goroutines do with sessions, and what they were told.
type siteUse struct {
	m   *gimlet.Manager
	ctx context.Context
	say func(token string, n int) // of each change; may be nil

	mu      sync.Mutex
	changes int
	alive   map[string]int // what n of a token is at least
	dead    []string       // tokens
	visits  *visits
}

func (u *siteUse) told(token string, n int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.alive[token] = n
	u.changes++
	if u.say != nil {
		u.say(token, n)
	}
}

func (u *siteUse) begin() (*gimlet.Session, string, error) {
	s := u.m.Begin(u.ctx)
	s.Set("n", 0)
	if err := s.Commit(u.ctx); err != nil {
		return nil, "", err
	}
	token, err := s.Token()
	return s, token, err
}

// change counts in a session of its own.
func (u *siteUse) change(at gimlet.Placement) func() error {
	n, token := 0, ""
	return func() (err error) {
		if token == "" {
			_, token, err = u.begin()
			return err
		}
		s, err := u.m.Load(u.ctx, token)
		if err != nil {
			return err
		}
		n++
		s.Set("n", n, at|gimlet.ServerSide)
		if err := s.Commit(u.ctx); err != nil {
			return err
		}
		u.told(token, n)
		return nil
	}
}

// renew gives sessions other tokens.
func (u *siteUse) renew() func() error {
	return func() error {
		s, old, err := u.begin()
		if err != nil {
			return err
		}
		if err := s.Renew(u.ctx); err != nil {
			return err
		}
		if err := s.Commit(u.ctx); err != nil {
			return err
		}
		token, err := s.Token()
		if err != nil {
			return err
		}
		u.told(token, 0)
		u.mu.Lock()
		defer u.mu.Unlock()
		u.dead = append(u.dead, old)
		return nil
	}
}

// revoke ends the sessions of an owner.
func (u *siteUse) revoke() error {
	s, _, err := u.begin()
	if err != nil {
		return err
	}
	owner := fmt.Sprint("owner ", rand.Uint64())
	if err := s.Login(u.ctx, owner); err != nil {
		return err
	}
	if err := s.Commit(u.ctx); err != nil {
		return err
	}
	token, err := s.Token()
	if err != nil {
		return err
	}
	if _, err := u.m.RevokeOwner(u.ctx, owner); err != nil {
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.changes++
	u.dead = append(u.dead, token)
	return nil
}

func (u *siteUse) list() error {
	for _, err := range u.m.Sessions(u.ctx, "") {
		if err != nil {
			return err
		}
	}
	u.m.Stats()
	return nil
}

func (u *siteUse) sweep() error {
	_, err := u.m.Sweep(u.ctx)
	return err
}

// visit is one of a browser. It is told of a failure in words alone.
func (u *siteUse) visit(g *gale, site *rig.Site, name string) func() error {
	say := func(r report) {
		u.mu.Lock()
		defer u.mu.Unlock()
		line, err := json.Marshal(r)
		if err == nil {
			err = u.visits.read(line)
		}
		if err != nil {
			g.report("%v", err)
		}
	}
	v := &visitor{site: site, say: say, prefix: name}
	return func() error {
		err := v.visit()
		if err != nil && g.closing.Load() {
			return store.ErrClosed
		}
		return err
	}
}

// judge opens what is left and compares it with what was acknowledged.
func (u *siteUse) judge(g *gale) error {
	site, err := rig.OpenSite(g.path)
	if err != nil {
		return err
	}
	for token, n := range u.alive {
		s, err := site.Manager.Load(u.ctx, token)
		if err != nil {
			return fmt.Errorf("a session with n = %d: %w", n, err)
		}
		if got, _ := s.Get("n").(int); got < n {
			g.report("n is %d: %d was acknowledged", got, n)
		}
	}
	for _, token := range u.dead {
		if _, err := site.Manager.Load(u.ctx, token); !errors.Is(err, gimlet.ErrNoSession) {
			g.report("a session that has ended: %v", err)
		}
	}
	problem, err := u.visits.judge(site, 0)
	if err != nil {
		return err
	}
	if problem != "" {
		g.report("%s", problem)
	}
	return site.Close()
}
