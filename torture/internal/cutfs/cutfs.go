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

// A FS is a mounted file system. It has one directory.
type FS struct {
	*disk.Recorder
	server *fuse.Server
	watch  Watch

	mu    sync.Mutex
	cut   bool
	used  int64         // bytes of all files
	limit int64         // how many there may be
	full  syscall.Errno // what there is beyond; 0 while there is no limit
}

// A Watch is asked before each operation. If it returns an error other than 0 the
// operation fails with it: a sync that fails leaves what it is about in doubt, everything
// else has no effect. It may be called from several goroutines at once.
type Watch func(kind disk.Kind, name, text string) syscall.Errno

// Mount mounts a file system on dir that has some files, which are durable. watch
// may be nil.
func Mount(dir string, files map[string][]byte, watch Watch) (*FS, error) {
	f := &FS{Recorder: disk.NewRecorder(files), watch: watch}
	options := &fs.Options{MountOptions: fuse.MountOptions{
		DirectMount: true, // where that is not allowed, fusermount does it
		FsName:      "cutfs",
		Name:        "cutfs",
		MaxWrite:    1 << 20,
	}}
	var err error
	f.server, err = fs.Mount(dir, &root{fs: f, files: files}, options)
	return f, err
}

// Unmount ends the file system. No program may use it.
func (f *FS) Unmount() error { return f.server.Unmount() }

// Cut cuts the power: whatever is asked for from now on fails, and has no effect.
func (f *FS) Cut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cut = true
}

// Limit bounds how many bytes all files may have together: what would go beyond fails
// with an error.
func (f *FS) Limit(bytes int64, err syscall.Errno) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.limit, f.full = bytes, err
}

// Used returns how many bytes all files have.
func (f *FS) Used() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.used
}

// take takes up to n bytes, or gives them back if they are less than 0. It returns how
// many it was, and an error if they are less than n.
func (f *FS) take(n int64) (took int64, errno syscall.Errno) {
	f.mu.Lock()
	defer f.mu.Unlock()
	took = n
	if f.full != 0 && f.used+n > f.limit && n > 0 {
		took, errno = max(0, f.limit-f.used), f.full
	}
	f.used += took
	return took, errno
}

// allow asks whether an operation may be done.
func (f *FS) allow(kind disk.Kind, name, text string) syscall.Errno {
	if f.watch != nil {
		if errno := f.watch(kind, name, text); errno != 0 {
			return errno
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.cut {
		return syscall.EIO
	}
	return 0
}

// sync records a sync, and fails if it is to.
func (f *FS) sync(op disk.Op, name string) syscall.Errno {
	end := f.Begin(op)
	errno := f.allow(op.Kind, name, "")
	if errno == syscall.EINTR {
		return errno // the program is dead, and nothing has happened
	}
	end(errno != 0)
	return errno
}

// root is the directory.
type root struct {
	fs.Inode
	fs    *FS
	files map[string][]byte
}

var (
	_ fs.NodeOnAdder  = (*root)(nil)
	_ fs.NodeCreater  = (*root)(nil)
	_ fs.NodeUnlinker = (*root)(nil)
	_ fs.NodeRenamer  = (*root)(nil)
	_ fs.NodeFsyncer  = (*root)(nil)
)

func (r *root) OnAdd(ctx context.Context) {
	for name, data := range r.files {
		node := &file{fs: r.fs, number: r.fs.File(name), data: append([]byte(nil), data...)}
		_, _ = r.fs.take(int64(len(data)))
		r.AddChild(name, r.NewPersistentInode(ctx, node, fs.StableAttr{Mode: fuse.S_IFREG}), false)
	}
}

func (r *root) Create(ctx context.Context, name string, _, _ uint32, _ *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	node := &file{fs: r.fs, notes: name == disk.NotesFile}
	if !node.notes {
		if errno := r.fs.allow(disk.Rename, name, ""); errno != 0 {
			return nil, nil, 0, errno
		}
		node.number = r.fs.Create(name)
	}
	return r.NewPersistentInode(ctx, node, fs.StableAttr{Mode: fuse.S_IFREG}), nil, 0, 0
}

func (r *root) Unlink(_ context.Context, name string) syscall.Errno {
	errno := r.fs.allow(disk.Rename, name, "")
	if errno == 0 {
		r.free(name)
		r.fs.Remove(name)
	}
	return errno
}

// free gives back what the file has that loses its name, though somebody may have it
// open.
func (r *root) free(name string) {
	child := r.GetChild(name)
	if child == nil {
		return
	}
	f := child.Operations().(*file)
	f.mu.Lock()
	defer f.mu.Unlock()
	_, _ = r.fs.take(-int64(len(f.data)))
}

func (r *root) Rename(_ context.Context, name string, _ fs.InodeEmbedder, to string, flags uint32) syscall.Errno {
	if flags != 0 {
		return syscall.EINVAL
	}
	errno := r.fs.allow(disk.Rename, name, "")
	if errno == 0 {
		r.free(to)
		r.fs.Rename(name, to)
	}
	return errno
}

func (r *root) Fsync(context.Context, fs.FileHandle, uint32) syscall.Errno {
	return r.fs.sync(disk.Op{Kind: disk.SyncNames}, ".")
}
