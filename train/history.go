package train

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// The files of a run's folder that hold its records: all of them, as lines of
// JSON, and the epochs as a table.
const (
	historyJSON  = "history.jsonl"
	historyTable = "history.csv"
)

// History returns a recorder that keeps a run's records in its folder, in
// history.jsonl and history.csv. When a run goes on, what was recorded after
// its checkpoint is cut off, to be recorded anew.
func History(dir string) Recorder { return &history{dir: dir} }

type history struct {
	dir    string
	lines  *os.File
	epochs []Record
}

func (h *history) Record(r Record) error {
	if h.lines == nil {
		if err := h.open(r); err != nil {
			return err
		}
	}
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if _, err := h.lines.Write(append(line, '\n')); err != nil {
		return err
	}
	if r.Kind == Epoch {
		h.epochs = append(h.epochs, r)
		return h.writeTable()
	}
	return nil
}

// open writes what the folder's records have before the first one of this
// process.
func (h *history) open(first Record) error {
	var kept bytes.Buffer
	if first.Kind == Resume {
		before, err := ReadHistory(h.dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, r := range before {
			switch {
			case r.Kind == Step && r.Step <= first.Step:
			case r.Kind == Epoch && r.Epoch < first.Epoch:
				h.epochs = append(h.epochs, r)
			default:
				continue
			}
			line, err := json.Marshal(r)
			if err != nil {
				return err
			}
			kept.Write(append(line, '\n'))
		}
	}
	name := filepath.Join(h.dir, historyJSON)
	err := WriteFile(name, kept.Bytes())
	if err == nil {
		h.lines, err = os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
	}
	return err
}

// writeTable writes the epochs as CSV.
func (h *history) writeTable() error {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.Write([]string{"epoch", "step", "loss", "learning_rate", "validation_accuracy", "sample_accuracy", "images_per_second", "seconds"})
	for _, r := range h.epochs {
		row := []string{strconv.Itoa(r.Epoch), strconv.Itoa(r.Step)}
		for _, x := range []float32{r.Loss, r.LearningRate} {
			row = append(row, strconv.FormatFloat(float64(x), 'g', -1, 32))
		}
		for _, x := range []float64{r.ValidationAccuracy, r.SampleAccuracy, r.ImagesPerSecond, r.Elapsed.Seconds()} {
			row = append(row, strconv.FormatFloat(x, 'g', -1, 64))
		}
		w.Write(row)
	}
	w.Flush() // into memory, which does not fail
	return WriteFile(filepath.Join(h.dir, historyTable), b.Bytes())
}

// ReadHistory returns the records in a run's folder. A last line that a killed
// process left unfinished does not count.
func ReadHistory(dir string) ([]Record, error) {
	name := filepath.Join(dir, historyJSON)
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var records []Record
	for number, line := range bytes.SplitAfter(data, []byte("\n")) {
		if !bytes.HasSuffix(line, []byte("\n")) {
			break
		}
		var r Record
		if err := json.Unmarshal(line, &r); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, number+1, err)
		}
		records = append(records, r)
	}
	return records, nil
}
