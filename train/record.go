package train

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"time"
)

// A Kind is the kind of a Record.
type Kind string

// The kinds of records, in the order in which they first come.
const (
	Resume Kind = "resume" // of a run that goes on: where
	Step   Kind = "step"
	Epoch  Kind = "epoch"
	Final  Kind = "final"
)

// A Record is what a training run found at one point. Its kind says which
// fields are set beside the first four.
type Record struct {
	Kind          Kind
	Epoch         int // counted from 0; of a final record the number of whole epochs
	Step          int // training steps so far
	StepsPerEpoch int

	Loss         float32 // of the step's batch, before its update; of an epoch the mean
	LearningRate float32 // of the step, or of the epoch's last; 0 of an imported graph that trains itself

	// Of a step.
	Images    int  // in its batch; in no JSON
	Scheduled bool // the LearningRate follows a schedule; the JSON has it then

	// Of an epoch.
	ImagesPerSecond    float64  // trained on
	ValidationAccuracy float64  // on all validation images
	SampleAccuracy     float64  // on 256 random test images, as in the tutorial
	Details            *Details // if Config.Details; in no JSON

	// Of the final record.
	TestAccuracy   float64 // on all test images
	Correct, Total int     // test images

	Elapsed time.Duration // of the epoch, or of the run

	// Where an epoch's time went.
	Session, Feeding, Evaluating, Recording time.Duration
}

// A Recorder consumes records.
type Recorder interface {
	// Record takes one record; an error ends the run.
	Record(Record) error
}

// MarshalJSON encodes the fields that the record's kind has. A step's loss is
// the shortest decimal that is exactly that float32 when read as one.
func (r Record) MarshalJSON() ([]byte, error) {
	switch r.Kind {
	case Resume:
		return json.Marshal(struct {
			Kind  Kind `json:"kind"`
			Epoch int  `json:"epoch"`
			Step  int  `json:"step"`
		}{r.Kind, r.Epoch, r.Step})
	case Step:
		var rate *float32
		if r.Scheduled {
			rate = &r.LearningRate
		}
		return json.Marshal(struct {
			Kind         Kind     `json:"kind"`
			Epoch        int      `json:"epoch"`
			Step         int      `json:"step"`
			Loss         float32  `json:"loss"`
			LearningRate *float32 `json:"learning_rate,omitempty"`
		}{r.Kind, r.Epoch, r.Step, r.Loss, rate})
	case Epoch:
		return json.Marshal(struct {
			Kind               Kind    `json:"kind"`
			Epoch              int     `json:"epoch"`
			Step               int     `json:"step"`
			Loss               float32 `json:"loss"`
			LearningRate       float32 `json:"learning_rate"`
			ValidationAccuracy float64 `json:"validation_accuracy"`
			SampleAccuracy     float64 `json:"sample_accuracy"`
			ImagesPerSecond    float64 `json:"images_per_second"`
			Seconds            float64 `json:"seconds"`
		}{r.Kind, r.Epoch, r.Step, r.Loss, r.LearningRate, r.ValidationAccuracy, r.SampleAccuracy, r.ImagesPerSecond, r.Elapsed.Seconds()})
	case Final:
		return json.Marshal(struct {
			Kind         Kind    `json:"kind"`
			Epochs       int     `json:"epochs"`
			Step         int     `json:"step"`
			TestAccuracy float64 `json:"test_accuracy"`
			Correct      int     `json:"correct"`
			Total        int     `json:"total"`
			Seconds      float64 `json:"seconds"`
		}{r.Kind, r.Epoch, r.Step, r.TestAccuracy, r.Correct, r.Total, r.Elapsed.Seconds()})
	}
	return nil, fmt.Errorf("a record of the kind %q", r.Kind)
}

// UnmarshalJSON decodes what MarshalJSON encodes.
func (r *Record) UnmarshalJSON(data []byte) error {
	var from struct {
		Kind               Kind     `json:"kind"`
		Epoch              int      `json:"epoch"`
		Epochs             int      `json:"epochs"`
		Step               int      `json:"step"`
		Loss               float32  `json:"loss"`
		LearningRate       *float32 `json:"learning_rate"`
		ValidationAccuracy float64  `json:"validation_accuracy"`
		SampleAccuracy     float64  `json:"sample_accuracy"`
		ImagesPerSecond    float64  `json:"images_per_second"`
		TestAccuracy       float64  `json:"test_accuracy"`
		Correct            int      `json:"correct"`
		Total              int      `json:"total"`
		Seconds            float64  `json:"seconds"`
	}
	if err := json.Unmarshal(data, &from); err != nil {
		return err
	}
	*r = Record{
		Kind: from.Kind, Epoch: from.Epoch + from.Epochs, Step: from.Step,
		Loss: from.Loss, Scheduled: from.Kind == Step && from.LearningRate != nil,
		ImagesPerSecond: from.ImagesPerSecond, ValidationAccuracy: from.ValidationAccuracy, SampleAccuracy: from.SampleAccuracy,
		TestAccuracy: from.TestAccuracy, Correct: from.Correct, Total: from.Total,
		Elapsed: time.Duration(math.Round(from.Seconds * 1e9)),
	}
	if from.LearningRate != nil {
		r.LearningRate = *from.LearningRate
	}
	return nil
}

// JSONLines returns a recorder that writes each record to w as a line of JSON.
func JSONLines(w io.Writer) Recorder { return jsonLines{json.NewEncoder(w)} }

type jsonLines struct{ *json.Encoder }

func (j jsonLines) Record(r Record) error { return j.Encode(r) }

// Multi returns a recorder that hands each record to all of rs, in order, up to
// the first error.
func Multi(rs ...Recorder) Recorder { return multi(rs) }

// Tolerate returns a recorder that hands records to r until one fails. That
// error it reports; the run goes on.
func Tolerate(r Recorder, report func(error)) Recorder { return &tolerant{r, report} }

type tolerant struct {
	Recorder
	report func(error)
}

func (t *tolerant) Record(r Record) error {
	if t.Recorder == nil {
		return nil
	}
	if err := t.Recorder.Record(r); err != nil {
		t.Recorder = nil
		t.report(err)
	}
	return nil
}

type multi []Recorder

func (m multi) Record(r Record) error {
	for _, recorder := range m {
		if err := recorder.Record(r); err != nil {
			return err
		}
	}
	return nil
}
