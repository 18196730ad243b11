package cache

import (
	"fmt"
	"time"
)

// An Option changes how [New] makes a cache.
type Option func(*options)

type options struct {
	maxAge time.Duration
}

const defaultMaxAge = 10 * time.Second

// WithMaxAge sets for how long a record is served from memory before it is
// loaded again. The default is 10 seconds.
//
// It matters when several processes, or several managers in one, use the same
// store: it is the longest time for which this one can go on serving a record
// that another has changed, revoked or deleted. Where this process is the only
// one on its store, a long age costs nothing in consistency. It must be above
// zero.
func WithMaxAge(d time.Duration) Option {
	return func(o *options) { o.maxAge = d }
}

func (o options) check() error {
	if o.maxAge <= 0 {
		return fmt.Errorf("cache: a maximum age of %v: it must be above zero", o.maxAge)
	}
	return nil
}
