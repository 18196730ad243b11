package bolt

import "syscall"

// networkFilesystem returns the name of the file system that a path is on if that
// is on another machine, and else "".
func networkFilesystem(path string) string {
	var stat syscall.Statfs_t
	if syscall.Statfs(path, &stat) != nil {
		return ""
	}
	var name []byte
	for _, c := range stat.Fstypename {
		if c == 0 {
			break
		}
		name = append(name, byte(c))
	}
	switch s := string(name); s {
	case "nfs", "smbfs", "afpfs", "webdav", "ftp":
		return s
	}
	return ""
}
