//go:build !linux && !darwin

package bolt

// networkFilesystem would return the name of a file system on another machine. Here
// nobody tells.
func networkFilesystem(string) string { return "" }
