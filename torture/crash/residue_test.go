package crash_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// within waits until what is said holds, no longer than some time, and reports
// whether it does.
func within(d time.Duration, holds func() bool) bool {
	for deadline := time.Now().Add(d); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

// residue says what of a directory this process still has open or mapped, and how many
// goroutines it has beyond those that it should have. It is "" if there is nothing.
func residue(dir string, goroutines int) string {
	var left string
	within(2*time.Second, func() bool {
		left = strings.Join(append(descriptors(dir), mappings(dir)...), ", ")
		if n := runtime.NumGoroutine() - goroutines; n > 0 {
			left += fmt.Sprintf(" and %d goroutines", n)
		}
		return left == ""
	})
	return left
}

// descriptors returns what this process has open in a directory, on systems that tell.
func descriptors(dir string) (open []string) {
	links, _ := filepath.Glob("/proc/self/fd/*")
	for _, link := range links {
		if name, err := os.Readlink(link); err == nil && strings.HasPrefix(name, dir) {
			open = append(open, name)
		}
	}
	return open
}

// mappings returns what it has mapped.
func mappings(dir string) (mapped []string) {
	b, _ := os.ReadFile("/proc/self/maps")
	for line := range strings.Lines(string(b)) {
		if strings.Contains(line, dir) {
			mapped = append(mapped, strings.TrimSpace(line))
		}
	}
	return mapped
}
