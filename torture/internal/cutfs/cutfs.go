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

	mu  sync.Mutex
	cut bool
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
		r.fs.Remove(name)
	}
	return errno
}

func (r *root) Rename(_ context.Context, name string, _ fs.InodeEmbedder, to string, flags uint32) syscall.Errno {
	if flags != 0 {
		return syscall.EINVAL
	}
	errno := r.fs.allow(disk.Rename, name, "")
	if errno == 0 {
		r.fs.Rename(name, to)
	}
	return errno
}

func (r *root) Fsync(context.Context, fs.FileHandle, uint32) syscall.Errno {
	return r.fs.sync(disk.Op{Kind: disk.SyncNames}, ".")
}
