package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"tfrunner/mnist"
)

// A class is a digit that a picture may show.
type class struct {
	Class       int     `json:"class"`
	Probability float32 `json:"probability"`
}

// print prints one picture's answer, given the classes' probabilities.
func (o options) print(w io.Writer, file string, pixels []byte, probabilities []float32) error {
	classes := make([]class, len(probabilities))
	for i, p := range probabilities {
		classes[i] = class{i, p}
	}
	slices.SortStableFunc(classes, func(a, b class) int { return cmp.Compare(b.Probability, a.Probability) })
	classes = classes[:o.top]
	if o.json {
		return json.NewEncoder(w).Encode(struct {
			File  string  `json:"file"`
			Class int     `json:"class"`
			Top   []class `json:"top"`
		}{file, classes[0].Class, classes})
	}
	var b strings.Builder
	if o.show {
		b.WriteString(art(pixels))
	}
	fmt.Fprintf(&b, "%s: ", file)
	for i, c := range classes {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%d (%.2f %%)", c.Class, 100*c.Probability)
	}
	_, err := fmt.Fprintln(w, &b)
	return err
}

// art returns an image as lines of text, two columns a pixel, which on most
// terminals are a square.
func art(pixels []byte) string {
	shades := []string{"  ", "░░", "▒▒", "▓▓", "██"}
	var b strings.Builder
	for row := range slices.Chunk(pixels, mnist.Cols) {
		line := ""
		for _, ink := range row {
			line += shades[(int(ink)*(len(shades)-1)+127)/255]
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}
