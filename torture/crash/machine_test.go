//go:build linux && (amd64 || arm64)

package crash_test

import (
	"testing"

	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

// doJob has a machine do a job until it is done or has been killed.
func doJob(t *testing.T, m *rig.Machine, binary string, j job) {
	t.Helper()
	j.Dir = m.Dir
	m.Run(rig.Program(t, binary, "work", j))
}
