// Package strace turns what strace prints of a program into a [disk.Log].
package strace

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/gimlet-go/gimlet/torture/internal/disk"
)

// Args are what strace must be given, in front of the program and its arguments, to
// write into the file output what [Read] understands.
func Args(output string) []string {
	return []string{"-f", "--seccomp-bpf", "-xx", "-s", "16777216", "-o", output, "-e", "signal=none", "-e",
		"trace=openat,close,write,writev,pwrite64,pwritev,pwritev2,copy_file_range,sendfile,fdatasync,fsync,sync_file_range," +
			"ftruncate,fallocate,rename,renameat,renameat2,link,linkat,unlink,unlinkat"}
}

var (
	numbered   = regexp.MustCompile(`^(\d+) +(.*)$`)
	unfinished = regexp.MustCompile(`^(\w+)\((.*?),? *<unfinished \.\.\.>$`)
	resumed    = regexp.MustCompile(`^<\.\.\. (\w+) resumed>,? *(.*)\) += (.*)$`)
	complete   = regexp.MustCompile(`^(\w+)\((.*)\) += (.*)$`)
)

// Read records what the trace of one program says of the files in dir, an absolute
// path.
func Read(trace io.Reader, dir string, to *disk.Recorder) error {
	t := tracer{dir: dir, to: to, open: map[string]handle{}, asked: map[string]*call{}}
	lines := bufio.NewReaderSize(trace, 1<<20)
	for {
		line, err := lines.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return nil // what has no end is of a call at which the program was killed
		}
		if err != nil {
			return err
		}
		if err := t.line(strings.TrimSuffix(line, "\n")); err != nil {
			return fmt.Errorf("strace: %w: %.300s", err, line)
		}
	}
}

// A handle is what the program has open.
type handle struct {
	file   int // its number, 0 for the directory
	notes  bool
	offset int64 // where the next write goes
}

type tracer struct {
	dir   string
	to    *disk.Recorder
	open  map[string]handle // by descriptor
	asked map[string]*call  // those that are not answered, by thread
}

// A call is a system call, on its way or answered.
type call struct {
	name string
	args []string
	end  func(failed bool)
}

func (t *tracer) line(line string) error {
	m := numbered.FindStringSubmatch(line)
	if m == nil {
		return errors.New("a line without a thread")
	}
	thread, rest := m[1], m[2]
	if m := unfinished.FindStringSubmatch(rest); m != nil {
		c, err := newCall(m[1], m[2])
		if err != nil {
			return err
		}
		t.asked[thread] = c
		return t.ask(c)
	}
	if m := resumed.FindStringSubmatch(rest); m != nil {
		c := t.asked[thread]
		if c == nil || c.name != m[1] {
			return errors.New("an answer to nothing")
		}
		delete(t.asked, thread)
		return t.answer(c, m[3])
	}
	if m := complete.FindStringSubmatch(rest); m != nil {
		c, err := newCall(m[1], m[2])
		if err == nil {
			err = t.ask(c)
		}
		if err == nil {
			err = t.answer(c, m[3])
		}
		return err
	}
	if strings.HasPrefix(rest, "+++") || strings.HasPrefix(rest, "---") {
		return nil
	}
	return errors.New("a line that is not understood")
}

// ask records what may have an effect before it is answered.
func (t *tracer) ask(c *call) error {
	h, known := t.open[c.arg(0)]
	if !known {
		return nil
	}
	switch c.name {
	case "close":
		delete(t.open, c.arg(0)) // from now on the descriptor may become another file's
	case "write":
		return t.write(c, h, h.offset)
	case "pwrite64":
		at, err := c.number(3)
		if err != nil {
			return err
		}
		return t.write(c, h, at)
	case "ftruncate":
		size, err := c.number(1)
		c.end = t.to.Begin(disk.Op{Kind: disk.Resize, File: h.file, Size: size})
		return err
	case "fdatasync", "fsync":
		op := disk.Op{Kind: disk.Sync, File: h.file}
		if h.file == 0 {
			op.Kind = disk.SyncNames
		}
		c.end = t.to.Begin(op)
	case "writev", "pwritev", "pwritev2", "copy_file_range", "sendfile", "fallocate", "sync_file_range":
		return errors.New("a call that is not understood")
	}
	return nil
}

func (t *tracer) write(c *call, h handle, at int64) error {
	data, err := c.bytes(1)
	if err != nil {
		return err
	}
	if h.notes {
		t.to.Note(string(data))
		return nil
	}
	c.end = t.to.Begin(disk.Op{Kind: disk.Write, File: h.file, Offset: at, Data: data})
	h.offset = at + int64(len(data))
	if c.name == "write" {
		t.open[c.arg(0)] = h
	}
	return nil
}

// answer records the end of a call, and what has an effect only then.
func (t *tracer) answer(c *call, result string) error {
	failed := strings.HasPrefix(result, "-1")
	if c.end != nil {
		c.end(failed)
		if failed && (c.name == "write" || c.name == "pwrite64" || c.name == "ftruncate") {
			return errors.New("a write that failed: how much of it is there is not known")
		}
		return nil
	}
	if failed || strings.HasPrefix(result, "?") {
		return nil
	}
	switch c.name {
	case "openat":
		return t.opened(c, result)
	case "rename", "renameat", "renameat2", "unlink", "unlinkat", "link", "linkat":
		return t.renamed(c)
	}
	return nil
}

func (t *tracer) opened(c *call, descriptor string) error {
	path, err := c.path(1)
	if err != nil || path == t.dir {
		if err == nil {
			t.open[descriptor] = handle{}
		}
		return err
	}
	name, ok := t.name(path)
	switch file := t.to.File(name); {
	case !ok:
		delete(t.open, descriptor)
	case name == disk.NotesFile:
		t.open[descriptor] = handle{notes: true}
	case file > 0 && strings.Contains(c.arg(2), "O_TRUNC"):
		return errors.New("a file that is emptied as it is opened")
	case file > 0:
		t.open[descriptor] = handle{file: file}
	case strings.Contains(c.arg(2), "O_CREAT"):
		t.open[descriptor] = handle{file: t.to.Create(name)}
	default:
		return errors.New("a file of which nothing is known")
	}
	return nil
}

func (t *tracer) renamed(c *call) error {
	var names []string
	for i := range c.args {
		if !strings.HasPrefix(c.args[i], `"`) {
			continue
		}
		path, err := c.path(i)
		if err != nil {
			return err
		}
		if name, ok := t.name(path); ok {
			names = append(names, name)
		}
	}
	switch {
	case len(names) == 0:
	case strings.HasPrefix(c.name, "rename") && len(names) == 2:
		t.to.Rename(names[0], names[1])
	case strings.HasPrefix(c.name, "unlink") && len(names) == 1:
		t.to.Remove(names[0])
	default:
		return errors.New("a change of names that is not understood")
	}
	return nil
}

// name returns the name of a file of the directory.
func (t *tracer) name(path string) (name string, ok bool) {
	return filepath.Base(path), filepath.Dir(path) == t.dir
}
