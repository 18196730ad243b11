package truth_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
	"github.com/gimlet-go/gimlet/store/memory"
)

// A hammer is what sessions are read through while they change and end.
type hammer struct {
	Name     string
	Path     string // of the file; without one it is a store in memory, which lets others in at the worst moments
	Cache    int64  // bytes
	Naive    bool   // a naive cache instead
	Sessions int
	Reads    int64 // at least so many
	Ends     int   // how many sessions end
	Found    bool  // it is enough to find one wrong read
}

// A verdict is what came of it.
type verdict struct {
	Reads, Wrong  int64
	Hits, Misses  uint64
	Changes, Ends int64
}

func (v verdict) String() string {
	return fmt.Sprintf("%d reads, %d changes, %d ends, %d wrong, %d answered by the cache, %d not", v.Reads, v.Changes, v.Ends, v.Wrong, v.Hits, v.Misses)
}

// strike is the program in which a library without a safeguard is under the hammer. It
// writes the verdict.
func strike(args []string) error {
	var h hammer
	if err := json.Unmarshal([]byte(args[0]), &h); err != nil {
		return err
	}
	v, err := h.strike()
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(v)
}

func (h hammer) strike() (v verdict, err error) {
	var s store.Store = slack{memory.New()}
	if h.Path != "" {
		s = bolt.Open(h.Path)
	}
	if h.Naive {
		s, h.Cache = &naive{Store: s}, 0
	}
	m, err := gimlet.New(s, gimlet.WithCache(h.Cache), gimlet.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		return v, err
	}
	b := blows{hammer: h, manager: m}
	if err = b.stale(); err == nil {
		err = b.ghosts()
	}
	stats := m.Stats()
	v = verdict{
		Reads: b.reads.Load(), Wrong: b.wrong.Load(), Hits: stats.Cache.Hits, Misses: stats.Cache.Misses,
		Changes: b.changes.Load(), Ends: b.ends.Load(),
	}
	return v, errors.Join(err, m.Close())
}
