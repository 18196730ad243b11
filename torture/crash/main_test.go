package crash_test

import (
	"testing"

	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

var programs = rig.Programs{
	"work":   work,
	"survey": survey,
	"serve":  serve,
}

func TestMain(m *testing.M) { rig.Main(m, programs) }
