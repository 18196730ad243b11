package bolt

import (
	"cmp"
	"os"
	"slices"

	"go.etcd.io/bbolt"
)

// maxMissed is how many keys a copy may be behind before it catches up, and how
// many it catches up with in one transaction: among very many each has a page of
// its own, which is in memory while it is written.
const maxMissed = 3000

// A follower makes a copy of a database that goes on changing. What changes behind
// its copier it notes, and copies once more. It belongs to the goroutine that
// writes the database.
type follower struct {
	copier
	store  *Store
	file   *os.File     // of the copy, nil if it need not be durable
	goOn   func() error // is asked between the steps; an error gives up the copy
	missed map[changed]struct{}
	ended  chan struct{} // closed when the copy is made or given up
}

// What has changed is a key of one of the store's buckets.
type changed struct{ bucket, key string }

// note takes note of a change. A nil follower has nothing to note.
func (f *follower) note(bucket, key []byte) {
	if f != nil && followsChanges && f.passed(bucket, key) {
		f.missed[changed{string(bucket), string(key)}] = struct{}{}
	}
}

// catchUp brings the copy up to date with src at some of the keys that it missed.
func (f *follower) catchUp(src *bbolt.Tx) error {
	list := make([]changed, 0, min(len(f.missed), maxMissed))
	for c := range f.missed {
		if list = append(list, c); len(list) == maxMissed {
			break
		}
	}
	slices.SortFunc(list, func(a, b changed) int {
		return cmp.Or(cmp.Compare(a.bucket, b.bucket), cmp.Compare(a.key, b.key))
	})
	err := f.dst.Update(func(dst *bbolt.Tx) error {
		for _, c := range list {
			if err := c.copy(src, dst); err != nil {
				return err
			}
		}
		return nil
	})
	for _, c := range list {
		delete(f.missed, c)
	}
	return err
}

// copy makes dst there what src is.
func (c changed) copy(src, dst *bbolt.Tx) error {
	k, into := []byte(c.key), dst.Bucket([]byte(c.bucket))
	if v := src.Bucket([]byte(c.bucket)).Get(k); v != nil {
		return into.Put(k, v)
	}
	return into.Delete(k)
}

// make makes the copy. It is the database at the moment when make returns.
func (f *follower) make() error {
	if err := f.approach(); err != nil {
		return err
	}
	return f.finish()
}

// approach makes the copy but for maxMissed keys, and does between its steps what else
// is to be done where the database is written.
func (f *follower) approach() error {
	for !f.done {
		f.store.giveWay()
		for len(f.missed) > maxMissed {
			if err := f.part(f.catchUp); err != nil {
				return err
			}
		}
		if err := f.part(f.step); err != nil {
			return err
		}
	}
	return nil
}

// finish makes the copy what the database is now.
func (f *follower) finish() error {
	for len(f.missed) > 0 {
		if err := f.part(f.catchUp); err != nil {
			return err
		}
	}
	return f.goOn()
}

// part does a part of the copy and syncs it, so that no sync takes long.
func (f *follower) part(step func(src *bbolt.Tx) error) error {
	if err := f.store.reading(f.store.current(), step); err != nil {
		return err
	}
	if f.file != nil {
		if err := f.file.Sync(); err != nil {
			return err
		}
	}
	return f.goOn()
}

// giveWay does what waits where the database is written. It is less than a step of
// the copy, which so comes nearer to its end.
func (s *Store) giveWay() {
	for range len(s.work) {
		select {
		case r := <-s.work:
			if s.journal == nil {
				s.round(r, false)
			} else {
				s.do(r)
			}
		default:
			return
		}
	}
	if s.journal != nil && s.load() > s.journal.size/2 {
		_ = s.step() // reported to whom it concerns
	}
}

// A followedBucket is one of the store's in a transaction that writes. It tells the
// follower, if there is one, of all that changes.
type followedBucket struct {
	*bbolt.Bucket
	name     []byte
	follower *follower
}

func (b followedBucket) Put(k, v []byte) error {
	b.follower.note(b.name, k)
	return b.Bucket.Put(k, v)
}

func (b followedBucket) Delete(k []byte) error {
	b.follower.note(b.name, k)
	return b.Bucket.Delete(k)
}
