package truth_test

import (
	"testing"

	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

var programs = rig.Programs{
	"meet":   meet,
	"suffer": suffer,
	"strike": strike,
}

func TestMain(m *testing.M) { rig.Main(m, programs) }
