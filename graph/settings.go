package graph

import (
	"fmt"
	"math"
)

// A RangeError says that a setting is out of its range.
type RangeError struct {
	Setting string // by its name on the command line
	Value   any
	Want    string // the range
}

func (e *RangeError) Error() string {
	return fmt.Sprintf("%s %v: want %s", e.Setting, e.Value, e.Want)
}

// finite tells whether x is a number.
func finite(x float32) bool {
	return !math.IsNaN(float64(x)) && !math.IsInf(float64(x), 0)
}
