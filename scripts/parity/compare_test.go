package main

import (
	"math"
	"slices"
	"strings"
	"testing"

	"tfrunner/graph"
	"tfrunner/train"
)

// TestCompare changes one bit at a time.
func TestCompare(t *testing.T) {
	vars := []graph.Variable{{Name: "w"}, {Name: "w/RMSProp"}}
	golang := func() side {
		return side{
			losses: []float32{2.3, 2.2, 2.1}, epochs: []accuracy{{0.5, 0.25}}, correct: 2,
			values: [][]byte{{1, 2}, {3, 4}}, classes: []byte{7, 2, 1},
		}
	}
	if err := compare(golang(), golang(), vars); err != nil {
		t.Error(err)
	}
	for _, test := range []struct {
		change func(*side)
		want   string
	}{
		{func(s *side) {
			s.losses[1] = math.Nextafter32(s.losses[1], 3)
			s.values[1][0]++
		}, "the losses differ first at step 2: Go 2.2 (0x400ccccd), Python 2.2000003 (0x400cccce); variables that differ at the end: w/RMSProp"},
		{func(s *side) { s.losses = s.losses[:2] }, "3 steps in Go, 2 in Python"},
		{func(s *side) { s.epochs[0].sample += 1e-9 }, "other accuracies after the epochs"},
		{func(s *side) { s.values[0][1]++ }, "equal losses, but these variables differ at the end: w"},
		{func(s *side) { s.classes[2] = 3 }, "test image 2 is a 1 in Go, a 3 in Python"},
		{func(s *side) { s.correct++ }, "2 are right in Go, 3 in Python"},
	} {
		python := golang()
		test.change(&python)
		if err := compare(golang(), python, vars); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("error %v, want %q", err, test.want)
		}
	}
}

func TestRecord(t *testing.T) {
	var s side
	for _, r := range []train.Record{
		{Kind: train.Step, Loss: 2}, {Kind: train.Epoch, Loss: 9, ValidationAccuracy: 0.5, SampleAccuracy: 0.25}, {Kind: train.Final, Correct: 8},
	} {
		if err := s.Record(r); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(s.losses, []float32{2}) || !slices.Equal(s.epochs, []accuracy{{0.5, 0.25}}) || s.correct != 8 {
		t.Errorf("%+v", s)
	}
}

func TestMedian(t *testing.T) {
	if a, b := median([]float64{3, 1, 2}), median([]float64{4, 1, 2, 3}); a != 2 || b != 2.5 {
		t.Errorf("medians %v and %v", a, b)
	}
}
