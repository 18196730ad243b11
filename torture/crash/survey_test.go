package crash_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

// A finding is what the program survey has found in a directory.
type finding struct {
	Problem string // what must not be, or ""
	Records []found
}

// found is a record that was found. Its data is what it should be.
type found struct {
	ID      store.ID
	Version uint64
	Expires int64
	Owner   string
}

// survey looks at one directory after the other. It reads their names from its
// input, a line each, and writes what it finds as a line of JSON.
func survey([]string) error {
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		var f finding
		if err := f.survey(in.Text()); err != nil {
			f.Problem = err.Error()
		}
		b, err := json.Marshal(f)
		if err != nil {
			return err
		}
		fmt.Printf("%s\n", b)
	}
	return in.Err()
}

func (f *finding) survey(dir string) error {
	path := filepath.Join(dir, "sessions.db")
	s := bolt.Open(path)
	if err := s.Err(); err != nil {
		return err
	}
	if err := f.read(s); err != nil {
		return err
	}
	if err := goOn(s); err != nil {
		return err
	}
	if err := s.Close(); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	if len(entries) != 1 {
		return fmt.Errorf("more than one file is left: %v", entries)
	}
	return rig.Check(path)
}

// read lists all records, and finds each of them in all ways in which it can be found.
func (f *finding) read(s *bolt.Store) error {
	ctx := context.Background()
	owned := map[string]int{}
	for r, err := range s.List(ctx, "") {
		if err != nil {
			return fmt.Errorf("list: %w", err)
		}
		if len(r.Data) < 4 || !bytes.Equal(r.Data, rig.Content(r.ID, r.Version, int(binary.BigEndian.Uint32(r.Data)))) {
			return fmt.Errorf("record %s, version %d, has the data of another", r.ID, r.Version)
		}
		same, err := s.Load(ctx, r.ID)
		if err != nil || same.Version != r.Version || !bytes.Equal(same.Data, r.Data) {
			return fmt.Errorf("record %s is listed and not loaded: %w", r.ID, err)
		}
		owned[r.Owner]++
		f.Records = append(f.Records, found{r.ID, r.Version, r.Expires.UnixMilli(), r.Owner})
	}
	delete(owned, "")
	for owner, n := range owned {
		for r, err := range s.List(ctx, owner) {
			if err != nil || r.Owner != owner {
				return fmt.Errorf("list of %s: record %s of %q: %w", owner, r.ID, r.Owner, err)
			}
			n--
		}
		if n != 0 {
			return fmt.Errorf("the list of %s lacks %d records", owner, n)
		}
	}
	slices.SortFunc(f.Records, func(a, b found) int { return cmp.Compare(string(a.ID[:]), string(b.ID[:])) })
	return nil
}

// goOn changes something, and takes it back.
func goOn(s *bolt.Store) error {
	ctx := context.Background()
	r := store.Record{ID: store.NewID(time.Now()), Version: 1, Expires: rig.FarAway, Owner: "a new one"}
	if err := s.Save(ctx, r); err != nil {
		return err
	}
	if _, err := s.Load(ctx, r.ID); err != nil {
		return err
	}
	return s.Delete(ctx, r.ID)
}

// look returns what a surveyor finds in dir, which that changes.
func look(s *rig.Surveyor, dir string) (f finding) {
	if problem := s.Ask(dir, &f); problem != "" {
		f.Problem = problem
	}
	return f
}
