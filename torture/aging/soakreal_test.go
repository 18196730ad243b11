package aging_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

// A site that is used for a long time, over HTTP, needs after the first half no more
// memory, descriptors, goroutines, disk and time than before. GIMLET_SOAK=4h makes it
// last so long.
func TestSoak_real(t *testing.T) {
	began := time.Now()
	total := time.Duration(rig.Tier(3, 300)) * time.Second
	if text := os.Getenv("GIMLET_SOAK"); text != "" {
		var err error
		total, err = time.ParseDuration(text)
		require.NoError(t, err)
	}
	samples, requests := watchBusy(t, business{Path: filepath.Join(t.TempDir(), "sessions.db")}, total)
	text, growing := trends(samples)
	rig.Figures(t, began, "%d requests, %s", requests, text)
	require.Empty(t, growing)
}

// A program that leaks a goroutine and a descriptor with each request is found out.
func TestSoak_realControl(t *testing.T) {
	samples, _ := watchBusy(t, business{Path: filepath.Join(t.TempDir(), "sessions.db"), Leaks: true}, 3*time.Second)
	_, growing := trends(samples)
	require.Contains(t, growing, "goroutines")
	require.Contains(t, growing, "descriptors")
}

// trends says how the second half of some samples grows, and what grows in it by more
// than 2 % and what is noise.
func trends(samples []sample) (text string, growing []string) {
	half := samples[len(samples)/2:]
	var parts []string
	for _, m := range []struct {
		name  string
		of    func(sample) int
		noise float64 // that does not count, whatever the samples say
	}{
		{"KiB of memory", func(s sample) int { return s.Memory >> 10 }, 8 << 10},
		{"descriptors", func(s sample) int { return s.Files }, 8},
		{"goroutines", func(s sample) int { return s.Goroutines }, 32},
		{"KiB of file", func(s sample) int { return s.FileSize >> 10 }, 1 << 10},
		{"µs for 99 of 100 requests", func(s sample) int { return s.P99 }, 20_000},
	} {
		mean, growth, doubt := line(half, m.of)
		parts = append(parts, fmt.Sprintf("%.0f %s %+.0f ± %.0f", mean, m.name, growth, doubt))
		if growth > mean*0.02+3*doubt+m.noise {
			growing = append(growing, m.name)
		}
	}
	return strings.Join(parts, ", "), growing
}

// line fits a line to samples. It returns their mean, by how much the line grows from
// the first to the last, and the standard error of that.
func line(samples []sample, of func(sample) int) (mean, growth, doubt float64) {
	n := float64(len(samples))
	for _, s := range samples {
		mean += float64(of(s)) / n
	}
	middle := (n - 1) / 2
	var xx, xy float64
	for i, s := range samples {
		x := float64(i) - middle
		xx += x * x
		xy += x * (float64(of(s)) - mean)
	}
	slope := xy / xx
	var rest float64
	for i, s := range samples {
		d := float64(of(s)) - mean - slope*(float64(i)-middle)
		rest += d * d
	}
	return mean, slope * (n - 1), math.Sqrt(rest/(n-2)/xx) * (n - 1)
}
