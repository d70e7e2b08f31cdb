package graph

import (
	"fmt"
	"slices"
	"strings"
)

// Names say which tensors of a graph play which part in its training, each by
// its op's name, as X, or with the output's number, as X:0. B is the number of
// images in a batch, which the graph must leave open.
type Names struct {
	Images      string // float32 [B, 28, 28, 1], [B, 28, 28] or [B, 784], ink is 1
	Labels      string // float32 [B, 10], one-hot, or int32 or int64 [B], the classes
	Loss        string // float32 scalar
	Predictions string // int64 or int32 [B]: the likeliest class

	// TestPredictions are the Predictions to test with; "": Predictions.
	TestPredictions string

	// KeepConv and KeepHidden are placeholders, float32 scalars, of what
	// dropouts keep; "": none. One of the two is fine.
	KeepConv, KeepHidden string

	// Train is the op by which the graph trains itself; "": none.
	Train string
}

// A part is a field of Names, by its key in a text.
type part struct {
	key      string
	name     *string
	optional bool
}

func (n *Names) parts() []part {
	return []part{
		{"images", &n.Images, false},
		{"labels", &n.Labels, false},
		{"loss", &n.Loss, false},
		{"predictions", &n.Predictions, false},
		{"test_predictions", &n.TestPredictions, true},
		{"keep_conv", &n.KeepConv, true},
		{"keep_hidden", &n.KeepHidden, true},
		{"train", &n.Train, true},
	}
}

// ParseNames reads Names from key=name pairs with commas between them, as
// images=X:0,labels=Y:0,loss=cost:0,predictions=pred:0. The keys are the
// fields' names in lower case with underscores.
func ParseNames(text string) (Names, error) {
	var n Names
	parts := n.parts()
	for _, pair := range strings.Split(text, ",") {
		key, name, _ := strings.Cut(pair, "=")
		i := slices.IndexFunc(parts, func(p part) bool { return p.key == key })
		switch {
		case i < 0:
			return n, fmt.Errorf("%q: want KEY=NAME, where a KEY is %s", pair, keys(parts))
		case name == "":
			return n, fmt.Errorf("%q: want %s=NAME, as %[2]s=X:0", pair, key)
		case *parts[i].name != "":
			return n, fmt.Errorf("%s is there twice: %s and %s", key, *parts[i].name, name)
		}
		*parts[i].name = name
	}
	return n, n.validate()
}

// String returns the text that ParseNames reads.
func (n Names) String() string {
	var all []string
	for _, p := range n.parts() {
		if *p.name != "" {
			all = append(all, p.key+"="+*p.name)
		}
	}
	return strings.Join(all, ",")
}

// validate returns an error unless all required names are there.
func (n Names) validate() error {
	missing := slices.DeleteFunc(n.parts(), func(p part) bool { return p.optional || *p.name != "" })
	if len(missing) > 0 {
		return fmt.Errorf("no name of the graph's %s", keys(missing))
	}
	return nil
}

func keys(parts []part) string {
	var all []string
	for _, p := range parts {
		all = append(all, p.key)
	}
	return strings.Join(all, ", ")
}
