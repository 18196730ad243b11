package main

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestStyle_contrast holds the colours of every theme to the contrast that
// WCAG 2.2 asks of text (1.4.3) and of what else must be seen (1.4.11).
func TestStyle_contrast(t *testing.T) {
	palettes := readPalettes(t)
	for _, name := range themes {
		if name == "auto" {
			continue // it is one of the others
		}
		colours := palettes[name]
		require.NotEmpty(t, colours, "style.css has no theme %q", name)
		for _, pair := range []struct {
			front, back string
			least       float64
		}{
			{"ink", "paper", 7}, {"ink", "card", 7},
			{"muted", "paper", 4.5}, {"muted", "card", 4.5},
			{"accent", "paper", 4.5}, {"accent", "card", 4.5},
			{"danger", "paper", 4.5}, {"danger", "card", 4.5},
			{"on-accent", "accent", 4.5},
		} {
			got := contrast(t, colours[pair.front], colours[pair.back])
			require.GreaterOrEqual(t, got, pair.least, "%s: %s on %s", name, pair.front, pair.back)
		}
	}
}

func TestStyle_contrastOfKnownColours(t *testing.T) {
	require.InDelta(t, 21, contrast(t, "#000000", "#ffffff"), .01)
	require.InDelta(t, 4.54, contrast(t, "#767676", "#ffffff"), .01)
}

// readPalettes returns the colours of each theme in style.css. A colour that a
// theme does not set is the default's, by its color-scheme.
func readPalettes(t *testing.T) map[string]map[string]string {
	t.Helper()
	css, err := files.ReadFile("static/style.css")
	require.NoError(t, err)
	palettes := map[string]map[string]string{}
	var base string
	for _, rule := range regexp.MustCompile(`(?s)\[data-theme(?:="(\w+)")?\] \{(.*?)\}`).FindAllStringSubmatch(string(css), -1) {
		name, body := rule[1], rule[2]
		if name == "" {
			base = body
			continue
		}
		if !strings.Contains(body, "color-scheme") {
			continue // not the rule with the colours
		}
		dark := strings.Contains(body, "color-scheme: dark")
		palettes[name] = readColours(base+body, dark)
	}
	return palettes
}

var colour = regexp.MustCompile(`--([\w-]+): (?:light-dark\((#\w{6}), (#\w{6})\)|(#\w{6}));`)

func readColours(body string, dark bool) map[string]string {
	colours := map[string]string{}
	for _, m := range colour.FindAllStringSubmatch(body, -1) {
		switch {
		case m[4] != "":
			colours[m[1]] = m[4]
		case dark:
			colours[m[1]] = m[3]
		default:
			colours[m[1]] = m[2]
		}
	}
	return colours
}

// contrast is the contrast ratio of WCAG 2.2.
func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	x, y := luminance(t, a), luminance(t, b)
	return (max(x, y) + .05) / (min(x, y) + .05)
}

func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	require.Len(t, colour, len("#rrggbb"))
	sum := 0.
	for i, weight := range []float64{.2126, .7152, .0722} {
		n, err := strconv.ParseUint(colour[1+2*i:3+2*i], 16, 8)
		require.NoError(t, err)
		c := float64(n) / 255
		if c <= .04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}
