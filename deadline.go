package gimlet

import (
	"context"
	"sync/atomic"
	"time"
)

// commitTimeout bounds the save of a request whose client may be gone.
const commitTimeout = 10 * time.Second

// deadlines gives out contexts that end after commitTimeout, or up to a second
// later: all that begin within a second share a timer, which would otherwise
// cost a save as much as encoding it. The zero value is ready.
type deadlines struct {
	newest atomic.Pointer[deadline]
}

type deadline struct {
	begun time.Time
	ctx   context.Context
}

// context returns one with the values of ctx, which does not end with it.
func (d *deadlines) context(ctx context.Context) context.Context {
	return &saveContext{d.shared(time.Now()), ctx}
}

func (d *deadlines) shared(now time.Time) context.Context {
	newest := d.newest.Load()
	if newest != nil && now.Sub(newest.begun) < time.Second {
		return newest.ctx
	}
	ctx, cancel := context.WithTimeout(context.Background(), commitTimeout+time.Second)
	context.AfterFunc(ctx, cancel)
	d.newest.CompareAndSwap(newest, &deadline{now, ctx})
	return ctx
}

// A saveContext ends with one context and has the values of another.
type saveContext struct {
	context.Context
	values context.Context
}

func (c *saveContext) Value(key any) any { return c.values.Value(key) }
