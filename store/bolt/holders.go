package bolt

import (
	"os"
	"sync"
)

// The locks of the system tell whether somebody holds a file, and not who. So this
// process remembers which files its own stores hold: to wait for one of them would
// mostly be in vain. A file is known by what it is, not by its name.
var held holders

type holders struct {
	mu    sync.Mutex
	files map[*os.File]*holder
}

type holder struct {
	info   os.FileInfo
	ending bool // its store is being closed
}

// claim notes that f is held, unless another handle of the same file is. Then it
// reports false, and whether that one is about to be given up.
func (h *holders) claim(f *os.File, info os.FileInfo) (ok, ending bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, other := range h.files {
		if os.SameFile(other.info, info) {
			return false, other.ending
		}
	}
	if h.files == nil {
		h.files = make(map[*os.File]*holder)
	}
	h.files[f] = &holder{info: info}
	return true, false
}

// end says that f is about to be given up.
func (h *holders) end(f *os.File) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if own := h.files[f]; own != nil {
		own.ending = true
	}
}

// forget says that f is held no more.
func (h *holders) forget(f *os.File) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.files, f)
}
