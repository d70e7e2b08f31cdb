package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/gofrs/flock"

	"tfrunner/graph/checkpoint"
)

// A folder is a run's: its settings, and its checkpoints of the names
// model.ckpt-STEP. Which of these are complete is said by a state file,
// "checkpoint", as Python's tf.train.get_checkpoint_state reads it; the one of
// the best validation accuracy is in another, "best".
type folder struct {
	dir    string
	keep   int      // how many of the last checkpoints stay
	last   []string // the last checkpoints' names, oldest first
	best   string   // that of the best checkpoint; "": none
	record float64  // its validation accuracy
	lock   *flock.Flock
}

const (
	configFile = "config.json"
	lastState  = "checkpoint"
	bestState  = "best"
)

// openFolder makes a run's folder, or opens it, and locks it.
func openFolder(dir string, keep int) (*folder, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	f := &folder{dir: dir, keep: keep, lock: flock.New(filepath.Join(dir, ".lock"))}
	if ok, err := f.lock.TryLock(); err != nil {
		return nil, fmt.Errorf("locking %s: %w", dir, err)
	} else if !ok {
		return nil, fmt.Errorf("%s is in use by another run", dir)
	}
	err := f.readStates()
	if err != nil {
		f.close()
	}
	return f, err
}

func (f *folder) close() { f.lock.Unlock() }

func (f *folder) path(name string) string { return filepath.Join(f.dir, name) }

func (f *folder) readStates() (err error) {
	if _, f.last, err = readState(f.path(lastState)); err != nil {
		return err
	}
	if f.best, _, err = readState(f.path(bestState)); err != nil || f.best == "" {
		return err
	}
	best, err := readPosition(f.path(f.best))
	f.record = best.Validation
	return err
}

// latest returns the last checkpoint's prefix, "" if there is none.
func (f *folder) latest() string {
	if f.last == nil {
		return ""
	}
	return f.path(f.last[len(f.last)-1])
}

// save adds a checkpoint. It counts once the state file names it, so that a
// process killed at any moment leaves the one before.
func (f *folder) save(p position, values []checkpoint.Value) error {
	name := fmt.Sprintf("model.ckpt-%d", p.Step)
	for n := 2; ; n++ { // a run that was ended between an epoch's last step and its test has one of this step
		files, err := checkpoint.Files(f.path(name))
		if err != nil {
			return err
		}
		if files == nil {
			break
		}
		name = fmt.Sprintf("model.ckpt-%d-%d", p.Step, n)
	}
	if err := checkpoint.Write(f.path(name), values); err != nil {
		return err
	}
	f.last = append(f.last, name)
	f.last = f.last[max(0, len(f.last)-f.keep):]
	if err := writeState(f.path(lastState), f.last...); err != nil {
		return err
	}
	if p.Tested && (f.best == "" || p.Validation > f.record) {
		f.best, f.record = name, p.Validation
		if err := writeState(f.path(bestState), name); err != nil {
			return err
		}
	}
	return f.removeOthers()
}

// removeOthers removes the checkpoints that no state file names: old ones, and
// what a killed process left.
func (f *folder) removeOthers() error {
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name, _, ok := strings.Cut(e.Name(), ".index")
		if !ok {
			name, _, ok = strings.Cut(e.Name(), ".data-")
		}
		if ok && strings.HasPrefix(name, "model.ckpt-") && name != f.best && !slices.Contains(f.last, name) {
			if err := os.Remove(f.path(e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// readState reads a CheckpointState in protobuf's text format, of strings only.
// It returns nothing if there is no such file.
func readState(file string) (latest string, all []string, err error) {
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil, nil
	}
	if err != nil {
		return "", nil, err
	}
	for line := range strings.Lines(string(data)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		name, err := strconv.Unquote(value)
		switch {
		case key != "model_checkpoint_path" && key != "all_model_checkpoint_paths":
			continue // Python writes times too
		case err != nil || name == "":
			return "", nil, fmt.Errorf("%s is no checkpoint state: %q", file, line)
		case key == "model_checkpoint_path":
			latest = name
		default:
			all = append(all, name)
		}
	}
	if latest == "" {
		return "", nil, fmt.Errorf("%s is no checkpoint state: no model_checkpoint_path", file)
	}
	return latest, all, nil
}

// writeState writes the names of checkpoints, the latest last.
func writeState(file string, names ...string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "model_checkpoint_path: %q\n", names[len(names)-1])
	for _, name := range names {
		fmt.Fprintf(&b, "all_model_checkpoint_paths: %q\n", name)
	}
	return WriteFile(file, []byte(b.String()))
}

// ReadSettings returns the settings of the run in a folder. If there is no run,
// the error is fs.ErrNotExist.
func ReadSettings(dir string) (Settings, error) {
	file := filepath.Join(dir, configFile)
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("no run in %s: %w", dir, err)
	}
	var s Settings
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, fmt.Errorf("%s is no run's settings: %w", file, err)
	}
	return s, nil
}

func (f *folder) writeConfig(s Settings) error {
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return WriteFile(f.path(configFile), append(data, '\n'))
}
