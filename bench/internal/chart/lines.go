package chart

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// A Lines chart shows how a quantity grows. Both axes are logarithmic.
type Lines struct {
	Title  string
	Unit   string // shown below the title
	X      string // the title of the horizontal axis
	Series []Series
	// Number writes the numbers at the axes.
	Number func(float64) string
}

// A Series is one line. Points that are not above zero cannot be drawn, and
// are left out.
type Series struct {
	Name   string
	Points []Point
}

// A Point is one measurement.
type Point struct{ X, Y float64 }

const (
	lineHeight = 340.0
	left       = 80.0
	right      = 560.0 // the names of the lines stand to the right of it
	bottom     = lineHeight - 48
)

// SVG draws the chart.
func (c Lines) SVG() string {
	var d drawing
	d.begin(width, lineHeight, c.Title, c.Unit)
	x, y, ok := c.axes()
	if !ok {
		d.text("small", left, top+20, "start", "nothing was measured")
		return d.end()
	}
	for _, v := range y.ticks() {
		at := y.at(v)
		d.add(`<line class="grid" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>`, left, at, right, at)
		d.text("small", left-8, at+4, "end", c.Number(v))
	}
	for _, v := range c.measuredAt() {
		d.text("small", x.at(v), bottom+18, "middle", c.Number(v))
	}
	d.text("small", (left+right)/2, bottom+38, "middle", c.X)
	names := c.nameHeights(y)
	for i, s := range c.Series {
		var path strings.Builder
		points := drawable(s.Points)
		for k, p := range points {
			fmt.Fprintf(&path, "%c%.1f %.1f", "ML"[min(k, 1)], x.at(p.X), y.at(p.Y))
		}
		if len(points) == 0 {
			continue
		}
		d.add(`<path class="line s%d" d="%s"/>`, i%palette, path.String())
		for _, p := range points {
			d.add(`<circle class="d%d" cx="%.1f" cy="%.1f" r="3.5"/>`, i%palette, x.at(p.X), y.at(p.Y))
		}
		d.text(fmt.Sprintf("d%d", i%palette), right+10, names[i]+4, "start", s.Name)
	}
	return d.end()
}

func drawable(points []Point) []Point {
	return slices.DeleteFunc(slices.Clone(points), func(p Point) bool {
		return !(p.X > 0 && p.Y > 0) || math.IsInf(p.Y, 0)
	})
}

// nameHeights puts the names at the ends of their lines, apart from each other.
func (c Lines) nameHeights(y axis) []float64 {
	order := make([]int, len(c.Series))
	heights := make([]float64, len(c.Series))
	for i, s := range c.Series {
		order[i] = i
		if points := drawable(s.Points); len(points) > 0 {
			heights[i] = y.at(points[len(points)-1].Y)
		}
	}
	slices.SortFunc(order, func(a, b int) int { return int(math.Copysign(1, heights[a]-heights[b])) })
	for k := 1; k < len(order); k++ {
		heights[order[k]] = max(heights[order[k]], heights[order[k-1]]+16)
	}
	return heights
}

func (c Lines) measuredAt() (all []float64) {
	for _, s := range c.Series {
		for _, p := range drawable(s.Points) {
			all = append(all, p.X)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (c Lines) axes() (x, y axis, ok bool) {
	x = axis{least: math.Inf(1), most: 0, from: left + 20, to: right - 20}
	y = axis{least: math.Inf(1), most: 0, from: bottom, to: top + 8}
	for _, s := range c.Series {
		for _, p := range drawable(s.Points) {
			x.least, x.most = min(x.least, p.X), max(x.most, p.X)
			y.least, y.most = min(y.least, p.Y), max(y.most, p.Y)
			ok = true
		}
	}
	y.least = math.Pow(10, math.Floor(math.Log10(y.least)))
	y.most = math.Pow(10, math.Ceil(math.Log10(y.most)))
	return x, y, ok
}

// An axis maps least to most, logarithmically, onto from to to.
type axis struct{ least, most, from, to float64 }

func (a axis) at(v float64) float64 {
	if a.most <= a.least {
		return (a.from + a.to) / 2
	}
	return a.from + (a.to-a.from)*math.Log(v/a.least)/math.Log(a.most/a.least)
}

// ticks returns the powers of ten on the axis.
func (a axis) ticks() (all []float64) {
	for v := a.least; v <= a.most*1.001; v *= 10 {
		all = append(all, v)
	}
	return all
}
