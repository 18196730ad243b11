//go:build linux && (amd64 || arm64)

package cutfs

import (
	"context"
	"sync"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/gimlet-go/gimlet/torture/internal/disk"
)

// A file is what a program sees of a file.
type file struct {
	fs.Inode
	fs     *FS
	number int
	notes  bool

	mu   sync.Mutex
	data []byte
}

var (
	_ fs.NodeOpener    = (*file)(nil)
	_ fs.NodeReader    = (*file)(nil)
	_ fs.NodeWriter    = (*file)(nil)
	_ fs.NodeGetattrer = (*file)(nil)
	_ fs.NodeSetattrer = (*file)(nil)
	_ fs.NodeFlusher   = (*file)(nil)
	_ fs.NodeFsyncer   = (*file)(nil)
)

// name returns a name of the file, for those who watch.
func (f *file) name() string {
	name, _ := f.Parent()
	return name
}

func (f *file) Open(context.Context, uint32) (fs.FileHandle, uint32, syscall.Errno) {
	if f.notes {
		f.fs.Forget() // the program before may have died in the middle of one
	}
	return nil, 0, 0
}

func (f *file) Flush(context.Context, fs.FileHandle) syscall.Errno { return 0 }

func (f *file) Read(_ context.Context, _ fs.FileHandle, to []byte, at int64) (fuse.ReadResult, syscall.Errno) {
	f.mu.Lock()
	defer f.mu.Unlock()
	from := min(at, int64(len(f.data)))
	n := copy(to, f.data[from:])
	return fuse.ReadResultData(to[:n]), 0
}

func (f *file) Write(_ context.Context, _ fs.FileHandle, data []byte, at int64) (uint32, syscall.Errno) {
	kind, text := disk.Write, ""
	if f.notes {
		kind, text = disk.Note, string(data)
	}
	if errno := f.fs.allow(kind, f.name(), text); errno != 0 {
		return 0, errno
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if errno := f.grow(at + int64(len(data))); errno != 0 {
		if data = data[:max(0, min(int64(len(data)), int64(len(f.data))-at))]; len(data) == 0 {
			return 0, errno
		}
	}
	copy(f.data[at:], data)
	if f.notes {
		f.fs.Note(text)
	} else {
		f.fs.Do(disk.Op{Kind: disk.Write, File: f.number, Offset: at, Data: data})
	}
	return uint32(len(data)), 0
}

// grow lengthens the file, as far as there is room.
func (f *file) grow(size int64) syscall.Errno {
	n := size - int64(len(f.data))
	if n <= 0 {
		return 0
	}
	took, errno := f.fs.take(n)
	f.data = append(f.data, make([]byte, took)...)
	return errno
}

func (f *file) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	f.mu.Lock()
	defer f.mu.Unlock()
	out.Mode, out.Size = 0o600, uint64(len(f.data))
	return 0
}

func (f *file) Setattr(_ context.Context, _ fs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	if size, ok := in.GetSize(); ok {
		if errno := f.fs.allow(disk.Resize, f.name(), ""); errno != 0 {
			return errno
		}
		if errno := f.resize(int64(size)); errno != 0 {
			return errno
		}
	}
	return f.Getattr(context.Background(), nil, out)
}

func (f *file) resize(size int64) syscall.Errno {
	f.mu.Lock()
	defer f.mu.Unlock()
	before := int64(len(f.data))
	if errno := f.grow(size); errno != 0 {
		_, _ = f.fs.take(before - int64(len(f.data)))
		f.data = f.data[:before]
		return errno
	}
	_, _ = f.fs.take(min(0, size-before))
	f.data = f.data[:size]
	f.fs.Do(disk.Op{Kind: disk.Resize, File: f.number, Size: size})
	return 0
}

func (f *file) Fsync(context.Context, fs.FileHandle, uint32) syscall.Errno {
	if f.notes {
		return 0
	}
	return f.fs.sync(disk.Op{Kind: disk.Sync, File: f.number}, f.name())
}
