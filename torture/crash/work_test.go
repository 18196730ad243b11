package crash_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
	"github.com/gimlet-go/gimlet/torture/internal/disk"
	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

// A job is what the program work does to a store.
type job struct {
	Dir     string
	Journal int64 // the size of its ring, 0 for none
	Writers int
	Changes int // of each writer
	Bytes   int // about how many a record has
	Sweep   int // after how many changes of the first writer it sweeps; 0 is never
	Compact int // and compacts
	Large   int // and saves a record that is too large for the journal
	Seed    uint64
	Leave   bool // ends without closing the store
	Early   bool // says that a change is there before it is made
}

// work changes records until its job is done, and notes what has happened:
//
//	ready             the store is open
//	saved ID version  the save was acknowledged
//	deleting ID       a delete is about to begin
//	deleted ID        the delete was acknowledged
//	failed error      a change was not acknowledged
func work(args []string) error {
	var j job
	if err := json.Unmarshal([]byte(args[0]), &j); err != nil {
		return err
	}
	notes, err := os.OpenFile(filepath.Join(j.Dir, disk.NotesFile), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	s := bolt.Open(filepath.Join(j.Dir, "sessions.db"), bolt.WithJournal(j.Journal), bolt.WithTouchInterval(5*time.Millisecond))
	if err := s.Err(); err != nil {
		return err
	}
	w := worker{job: j, store: s, note: func(format string, args ...any) { fmt.Fprintf(notes, format+"\n", args...) }}
	w.note("ready")
	var writers sync.WaitGroup
	for i := range j.Writers {
		writers.Go(func() { w.write(i) })
	}
	writers.Wait()
	if j.Leave {
		return nil
	}
	if err := s.Close(); err != nil {
		w.note("failed %v", err)
	}
	w.note("closed")
	return nil
}

type worker struct {
	job   job
	store *bolt.Store
	note  func(format string, args ...any)
}

// write makes the changes of one writer, to a few records of its own.
func (w *worker) write(writer int) {
	rng := rand.New(rand.NewPCG(w.job.Seed, uint64(writer)))
	var records [3]store.Record
	for n := 1; n <= w.job.Changes; n++ {
		r := &records[rng.IntN(len(records))]
		switch k := rng.IntN(10); {
		case r.Version == 0:
			*r = store.Record{ID: store.NewID(time.Now()), Owner: fmt.Sprint("owner ", writer), Expires: rig.FarAway}
			w.save(r)
		case k < 7:
			w.save(r)
		case k < 8:
			r.Expires = r.Expires.Add(time.Minute)
			w.try(w.store.Touch(context.Background(), r.ID, r.Expires))
		default:
			w.remove(r)
		}
		if writer == 0 {
			w.maintain(n)
		}
	}
}

func (w *worker) save(r *store.Record) {
	r.Version++
	r.Data = rig.Content(r.ID, r.Version, w.job.Bytes)
	if w.job.Early {
		w.note("saved %s %d", r.ID, r.Version)
	}
	if !w.try(w.store.Save(context.Background(), *r)) {
		*r = store.Record{} // which version it has nobody knows
		return
	}
	if !w.job.Early {
		w.note("saved %s %d", r.ID, r.Version)
	}
}

func (w *worker) remove(r *store.Record) {
	w.note("deleting %s", r.ID)
	if w.try(w.store.Delete(context.Background(), r.ID)) {
		w.note("deleted %s", r.ID)
	}
	*r = store.Record{}
}

func (w *worker) try(err error) bool {
	if err != nil {
		w.note("failed %v", err)
	}
	return err == nil
}

// maintain does after the n-th change what is done now and then.
func (w *worker) maintain(n int) {
	ctx := context.Background()
	every := func(k int) bool { return k > 0 && n%k == 0 }
	if every(w.job.Sweep) {
		old := store.Record{ID: store.NewID(time.Now()), Version: 1, Expires: time.Now().Add(-time.Hour)}
		w.try(w.store.Save(ctx, old))
		_, err := w.store.Sweep(ctx, time.Now(), 100)
		w.try(err)
	}
	if every(w.job.Large) {
		r := store.Record{ID: store.NewID(time.Now()), Expires: rig.FarAway}
		r.Version, r.Data = 1, rig.Content(r.ID, 1, int(w.job.Journal/2)+2)
		if w.try(w.store.Save(ctx, r)) {
			w.note("saved %s 1", r.ID)
			w.remove(&r)
		}
	}
	if every(w.job.Compact) {
		w.try(w.store.Compact(ctx))
	}
}
