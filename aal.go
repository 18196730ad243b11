package gimlet

import (
	"fmt"
	"time"
)

// WithAAL sets lifetime and idle timeout to what NIST SP 800-63B-4 asks for an
// authentication assurance level, and refuses longer ones, whether set with
// other options or for one session: level 1 is 30 days and no idle timeout,
// level 2 is 24 hours and 1 hour, level 3 is 12 hours and 15 minutes. Shorter
// ones may be set after it.
//
// A session from before the option gets no longer times than these with its
// next Login, and keeps its own until then: [Manager.RevokeAll] ends it.
func WithAAL(level int) Option {
	return func(c *config) {
		c.aal = level
		if l, ok := aals[level]; ok {
			c.lifetime, c.idle = l.lifetime, l.idle
		}
	}
}

var aals = map[int]struct{ lifetime, idle time.Duration }{
	1: {30 * 24 * time.Hour, 0},
	2: {24 * time.Hour, time.Hour},
	3: {12 * time.Hour, 15 * time.Minute},
}

func (c *config) checkLifetime(d time.Duration) error {
	if d < time.Second || d > maxLifetime {
		return fmt.Errorf("a lifetime of %v is not between 1 second and 400 days (%v), the longest that browsers keep a cookie", d, maxLifetime)
	}
	if l, ok := aals[c.aal]; ok && d > l.lifetime {
		return fmt.Errorf("a lifetime of %v is longer than authentication assurance level %d allows (%v)", d, c.aal, l.lifetime)
	}
	return nil
}

func (c *config) checkIdle(d time.Duration) error {
	if d != 0 && d < time.Second || d > maxLifetime {
		return fmt.Errorf("an idle timeout of %v is neither 0 nor between 1 second and 400 days", d)
	}
	if l, ok := aals[c.aal]; ok && l.idle > 0 && (d == 0 || d > l.idle) {
		return fmt.Errorf("an idle timeout of %v is longer than authentication assurance level %d allows (%v)", d, c.aal, l.idle)
	}
	return nil
}

// bound shortens what a session from before WithAAL brings along.
func (c *config) bound(h *head) {
	l, ok := aals[c.aal]
	if !ok {
		return
	}
	h.ends = min(h.ends, h.started+l.lifetime.Milliseconds())
	if idle := l.idle.Milliseconds(); idle > 0 && (h.idle == 0 || h.idle > idle) {
		h.idle = idle
	}
}
