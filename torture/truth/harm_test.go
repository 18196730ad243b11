package truth_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

// A harm is what is done to one of the files of a store.
type harm struct {
	Journal bool // to this one
	Kind    string
	At      int
	With    []byte
	Seed    uint64 // of what is random
}

// do returns the file after it was harmed.
func (h harm) do(whole []byte) []byte {
	b := bytes.Clone(whole)
	switch h.Kind {
	case "turn": // some bits
		b[h.At] ^= h.With[0]
	case "set":
		copy(b[h.At:], h.With)
	case "cut":
		b = b[:h.At]
	case "smear":
		rng := rand.New(rand.NewPCG(h.Seed, 1))
		at := rng.IntN(len(b))
		for i := range min(2+rng.IntN(63), len(b)-at) {
			b[at+i] = byte(rng.Uint32())
		}
	}
	return b
}

// A damaged store is what the program suffer looks at.
type damaged struct {
	Database, Journal []byte
	Want              map[store.ID]store.Record
	Gone              []store.ID                // were deleted
	Past              map[store.ID]store.Record // what it had before the journal
}

// A suffering is the settings of the program suffer.
type suffering struct {
	Whole string // a file with what is to be damaged
	Dir   string // where it may be damaged
}

// An injury is what came of a harm.
type injury struct {
	Problem string // what must not be
	Result  string // refused, whole or in part
	Took    time.Duration
}

// suffer harms a store in one way after the other, as its input says, and uses what is
// left. It writes what comes of each.
func suffer(args []string) error {
	var s suffering
	if err := json.Unmarshal([]byte(args[0]), &s); err != nil {
		return err
	}
	b, err := os.ReadFile(s.Whole)
	if err != nil {
		return err
	}
	p := patient{path: filepath.Join(s.Dir, "sessions.db")}
	if err := json.Unmarshal(b, &p.damaged); err != nil {
		return err
	}
	debug.SetMaxStack(32 << 20) // who runs in circles dies soon
	out := json.NewEncoder(os.Stdout)
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		var h harm
		if err := json.Unmarshal(in.Bytes(), &h); err != nil {
			return err
		}
		began := time.Now()
		var i injury
		if i.Result, err = p.use(h); err != nil {
			i.Problem = err.Error()
		}
		i.Took = time.Since(began)
		if err := out.Encode(i); err != nil {
			return err
		}
	}
	return nil
}

// A patient is a store that is harmed again and again.
type patient struct {
	damaged
	path string
	uses int
}

// use harms the store and uses it. It returns what is wrong: a value that nobody has saved,
// or an error that says nothing.
func (p *patient) use(h harm) (result string, err error) {
	database, journal := p.Database, p.Journal
	if h.Journal {
		journal = h.do(journal)
	} else {
		database = h.do(database)
	}
	if err := os.WriteFile(p.path, database, 0o600); err != nil {
		return "", err
	}
	options := []bolt.Option{bolt.WithJournal(0)}
	if len(p.Journal) > 0 {
		options = nil
		if err := os.WriteFile(p.path+"-journal", journal, 0o600); err != nil {
			return "", err
		}
	}
	s := bolt.Open(p.path, options...)
	defer s.Close()
	if s.Err() != nil {
		return "refused", explained(s.Err())
	}
	result = "whole"
	for id := range p.Want {
		got, err := s.Load(context.Background(), id)
		if err != nil {
			result = "in part"
		}
		if err := p.right(h, got, err); err != nil {
			return result, err
		}
	}
	for _, id := range p.Gone {
		if got, err := s.Load(context.Background(), id); err == nil {
			if err := p.right(h, got, nil); err != nil {
				return result, fmt.Errorf("it was deleted, and is back: %w", err)
			}
		}
	}
	for got, err := range s.List(context.Background(), "") {
		if err := p.right(h, got, err); err != nil {
			return result, err
		}
	}
	if p.uses++; p.uses%2 == 0 {
		return result, nil // to write takes longer than all else
	}
	return result, p.write(s)
}

// write changes the store, so that bbolt divides pages, joins them and gives them back.
func (p *patient) write(s *bolt.Store) error {
	ctx := context.Background()
	fresh := store.Record{ID: store.NewID(time.Now()), Version: 1, Owner: "alice", Expires: rig.FarAway, Data: []byte("fresh")}
	err := s.Save(ctx, fresh)
	if err == nil {
		got, err := s.Load(ctx, fresh.ID)
		if err := right(got, fresh, err); err != nil {
			return err
		}
	}
	for id := range p.Want {
		err = errors.Join(err, s.Delete(ctx, id))
		break
	}
	_, swept := s.Sweep(ctx, rig.FarAway.Add(time.Hour), 1000) // takes nearly all at once
	return errors.Join(explained(err), explained(swept))
}

// right returns why what was read is wrong. A journal that was cut off cannot be told from
// one of which a crash has left less: then what was there before is right, too.
func (p *patient) right(h harm, got store.Record, err error) error {
	wrong := right(got, p.Want[got.ID], err)
	if wrong != nil && h.Journal && h.Kind == "cut" && right(got, p.Past[got.ID], err) == nil {
		return nil
	}
	return wrong
}

// right returns why what was read is wrong. An error that tells of damage is right.
func right(got, want store.Record, err error) error {
	switch {
	case err != nil:
		return explained(err)
	case !got.Expires.Equal(want.Expires) || got.Version != want.Version || got.Owner != want.Owner || !bytes.Equal(got.Data, want.Data):
		return fmt.Errorf("%+v was read, and saved as %+v", got, want)
	}
	return nil
}

// explained returns err if it is none of those to which damage may lead.
func explained(err error) error {
	var version *bolt.VersionError
	switch {
	case err == nil, errors.Is(err, bolt.ErrDamaged), errors.As(err, &version):
		return nil
	case errors.Is(err, store.ErrCorrupt), errors.Is(err, store.ErrNotFound):
		return nil
	}
	return fmt.Errorf("an error that does not tell of damage: %w", err)
}
