//go:build linux && (amd64 || arm64)

package crash_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/torture/internal/disk"
	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

// A valve makes a disk slow, or has it not answer at all between two notes of the program
// that uses it: "hold", with the name of a file or nothing behind it, and "release". The note
// "await" takes until it holds something.
type valve struct {
	delay time.Duration // of each sync

	mu    sync.Mutex
	file  string        // whose syncs are held; "" is all, "." those of names
	shut  chan struct{} // nil while nothing is held
	found chan struct{} // closed with the first sync that is held
	syncs int           // how many there were
}

func (v *valve) watch(kind disk.Kind, name, text string) syscall.Errno {
	if kind == disk.Note {
		if note := strings.TrimSpace(text); note == "await" {
			v.await()
		} else {
			v.turn(note)
		}
		return 0
	}
	if kind != disk.Sync && kind != disk.SyncNames {
		return 0
	}
	v.mu.Lock()
	shut := v.shut
	if v.file != "" && v.file != name {
		shut = nil
	}
	v.syncs++
	if shut != nil && v.found != nil {
		close(v.found)
		v.found = nil
	}
	v.mu.Unlock()
	time.Sleep(v.delay)
	if shut != nil {
		<-shut
	}
	return 0
}

func (v *valve) await() {
	v.mu.Lock()
	found := v.found
	v.mu.Unlock()
	if found == nil {
		return
	}
	select {
	case <-found:
	case <-time.After(10 * time.Second): // the program finds that nothing is stuck
	}
}

func (v *valve) turn(note string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	what, file, _ := strings.Cut(note, " ")
	switch {
	case what == "hold" && v.shut == nil:
		v.file, v.shut, v.found = file, make(chan struct{}), make(chan struct{})
	case what == "release" && v.shut != nil:
		close(v.shut)
		v.shut = nil
	}
}

// runOnDisk runs a program on a machine with this disk, and reads what it reports.
func (v *valve) runOnDisk(t *testing.T, without, name string, settings func(dir string) any, report any) {
	t.Helper()
	m := rig.Boot(t, nil)
	m.Observe(false, v.watch)
	t.Cleanup(func() { v.turn("release") }) // before the machine is shut down
	cmd := rig.ProgramWithout(t, without, name, settings(m.Dir))
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	require.NoError(t, cmd.Start())
	timer := time.AfterFunc(time.Minute, func() {
		v.turn("release")
		_ = cmd.Process.Kill()
	})
	err := cmd.Wait()
	timer.Stop()
	require.NoError(t, err, "%.3000s", &stderr)
	require.NoError(t, json.Unmarshal(out.Bytes(), report), "%s", &out)
}
