package fault_test

import (
	"testing"

	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

var programs = rig.Programs{}

func TestMain(m *testing.M) { rig.Main(m, programs) }
