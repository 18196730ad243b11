package gimlet

import (
	"net/http"
	"time"
)

// LoggedIn returns when the session's owner last proved who they are, by
// [Session.Login]; the zero time when nobody is logged in.
func (s *Session) LoggedIn() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.load() {
		return time.Time{}
	}
	if s.intent.login {
		return time.UnixMilli(s.m.now())
	}
	if s.state.owner == "" {
		return time.Time{}
	}
	return time.UnixMilli(s.state.started)
}

// Fresh reports whether the session's owner has proved who they are within
// the last d. Being active is not enough: only [Session.Login] counts. Ask
// before what needs more certainty than a cookie gives: changing a password,
// paying, showing recovery codes. A login whose time is more than 10 seconds
// in the future, by a clock that was set back since, is not fresh.
func (s *Session) Fresh(d time.Duration) bool {
	at := s.LoggedIn()
	if at.IsZero() {
		return false
	}
	age := time.Since(at)
	return -loginSkew <= age && age <= d
}

// loginSkew is how much the clocks of processes on one store may differ
// without a login on one of them being worthless on the other.
const loginSkew = 10 * time.Second

// RequireFresh returns middleware, to be used inside [Manager.Handler], that
// serves a request only if its session is [Session.Fresh], and has it answered
// by otherwise if not: a page that asks for the password again and then calls
// Login. Without otherwise the answer is 403.
func RequireFresh(d time.Duration, otherwise http.Handler) func(http.Handler) http.Handler {
	if otherwise == nil {
		otherwise = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "sign in again", http.StatusForbidden)
		})
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if From(r).Fresh(d) {
				next.ServeHTTP(w, r)
			} else {
				otherwise.ServeHTTP(w, r)
			}
		})
	}
}
