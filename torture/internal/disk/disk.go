package disk

import (
	"bytes"
	"maps"
	"slices"
)

// sector is what a disk writes whole or not at all.
const sector = 512

// A change is a write, a resize or a rename, on its way to the disk.
type change struct {
	*Op
	durable bool
	doubted bool // a sync has failed on it: no later one makes it durable
}

// A disk is what is certainly there at a moment, and what may be.
type disk struct {
	names   map[string]int
	renames []*change
	files   map[int]*file
}

// A file is what it begins with, and the changes to it in their order. The first of
// them is not durable.
type file struct {
	base    []byte
	changes []*change
}

func newDisk(start map[string][]byte) *disk {
	d := &disk{names: numbers(start), files: make(map[int]*file)}
	for name, number := range d.names {
		d.files[number] = &file{base: bytes.Clone(start[name])}
	}
	return d
}

func (d *disk) file(number int) *file {
	f := d.files[number]
	if f == nil {
		f = &file{}
		d.files[number] = f
	}
	return f
}

// begin lets an operation begin.
func (d *disk) begin(op *Op) {
	switch op.Kind {
	case Write, Resize:
		f := d.file(op.File)
		f.changes = append(f.changes, &change{Op: op})
	case Rename:
		d.renames = append(d.renames, &change{Op: op})
	}
}

// end lets a sync end, which is about what had ended before it began.
func (d *disk) end(op *Op) {
	settle := func(c *change) {
		switch {
		case c.End > op.Begin:
		case op.Failed:
			c.doubted = c.doubted || !c.durable
		default:
			c.durable = c.durable || !c.doubted
		}
	}
	switch op.Kind {
	case Sync:
		f := d.file(op.File)
		for _, c := range f.changes {
			settle(c)
		}
		f.absorb()
	case SyncNames:
		for _, c := range d.renames {
			settle(c)
		}
		d.absorb()
	}
}

// absorb makes what is durable part of the base.
func (f *file) absorb() {
	f.changes = slices.DeleteFunc(f.changes, f.overwritten)
	n := 0
	for n < len(f.changes) && f.changes[n].durable {
		f.base = apply(f.base, f.changes[n].Op)
		n++
	}
	f.changes = slices.Clone(f.changes[n:])
}

// overwritten reports whether a change of which the disk may have anything does not
// matter any more, because a durable one covers it.
func (f *file) overwritten(c *change) bool {
	if !c.doubted || c.Kind != Write {
		return false
	}
	return slices.ContainsFunc(f.changes, func(later *change) bool {
		return later.durable && later.Kind == Write && later.Begin > c.Begin &&
			later.Offset <= c.Offset && later.Offset+int64(len(later.Data)) >= c.Offset+int64(len(c.Data))
	})
}

func (d *disk) absorb() {
	n := 0
	for n < len(d.renames) && d.renames[n].durable {
		rename(d.names, d.renames[n].Op)
		n++
	}
	d.renames = slices.Clone(d.renames[n:])
}

// open returns what may be on the disk or not, in the order in which it was
// asked for.
func (d *disk) open() []*change {
	var open []*change
	collect := func(changes []*change) {
		for _, c := range changes {
			if !c.durable {
				open = append(open, c)
			}
		}
	}
	collect(d.renames)
	for _, f := range d.files {
		collect(f.changes)
	}
	slices.SortFunc(open, func(a, b *change) int { return a.Begin - b.Begin })
	return open
}

// image returns the files that there are when the open changes have their fates.
func (d *disk) image(open []*change, fates []fate) map[string][]byte {
	of := make(map[*change]fate, len(open))
	for i, c := range open {
		of[c] = fates[i]
	}
	names := maps.Clone(d.names)
	for _, c := range d.renames {
		if c.durable || of[c].whole {
			rename(names, c.Op)
		}
	}
	delete(names, NotesFile)
	image := make(map[string][]byte, len(names))
	for name, number := range names {
		f := d.file(number)
		b := bytes.Clone(f.base)
		for _, c := range f.changes {
			if c.durable {
				b = apply(b, c.Op)
			} else {
				b = of[c].apply(b, c.Op)
			}
		}
		image[name] = b
	}
	return image
}

func rename(names map[string]int, op *Op) {
	for name, number := range op.Names {
		if names[name] = number; number == 0 {
			delete(names, name)
		}
	}
}

// apply returns b after an operation.
func apply(b []byte, op *Op) []byte {
	if op.Kind == Resize {
		return resize(b, op.Size)
	}
	b = resize(b, max(int64(len(b)), op.Offset+int64(len(op.Data))))
	copy(b[op.Offset:], op.Data)
	return b
}

func resize(b []byte, size int64) []byte {
	if n := size - int64(len(b)); n > 0 {
		return append(b, make([]byte, n)...)
	}
	return b[:size]
}
