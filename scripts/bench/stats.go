package main

import (
	"math"
	"slices"
)

// median returns the middle of numbers, NaN of none.
func median(x []float64) float64 { return percentile(x, 50) }

// percentile returns the value that p percent of numbers are at most, between
// two of them as NumPy's percentile has it; NaN of none.
func percentile(x []float64, p float64) float64 {
	if len(x) == 0 {
		return math.NaN()
	}
	x = slices.Sorted(slices.Values(x))
	at := p / 100 * float64(len(x)-1)
	below := int(at)
	above := min(below+1, len(x)-1)
	return x[below] + (at-float64(below))*(x[above]-x[below])
}
