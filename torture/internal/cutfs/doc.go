// Package cutfs is a file system in memory whose power can be cut. It is mounted
// through FUSE, so that a program uses it as any other, and records in a
// [disk.Log] what the program does.
package cutfs
