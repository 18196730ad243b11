package aging_test

import (
	"testing"

	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

var programs = rig.Programs{
	"hold": hold,
	"busy": busy,
}

func TestMain(m *testing.M) { rig.Main(m, programs) }
