//go:build !linux && !darwin

package bolt

// hasDiskSpace cannot tell: a copy that the disk has no room for is given up.
func hasDiskSpace(string, int64) bool { return true }
