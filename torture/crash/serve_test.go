package crash_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/url"
	"os"
	"strconv"
	"sync"

	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

// A report is a line of the program serve.
type report struct {
	Session string
	What    string            // set, login, logout; with a blank in front of it before it begins
	Key     string            // that was set
	N       int               // to this
	Cookies map[string]string // that the browser has then
	Problem string
}

// A service is the settings of the program serve.
type service struct {
	Path     string
	Cycle    int  // makes the names of its sessions unique
	Early    bool // reports what is done before it is
	Compacts bool // compacts its file all the time
}

// serve has 32 visitors use the site for ever, and reports what they were answered.
func serve(args []string) error {
	var s service
	if err := json.Unmarshal([]byte(args[0]), &s); err != nil {
		return err
	}
	site, err := rig.OpenSite(s.Path)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	lines := json.NewEncoder(os.Stdout)
	say := func(r report) {
		mu.Lock()
		defer mu.Unlock()
		_ = lines.Encode(r)
	}
	for i := range 32 {
		go func() {
			v := visitor{site: site, say: say, early: s.Early, prefix: fmt.Sprint(s.Cycle, "-", i)}
			for {
				if err := v.visit(); err != nil {
					say(report{Problem: err.Error()})
					return
				}
			}
		}()
	}
	if s.Compacts {
		go func() {
			for {
				if err := site.File.Compact(context.Background()); err != nil {
					say(report{Problem: err.Error()})
					return
				}
			}
		}()
	}
	_, err = io.Copy(io.Discard, os.Stdin) // until it is killed, or its parent is
	return err
}

// A visitor has one session after the other.
type visitor struct {
	site     *rig.Site
	say      func(report)
	early    bool
	prefix   string
	sessions int
}

// visit begins a session and uses it for a while.
func (v *visitor) visit() error {
	v.sessions++
	u := use{visitor: v, name: fmt.Sprint(v.prefix, "-", v.sessions), n: map[string]int{}}
	if err := u.set(rig.Keys[0]); err != nil {
		return err
	}
	for range 10 {
		var err error
		switch k := rand.IntN(10); {
		case k < 5:
			err = u.set(rig.Keys[rand.IntN(len(rig.Keys))])
		case k < 8:
			err = u.setAll()
		case k < 9:
			err = u.do("login", url.Values{"owner": {u.name}})
		default:
			return u.do("logout", nil)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// A use is what a visitor does in one session.
type use struct {
	*visitor
	name    string
	mu      sync.Mutex
	cookies map[string]string
	n       map[string]int
}

func (u *use) set(key string) error {
	u.mu.Lock()
	u.n[key]++
	n, cookies := u.n[key], u.cookies
	u.mu.Unlock()
	r := report{Session: u.name, What: "set", Key: key, N: n, Cookies: cookies}
	if u.early {
		u.say(r)
	}
	_, after, err := u.site.Ask("/set", cookies, url.Values{"key": {key}, "n": {strconv.Itoa(n)}})
	if err != nil {
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.cookies = after; !u.early {
		r.Cookies = after
		u.say(r)
	}
	return nil
}

// setAll sets all keys, in requests of their own at the same time.
func (u *use) setAll() error {
	errs := make(chan error)
	for _, key := range rig.Keys {
		go func() { errs <- u.set(key) }()
	}
	var failed error
	for range rig.Keys {
		if err := <-errs; err != nil {
			failed = err
		}
	}
	return failed
}

func (u *use) do(what string, form url.Values) error {
	r := report{Session: u.name, What: what, Cookies: u.cookies}
	begin := r
	begin.What = " " + what
	u.say(begin)
	_, after, err := u.site.Ask("/"+what, u.cookies, form)
	if err != nil {
		return err
	}
	u.cookies, r.Cookies = after, after
	u.say(r)
	return nil
}
