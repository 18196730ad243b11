package truth_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

// Whatever is done to the bytes of a file or a journal: nobody crashes or hangs, and what
// is read is what was saved.
func TestDamage(t *testing.T) {
	closed, crashed := closedStore(t), crashedStore(t)
	for _, test := range []struct {
		name  string
		whole damaged
		harms []harm
	}{
		{"every byte of a file", closed, some(turns(closed.Database, false), 2000, 1e9)},
		{"every byte of a journal", crashed, some(turns(crashed.Journal, true), 2000, 1e9)},
		{"a file with a journal", crashed, some(turns(crashed.Database, false), 1000, 20_000)},
		{"every branch to every page", closed, some(branches(closed.Database), 1000, 1e9)},
		{"cut off", closed, cuts(closed.Database, false)},
		{"journal cut off", crashed, cuts(crashed.Journal, true)},
		{"file with a journal cut off", crashed, cuts(crashed.Database, false)},
		{"smeared", closed, smears(false, rig.Tier(300, 10_000))},
		{"journal smeared", crashed, smears(true, rig.Tier(300, 10_000))},
	} {
		t.Run(test.name, func(t *testing.T) {
			began := time.Now()
			n := endure(t, rig.This(), test.whole, test.harms, 5)
			require.Empty(t, n.wrong)
			rig.Figures(t, began, "%d ways to damage %d bytes: %v", len(test.harms), len(test.whole.Database)+len(test.whole.Journal), n)
			require.Less(t, n.longest, time.Second)
			require.Positive(t, n.results["refused"]+n.results["in part"])
		})
	}
}

// Without the checksums of records the same reads what nobody has saved, and without a look
// at the structure of a file who opens it dies.
func TestDamage_control(t *testing.T) {
	closed := closedStore(t)
	for safeguard, harms := range map[string][]harm{
		"checksRecords": some(turns(closed.Database, false), 3000, 3000),
		"verifiesFiles": branches(closed.Database),
	} {
		t.Run(safeguard, func(t *testing.T) {
			n := endure(t, rig.Broken(t, safeguard), closed, harms, 1)
			t.Logf("%v", n)
			t.Logf("%.200s", n.wrong)
			require.NotEmpty(t, n.wrong, "a library without the safeguard passes")
		})
	}
}

// An endurance is what came of many harms.
type endurance struct {
	mu      sync.Mutex
	results map[string]int
	wrong   []string // the first ones
	longest time.Duration
}

func (n *endurance) String() string {
	return fmt.Sprintf("%d refused, %d served in part, %d whole, %d wrong; the longest took %v",
		n.results["refused"], n.results["in part"], n.results["whole"], len(n.wrong), n.longest.Round(time.Millisecond))
}

// endure has processes suffer harms, one after the other, until enough were found that are
// wrong.
func endure(t *testing.T, binary string, whole damaged, harms []harm, enough int) *endurance {
	t.Helper()
	dir := rig.MemoryDir(t)
	file := filepath.Join(dir, "whole")
	b, err := json.Marshal(whole)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, b, 0o600))
	n := endurance{results: map[string]int{}}
	next := make(chan harm)
	var workers sync.WaitGroup
	for i := range runtime.NumCPU() {
		own := filepath.Join(dir, fmt.Sprint(i))
		require.NoError(t, os.Mkdir(own, 0o700))
		s := rig.NewSurveyor(t, 10*time.Second)
		s.Binary, s.Program, s.Settings = binary, "suffer", suffering{file, own}
		workers.Go(func() {
			for h := range next {
				n.add(h, s)
			}
		})
	}
	for _, h := range harms {
		if n.found(enough) {
			break
		}
		next <- h
	}
	close(next)
	workers.Wait()
	return &n
}

func (n *endurance) found(enough int) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.wrong) >= enough
}

// add has a harm suffered. What takes long is done again: others may have been at work.
func (n *endurance) add(h harm, s *rig.Surveyor) {
	line, err := json.Marshal(h)
	if err != nil {
		panic(err)
	}
	var i injury
	problem := s.Ask(string(line), &i)
	for range 3 {
		if problem != "" || i.Took < time.Second {
			break
		}
		problem = s.Ask(string(line), &i)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if problem == "" {
		problem = i.Problem
	}
	if problem != "" {
		n.wrong = append(n.wrong, fmt.Sprintf("%s: %.600s", line, problem))
	}
	n.results[i.Result]++
	n.longest = max(n.longest, i.Took)
}
