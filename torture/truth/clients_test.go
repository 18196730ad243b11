package truth_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

const (
	clients    = 16
	contended  = 10 // records or sessions that they are all at
	ownerOfAll = "somebody"
)

// A crowd are clients of a store. All of them use the same few records at once.
type crowd struct {
	store   store.Store
	notes   recorder
	lasting bool // there is nothing that a crash may lose: no touches; and nothing expires
	first   int  // the number of the first client: no two clients have the same one

	newest [contended]atomic.Uint64 // a version that was seen not long ago
}

// use makes about n operations in all.
func (c *crowd) use(n int) {
	var all sync.WaitGroup
	for i := range clients {
		all.Go(func() {
			who := client{crowd: c, number: c.first + i, rng: rand.New(rand.NewPCG(uint64(c.first+i), 1))}
			for who.asked < n/clients {
				who.ask(who.rng.IntN(contended))
			}
		})
	}
	all.Wait()
}

// A client asks for one thing after the other.
type client struct {
	*crowd
	number int
	rng    *rand.Rand
	asked  int
}

func (c *client) ask(of int) {
	switch k := c.rng.IntN(100); {
	case k < 45:
		c.load(of)
	case k < 60:
		c.save(of, c.newest[of].Load()+1)
	case k < 75:
		if r := c.load(of); r.What == done {
			c.save(of, r.Version+1)
		}
	case k < 82:
		c.save(of, 1)
	case k < 90:
		c.touch(of, c.expires())
	case k < 95:
		c.do(ask{What: "delete", Of: of}, func(ctx context.Context) error {
			return c.store.Delete(ctx, recordID(of))
		})
	default:
		if r := c.load(of); r.What == none {
			c.save(of, 1)
		}
	}
}

// recordID returns the ID of one of the records.
func recordID(of int) store.ID { return store.ID{0: 1, 15: byte(of + 1)} }

// expires returns when a record is to end: far away or, now and then, in a moment.
func (c *client) expires() int64 {
	if !c.lasting && c.rng.IntN(4) == 0 {
		return time.Now().UnixMilli() + int64(c.rng.IntN(20))
	}
	return rig.FarAway.UnixMilli() + c.rng.Int64N(1e6)
}

func (c *client) do(a ask, f func(ctx context.Context) error) told {
	return c.tell(a, func(ctx context.Context) told { return told{What: answer(f(ctx))} })
}

func (c *client) tell(a ask, f func(ctx context.Context) told) told {
	c.asked++
	return do(c.notes, c.number, a, func() told { return f(context.Background()) })
}

// answer returns what an error of a store says of an operation.
func answer(err error) string {
	switch {
	case err == nil:
		return done
	case errors.Is(err, store.ErrNotFound):
		return none
	case errors.Is(err, store.ErrConflict):
		return conflict
	case errors.Is(err, store.ErrNotSaved):
		return notDone
	}
	return unknown
}

func (c *client) load(of int) told {
	return c.tell(ask{What: "load", Of: of}, func(ctx context.Context) told {
		r, err := c.store.Load(ctx, recordID(of))
		if err == nil {
			c.newest[of].Store(r.Version)
		}
		t := told{What: answer(err), Version: r.Version, Value: valueOf(r.Data)}
		if err == nil {
			t.Expires = r.Expires.UnixMilli()
		}
		return t
	})
}

func (c *client) save(of int, version uint64) {
	a := ask{What: "save", Of: of, Version: version, Value: uint64(c.number)<<32 | uint64(c.asked), Expires: c.expires()}
	if version == 1 {
		a.What = "insert"
	}
	c.do(a, func(ctx context.Context) error {
		err := c.store.Save(ctx, store.Record{
			ID: recordID(of), Version: version, Owner: ownerOfAll, Expires: time.UnixMilli(a.Expires), Data: dataOf(a.Value),
		})
		if err == nil {
			c.newest[of].Store(version)
		}
		return err
	})
}

func (c *client) touch(of int, expires int64) {
	if c.lasting {
		return
	}
	c.do(ask{What: "touch", Of: of, Expires: expires}, func(ctx context.Context) error {
		return c.store.Touch(ctx, recordID(of), time.UnixMilli(expires))
	})
}

// dataOf returns the data that has a value: some of it short, some so long that it is
// compressed.
func dataOf(value uint64) []byte {
	b := binary.BigEndian.AppendUint64(nil, value)
	return append(b, strings.Repeat(fmt.Sprint("value ", value, ", "), 1+int(value%80))...)
}

// valueOf returns the value whose data this is. That of what nobody has saved is nobody's.
func valueOf(data []byte) uint64 {
	if len(data) < 8 {
		return 0
	}
	value := binary.BigEndian.Uint64(data)
	if !bytes.Equal(data, dataOf(value)) {
		return 0
	}
	return value
}
