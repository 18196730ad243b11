// Package torture proves what the README promises of durability: its tests take
// the power away from programs that use the library, kill them, let their disk
// fail, and look at what is found afterwards.
//
//	go test ./...                                   # the quick tier, about a minute and a half
//	GIMLET_TORTURE=full go test -timeout 2h ./...   # the full tier
//
// Each test logs a line that begins with "figures:" (go test -v shows it). Most
// tests have a control: the same with a library from which the safeguard has
// been taken out, which must be found out.
//
// What needs a tool that is missing is skipped, with a reason that names it: the
// crash states need strace, the failing disk and the power cuts need FUSE
// (/dev/fuse, and fusermount3 where the user is not root).
package torture
