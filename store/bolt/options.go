package bolt

import (
	"fmt"
	"time"
)

// An Option changes a default of [Open] or [New]. The last one of a kind wins.
type Option func(*options) error

type options struct {
	lockTimeout   time.Duration
	touchInterval time.Duration
	prefix        string
}

func buildOptions(opts []Option) (options, error) {
	o := options{
		lockTimeout:   2 * time.Second,
		touchInterval: time.Second,
		prefix:        "gimlet",
	}
	for _, opt := range opts {
		if err := opt(&o); err != nil {
			return o, fmt.Errorf("bolt: %w", err)
		}
	}
	return o, nil
}

// WithLockTimeout sets how long [Open] waits for another process to give up
// the file before it fails with [ErrLocked]. The default is 2 seconds, enough
// for a restart in which the new process starts before the old one has ended.
// It must be more than zero: a store never waits for ever.
func WithLockTimeout(d time.Duration) Option {
	return func(o *options) error {
		if d <= 0 {
			return fmt.Errorf("WithLockTimeout(%v): must be more than zero", d)
		}
		o.lockTimeout = d
		return nil
	}
}

// WithTouchInterval sets how long a Touch may wait in memory before it is
// written; a crash loses the touches of that time. The default is 1 second.
// It must be more than zero.
func WithTouchInterval(d time.Duration) Option {
	return func(o *options) error {
		if d <= 0 {
			return fmt.Errorf("WithTouchInterval(%v): must be more than zero", d)
		}
		o.touchInterval = d
		return nil
	}
}

// WithPrefix sets what the names of the store's top-level buckets begin with,
// so that several stores can share one database. The default is "gimlet",
// which makes "gimlet.records" and so on. It must not be empty.
func WithPrefix(name string) Option {
	return func(o *options) error {
		if name == "" {
			return fmt.Errorf("WithPrefix: must not be empty")
		}
		o.prefix = name
		return nil
	}
}
