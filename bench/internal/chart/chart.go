// Package chart draws bars and lines as SVG that is readable on light and on
// dark pages: the background is transparent, and the colours follow the
// reader's scheme. It exists because plotting libraries write fixed colours.
package chart

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// A Bars chart compares contestants by one quantity.
type Bars struct {
	Title string
	Unit  string // shown after the title, with which way is better
	Bars  []Bar
}

// A Bar is one contestant. Text stands at its end.
type Bar struct {
	Name   string
	Value  float64
	Text   string
	Strong bool // drawn in the colour that stands out
}

const (
	width    = 720.0
	nameEnd  = 190.0 // where names end and bars begin
	barStep  = 26.0
	barThick = 16.0
	top      = 58.0
)

// SVG draws the chart.
func (c Bars) SVG() string {
	var d drawing
	height := top + barStep*float64(len(c.Bars)) + 12
	d.begin(width, height, c.Title, c.Unit)
	var most float64
	for _, b := range c.Bars {
		if b.Value > most { // false for what is not a number
			most = b.Value
		}
	}
	const room = width - nameEnd - 110 // the rest is for the texts
	for i, b := range c.Bars {
		y := top + barStep*float64(i)
		length := max(1, room*b.Value/most)
		if most == 0 || math.IsNaN(b.Value) {
			length = 1
		}
		class := "peer"
		if b.Strong {
			class = "ours"
		}
		d.text("name", nameEnd-8, y+barThick-4, "end", b.Name)
		d.add(`<rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="2"/>`, class, nameEnd, y, length, barThick)
		d.text("small", nameEnd+length+6, y+barThick-4, "start", b.Text)
	}
	return d.end()
}

// A drawing is an SVG that is being written.
type drawing struct{ b strings.Builder }

const style = `<style>
text{font-family:-apple-system,"Segoe UI","Noto Sans",Helvetica,Arial,sans-serif;font-size:13px;fill:#1f2328}
.title{font-size:16px;font-weight:600}.small{font-size:12px;fill:#59636e}.grid{stroke:#d1d9e0;stroke-width:1}
.ours{fill:#0969da}.peer{fill:#8c959f}
.line{fill:none;stroke-width:2.5}.s0{stroke:#0969da}.s1{stroke:#bc4c00}.s2{stroke:#1a7f37}.s3{stroke:#8250df}
.d0{fill:#0969da}.d1{fill:#bc4c00}.d2{fill:#1a7f37}.d3{fill:#8250df}
@media (prefers-color-scheme:dark){
text{fill:#f0f6fc}.small{fill:#9198a1}.grid{stroke:#3d444d}.ours{fill:#4493f8}.peer{fill:#656c76}
.s0{stroke:#4493f8}.s1{stroke:#db6d28}.s2{stroke:#3fb950}.s3{stroke:#ab7df8}
.d0{fill:#4493f8}.d1{fill:#db6d28}.d2{fill:#3fb950}.d3{fill:#ab7df8}}
</style>`

// palette is how many colours the style has for lines.
const palette = 4

func (d *drawing) begin(width, height float64, title, unit string) {
	d.add(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" width="%.0f" height="%.0f" role="img" aria-label="%s">`,
		width, height, width, height, html.EscapeString(title))
	d.b.WriteString(style + "\n")
	d.text("title", 8, 22, "start", title)
	d.text("small", 8, 42, "start", unit)
}

func (d *drawing) text(class string, x, y float64, anchor, s string) {
	d.add(`<text class="%s" x="%.1f" y="%.1f" text-anchor="%s">%s</text>`, class, x, y, anchor, html.EscapeString(s))
}

func (d *drawing) add(format string, args ...any) {
	fmt.Fprintf(&d.b, format+"\n", args...)
}

func (d *drawing) end() string {
	d.b.WriteString("</svg>\n")
	return d.b.String()
}
