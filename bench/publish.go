package main

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/gimlet-go/gimlet/bench/internal/peer"
	"github.com/gimlet-go/gimlet/bench/internal/report"
)

// The run that the documentation shows is kept with it, in runDir, and parts of
// it stand in pages between two comments each.
const runDir = "docs/speed"

var insertions = []struct {
	page, name string
	text       func(r *report.Run) string
}{
	{"README.md", "speed", overview},
	{"docs/performance.md", "overview", overview},
	{"docs/performance.md", "goals", (*report.Run).Goals},
}

func overview(r *report.Run) string {
	return r.Overview(peer.Gimlet.Name, peer.SCSBolt.Name, peer.SCSMemory.Name, peer.GorillaCookie.Name, peer.FiberBolt.Name)
}

// published puts a run into the documentation below root.
func published(r *report.Run, root string) error {
	if r.Short {
		return errors.New("a short run is not for the documentation")
	}
	dir := filepath.Join(root, runDir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, i := range insertions {
		path := filepath.Join(root, i.page)
		page, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		text, err := report.Insert(string(page), i.name, i.text(r))
		if err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return errors.Join(r.Save(filepath.Join(dir, "results.json")), write(r, dir))
}
