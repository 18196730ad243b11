package bolt

import "syscall"

// networkTypes are the file systems of Linux that are on another machine, by the
// number that statfs gives. Those that a program implements (FUSE) may be or not.
var networkTypes = map[uint32]string{
	0x6969:     "nfs",
	0x517b:     "smb",
	0xfe534d42: "smb",
	0xff534d42: "cifs",
	0x564c:     "ncp",
	0x01021997: "9p",
	0x00c36400: "ceph",
	0x0bd00bd0: "lustre",
	0x5346414f: "afs",
	0x6b414653: "afs",
	0x73757245: "coda",
}

// networkFilesystem returns the name of the file system that a path is on if that
// is on another machine, and else "".
func networkFilesystem(path string) string {
	var stat syscall.Statfs_t
	if syscall.Statfs(path, &stat) != nil {
		return ""
	}
	return networkTypes[uint32(stat.Type)]
}
