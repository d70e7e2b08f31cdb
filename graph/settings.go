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

// positive, fraction and notNegative return a RangeError unless a setting is
// more than 0, from 0 to 1, or at least 0.
func positive(setting string, x float32) error {
	return within(setting, x, x > 0 && finite(x), "more than 0")
}

func fraction(setting string, x float32) error {
	return within(setting, x, x >= 0 && x <= 1, "0 to 1")
}

func notNegative(setting string, x float32) error {
	return within(setting, x, x >= 0 && finite(x), "at least 0")
}

func within(setting string, x any, ok bool, want string) error {
	if ok {
		return nil
	}
	return &RangeError{setting, x, want}
}

// finite tells whether x is a number.
func finite(x float32) bool {
	return !math.IsNaN(float64(x)) && !math.IsInf(float64(x), 0)
}
