// Package torture proves what the README promises of durability: its tests take
// the power away from programs that use the library, kill them, let their disk
// fail, damage their files, and look at what is found afterwards. And they prove that
// what is read is true: while many clients are at the same sessions, whatever bytes a
// client, a file or a record has, and after a long time.
//
//	crash   kills, power cuts, failed syncs, Close, locks, slow and stuck disks
//	fault   every system call fails, the disk is full
//	truth   histories of many clients, stale reads, forged cookies, bombs, damage
//	aging   a day of sessions, compaction, memory, long reads
//
//	go test ./...                                        # the quick tier
//	GIMLET_TORTURE=full go test -p 1 -timeout 2h ./...   # the full tier
//
// Each test logs a line that begins with "figures:" (go test -v shows it). Every
// test has a control: the same with a library from which the safeguard has been
// taken out, or with a double that lacks it, which must be found out. All of them,
// those of the library's own tests too, are one job, which shows a table:
//
//	GIMLET_TORTURE=full go test -v -run '^TestControls$' .
//
// What needs a tool that is missing is skipped, with a reason that names it: the
// crash states need strace, the failing disk and the power cuts need FUSE
// (/dev/fuse, and fusermount3 where the user is not root), the failing system calls
// seccomp with user notification (Linux 5.0), and the full disks mounts of their own:
// a tmpfs in a user namespace or as root, the others as root with loop devices.
package torture
