package crash_test

import (
	"fmt"
	"strings"

	"github.com/gimlet-go/gimlet/store"
)

// An expectation is what must be found after all that the program work has noted.
type expectation struct {
	saved   map[store.ID]uint64 // the newest version that was acknowledged
	deleted map[store.ID]bool   // whether that was acknowledged, or only begun
	changes int                 // how many were acknowledged
	failed  int                 // how many were not
}

func expectNothing() *expectation {
	return &expectation{saved: map[store.ID]uint64{}, deleted: map[store.ID]bool{}}
}

func expectAfter(notes []string) (*expectation, error) {
	e := expectNothing()
	for _, note := range notes {
		if err := e.read(note); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// read takes note of a line.
func (e *expectation) read(note string) error {
	what, rest, _ := strings.Cut(note, " ")
	switch what {
	case "ready", "closed":
		return nil
	case "failed":
		e.failed++
		return nil
	}
	name, rest, _ := strings.Cut(rest, " ")
	id, err := store.ParseID(name)
	if err != nil {
		return fmt.Errorf("the note %q: %w", note, err)
	}
	switch what {
	case "saved":
		var version uint64
		if _, err := fmt.Sscan(rest, &version); err != nil {
			return fmt.Errorf("the note %q: %w", note, err)
		}
		e.saved[id] = max(e.saved[id], version)
		e.changes++
	case "deleting":
		e.deleted[id] = false
	case "deleted":
		e.deleted[id] = true
		e.changes++
	default:
		return fmt.Errorf("the note %q is not understood", note)
	}
	return nil
}

// judge returns what is wrong with the records that were found, or "".
func (e *expectation) judge(records []found) string {
	versions := make(map[store.ID]uint64, len(records))
	for _, r := range records {
		versions[r.ID] = r.Version
		if e.deleted[r.ID] {
			return fmt.Sprintf("record %s is there again, in version %d: its delete was acknowledged", r.ID, r.Version)
		}
	}
	for id, version := range e.saved {
		_, perhaps := e.deleted[id]
		switch found, ok := versions[id]; {
		case !ok && !perhaps:
			return fmt.Sprintf("record %s is gone: version %d was acknowledged", id, version)
		case ok && found < version:
			return fmt.Sprintf("record %s has version %d: version %d was acknowledged", id, found, version)
		}
	}
	return ""
}
