package crash_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

// visits are what the program serve has reported.
type visits struct {
	sessions     map[string]*visit
	recent       map[string]bool // those of which something was reported since they were judged
	acknowledged int
}

// A visit is what was reported of a session.
type visit struct {
	cookies map[string]string
	dead    []map[string]string // cookies that are worth nothing any more
	n       map[string]int
	begun   string // login or logout, without an answer so far
	over    bool
}

func newVisits() *visits {
	return &visits{sessions: map[string]*visit{}, recent: map[string]bool{}}
}

// read takes note of a line. One that is cut off was not reported.
func (v *visits) read(line []byte) error {
	var r report
	if json.Unmarshal(line, &r) != nil {
		return nil
	}
	if r.Problem != "" {
		return fmt.Errorf("a request failed: %s", r.Problem)
	}
	s := v.sessions[r.Session]
	if s == nil {
		s = &visit{n: map[string]int{}}
		v.sessions[r.Session] = s
	}
	v.recent[r.Session] = true
	if r.What[0] == ' ' {
		s.begun = r.What[1:]
		return nil
	}
	v.acknowledged++
	switch r.What {
	case "set":
		s.n[r.Key] = r.N
	case "login":
		s.dead = append(s.dead, s.cookies)
	case "logout":
		s.over = true
		return nil // and its cookies are worth nothing
	}
	s.cookies, s.begun = r.Cookies, ""
	return nil
}

// judge looks at the sessions of which something was reported since it did so last, or
// at all of them, and returns what is wrong. The names are those of up to more
// others.
func (v *visits) judge(site *rig.Site, more int) (string, error) {
	for name, s := range v.sessions {
		if more > 0 && !v.recent[name] {
			v.recent[name] = true
			more--
		}
		if !v.recent[name] {
			continue
		}
		problem, err := s.judge(site)
		if problem != "" || err != nil {
			return fmt.Sprintf("session %s: %s", name, problem), err
		}
	}
	clear(v.recent)
	return "", nil
}

func (s *visit) judge(site *rig.Site) (string, error) {
	values, err := site.Values(s.cookies)
	if err != nil {
		return "", err
	}
	switch {
	case s.over && len(values) > 0:
		return fmt.Sprintf("its logout was acknowledged, and it shows %v", values), nil
	case s.over, s.begun != "" && len(values) == 0:
		values = nil // it has ended, or its token is another
	default:
		for _, key := range slices.Sorted(maps.Keys(s.n)) {
			if n := values[key]; n < s.n[key] || n > s.n[key]+1 {
				return fmt.Sprintf("%s is %d: %d was acknowledged (%v begun)", key, n, s.n[key], s.begun), nil
			}
		}
	}
	for _, cookies := range s.dead {
		values, err := site.Values(cookies)
		if err != nil || len(values) > 0 {
			return fmt.Sprintf("a token from before a login shows %v", values), err
		}
	}
	return "", nil
}
