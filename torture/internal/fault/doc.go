// Package fault lets system calls of a process fail as the system itself would: those
// of one kind and about certain files, the N-th of all its threads. The process asks
// itself about each of them (seccomp with user notification), which takes
// microseconds and no privilege.
package fault
