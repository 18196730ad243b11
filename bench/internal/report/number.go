package report

import (
	"math"
	"strconv"
	"strings"
)

// Number writes a number with three significant digits, and with commas
// between thousands: 1.23, 45.6, 789, 12,300.
func Number(v float64) string {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return "–"
	case v == 0:
		return "0"
	}
	unit := math.Pow(10, math.Floor(math.Log10(math.Abs(v)))-2)
	v = math.Round(v/unit) * unit
	decimals := 0
	for decimals < 6 && math.Abs(v) < 100 && math.Abs(v*math.Pow10(decimals)-math.Round(v*math.Pow10(decimals))) > 1e-6 {
		decimals++
	}
	return commas(strconv.FormatFloat(v, 'f', decimals, 64))
}

func commas(s string) string {
	whole, fraction, found := strings.Cut(s, ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if found {
		whole += "." + fraction
	}
	return sign + whole
}
