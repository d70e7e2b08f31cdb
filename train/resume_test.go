package train_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tfrunner/graph"
	"tfrunner/graph/checkpoint"
	"tfrunner/mnist"
	"tfrunner/scripts/python"
	"tfrunner/train"
)

// TestMain trains instead of running the tests if asked to, so that the tests
// can kill a training process.
func TestMain(m *testing.M) {
	if dir := os.Getenv("TFRUNNER_TEST_RUN"); dir != "" {
		if err := trainIn(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if dir := os.Getenv("TFRUNNER_TEST_FULL"); dir != "" {
		fmt.Fprintln(os.Stderr, resumeOnFullDisk(dir))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// inFolder returns the settings of a small model's run in a folder.
func inFolder(dir string) train.Config {
	c := tutorial(7)
	c.Model.Filters, c.Model.Hidden = [3]int64{4, 4, 8}, 16
	c.Out, c.Keep = dir, 2
	return c
}

// whole returns the losses' bits and the epochs of a run of c that nothing
// interrupts.
func whole(t *testing.T, c train.Config, d mnist.Data) *records {
	t.Helper()
	c.Out, c.Keep, c.Resume = "", 0, false
	return run(t, c, d)
}

// epochs returns what an uninterrupted run and its parts have in common.
func (r *records) epochs() (all []string) {
	for _, rec := range r.of(train.Epoch) {
		all = append(all, fmt.Sprint(rec.Epoch, rec.Step, rec.Loss, rec.LearningRate, rec.ValidationAccuracy, rec.SampleAccuracy))
	}
	return all
}

// TestResume interrupts a run in the middle of an epoch, after an epoch's last
// step but before its test, after the test, and twice.
func TestResume(t *testing.T) {
	d := small(t, 5*128) // 5 steps an epoch
	c := inFolder("")
	c.Epochs, c.Schedule = 3, graph.ExponentialDecay{Steps: 4, DecayRate: 0.5}
	want := whole(t, c, d)
	for _, test := range []struct {
		name string
		at   []train.Record // the records after which the run is interrupted
	}{
		{"first step", []train.Record{{Kind: train.Step, Step: 1}}},
		{"middle", []train.Record{{Kind: train.Step, Step: 7}}},
		{"end of an epoch", []train.Record{{Kind: train.Step, Step: 5}}},
		{"between epochs", []train.Record{{Kind: train.Epoch, Step: 10}}},
		{"twice", []train.Record{{Kind: train.Step, Step: 5}, {Kind: train.Step, Step: 8}}},
		{"resumed and interrupted at once", []train.Record{{Kind: train.Step, Step: 3}, {Kind: train.Resume, Step: 3}}},
	} {
		c.Out, c.Resume = t.TempDir(), false
		got := new(records)
		for _, at := range append(test.at, train.Record{}) {
			ctx, cancel := context.WithCancel(context.Background())
			got.after = func(r train.Record) error {
				if r.Kind == at.Kind && r.Step == at.Step {
					cancel()
				}
				return nil
			}
			err := newTrainer(t, c).Run(ctx, d, got)
			cancel()
			if interrupted := errors.Is(err, train.ErrInterrupted); interrupted != (at.Kind != "") || !interrupted && err != nil {
				t.Fatalf("%s: error %v", test.name, err)
			}
			c.Resume = true
		}
		if !slices.Equal(got.losses(), want.losses()) {
			t.Errorf("%s: losses %v, want %v", test.name, got.losses(), want.losses())
		}
		if !slices.Equal(got.epochs(), want.epochs()) {
			t.Errorf("%s: epochs %q, want %q", test.name, got.epochs(), want.epochs())
		}
		if a, b := got.all[len(got.all)-1].Correct, want.all[len(want.all)-1].Correct; a != b {
			t.Errorf("%s: %d test images right, want %d", test.name, a, b)
		}
	}
}

// TestResumeFinished resumes a run that has reached its end, and then gives it
// another one.
func TestResumeFinished(t *testing.T) {
	d := small(t, 3*128)
	c := inFolder(t.TempDir())
	c.Steps = 4
	run(t, c, d)
	c.Resume = true
	if r := run(t, c, d); r.of(train.Step) != nil || len(r.of(train.Final)) != 1 {
		t.Errorf("%+v", r.all)
	}
	c.Steps = 7
	r := run(t, c, d)
	if steps := r.of(train.Step); len(steps) != 3 || steps[0].Step != 5 {
		t.Errorf("%+v", steps)
	}
	if !slices.Equal(r.losses(), whole(t, c, d).losses()[4:]) {
		t.Error("other losses")
	}
	c.Steps, c.Epochs, c.Target = 0, 3, 0.01 // which any guessing reaches
	run(t, c, d)
	c.Epochs = 9
	if r := run(t, c, d); r.of(train.Step) != nil {
		t.Errorf("trained on after the target: %+v", r.all)
	}
}

// TestKept wants the last two checkpoints and the best one.
func TestKept(t *testing.T) {
	d := small(t, 2*128)
	c := inFolder(t.TempDir())
	c.Epochs = 6
	best, bestStep := -1.0, 0
	for _, rec := range run(t, c, d).of(train.Epoch) {
		if rec.ValidationAccuracy > best {
			best, bestStep = rec.ValidationAccuracy, rec.Step
		}
	}
	want := map[string]bool{}
	for _, step := range []int{bestStep, 10, 12} {
		for _, suffix := range []string{"index", "data-00000-of-00001"} {
			want[fmt.Sprintf("model.ckpt-%d.%s", step, suffix)] = true
		}
	}
	entries, err := os.ReadDir(c.Out)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "model.ckpt") && !want[e.Name()] {
			t.Errorf("%s is left", e.Name())
		}
		delete(want, e.Name())
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
	state, err := os.ReadFile(filepath.Join(c.Out, "best"))
	if err != nil || !strings.Contains(string(state), strconv.Quote(fmt.Sprint("model.ckpt-", bestStep))) {
		t.Errorf("best %q, error %v, want step %d", state, err, bestStep)
	}
}

func TestRefused(t *testing.T) {
	d := small(t, 2*128)
	c := inFolder(t.TempDir())
	c.Steps = 2
	run(t, c, d)
	refuse := func(change func(*train.Config), want string) {
		t.Helper()
		c := c
		change(&c)
		trainer, err := train.New(c)
		if err == nil {
			defer trainer.Close()
			err = trainer.Run(context.Background(), d, new(records))
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	refuse(func(*train.Config) {}, c.Out+" holds a run already: -resume goes on with it")
	refuse(func(c *train.Config) {
		c.Resume, c.Batch, c.Model.Seed = true, 64, 8
		c.Optimizer = graph.RMSProp{LearningRate: 0.1, Decay: 0.9, Epsilon: 1e-10}
	}, "made with other settings: batch 64 (there 128), lr 0.1 (there 0.001), seed 8 (there 7); -force")
	refuse(func(c *train.Config) { c.Resume, c.Out = true, filepath.Join(c.Out, "other") }, "no run in "+c.Out)
	refuse(func(c *train.Config) { c.Resume, c.Out = true, "" }, "resume true: want -out")
	refuse(func(c *train.Config) { c.Force = true }, "force true: want -resume")
	refuse(func(c *train.Config) { c.Resume, c.Init = true, c.Out }, "want no -resume")
	refuse(func(c *train.Config) { c.Keep = 0 }, "keep 0: want at least 1")
	refuse(func(c *train.Config) { c.Out = filepath.Join(c.Out, "config.json", "x") }, "not a directory")
	refuse(func(c *train.Config) { c.Resume, c.Force, c.Model.Hidden = true, true, 17 }, "w4 in the checkpoint "+c.Out)

	c.Resume, c.Force, c.Steps = true, true, 3
	c.Optimizer = graph.RMSProp{LearningRate: 0.1, Decay: 0.9, Epsilon: 1e-10}
	run(t, c, d)
	c.Force = false
	run(t, c, d) // these are the run's settings now
}

func TestInUse(t *testing.T) {
	d := small(t, 2*128)
	c := inFolder(t.TempDir())
	c.Steps = 2
	r := &records{after: func(train.Record) error {
		if err := newTrainer(t, c).Run(context.Background(), d, new(records)); err == nil || !strings.Contains(err.Error(), "in use by another run") {
			t.Errorf("error %v", err)
		}
		return nil
	}}
	if err := newTrainer(t, c).Run(context.Background(), d, r); err != nil {
		t.Fatal(err)
	}
}

// variables returns the bytes of the trainer's variables after a run.
func variables(t *testing.T, trainer *train.Trainer, vars []graph.Variable) (all [][]byte) {
	t.Helper()
	values, err := trainer.Values(vars)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range values {
		var b bytes.Buffer
		if _, err := v.WriteContentsTo(&b); err != nil {
			t.Fatal(err)
		}
		all = append(all, b.Bytes())
	}
	return all
}

// TestPythonRestores has the Python reference's Saver restore a run's weights
// and slots, and a run start from what it then saved.
func TestPythonRestores(t *testing.T) {
	d := load(t)
	c := tutorial(7)
	c.Steps, c.Out, c.Keep = 3, t.TempDir(), 1
	trainer := newTrainer(t, c)
	if err := trainer.Run(context.Background(), d, new(records)); err != nil {
		t.Fatal(err)
	}
	dir, err := mnist.Dir()
	if err != nil {
		t.Fatal(err)
	}
	saved, classes := filepath.Join(t.TempDir(), "python.ckpt"), filepath.Join(t.TempDir(), "classes")
	cmd, err := python.Command(context.Background(), os.Stderr, "../scripts/tutorial.py", "-data", dir, "-epochs", "0",
		"-init", filepath.Join(c.Out, "model.ckpt-3"), "-checkpoint", saved, "-classes", classes)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := python.Output(cmd); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, v := range trainer.Variables() {
		names = append(names, v.Name)
	}
	restored, err := checkpoint.Read(saved, names...)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range variables(t, trainer, trainer.Variables()) {
		var got bytes.Buffer
		if _, err := restored[i].WriteContentsTo(&got); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), want) {
			t.Errorf("Python has other bytes in %s", names[i])
		}
	}

	c = tutorial(0)
	c.Init = saved
	other := newTrainer(t, c)
	if err := other.Open(); err != nil {
		t.Fatal(err)
	}
	a, b := variables(t, trainer, trainer.Model().Weights), variables(t, other, other.Model().Weights)
	if !slices.EqualFunc(a, b, bytes.Equal) {
		t.Error("a run that starts from Python's checkpoint has other weights")
	}
	got, err := other.Classes(context.Background(), d.Test)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(classes)
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		if got[i] != int64(want[i]) {
			t.Fatalf("image %d is a %d in Go, a %d in Python", i, got[i], want[i])
		}
	}
}

// TestInitFromModule starts from a SavedModel whose weights are attributes of a
// tf.Module, as TensorFlow 2 saves them.
func TestInitFromModule(t *testing.T) {
	script := filepath.Join(t.TempDir(), "module.py")
	if err := os.WriteFile(script, []byte(`
import sys
import numpy as np
import tensorflow as tf
m = tf.Module()
for name, shape in [("w", [3, 3, 1, 4]), ("w2", [3, 3, 4, 4]), ("w3", [3, 3, 4, 8]), ("w4", [128, 16]), ("w_o", [16, 10])]:
    value = (np.arange(np.prod(shape)) + len(name)).astype(np.float32).reshape(shape)
    value.tofile(sys.argv[1] + "/" + name)
    setattr(m, name, tf.Variable(value))
tf.saved_model.save(m, sys.argv[1])
`), 0o644); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cmd, err := python.Command(context.Background(), os.Stderr, script, dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := python.Output(cmd); err != nil {
		t.Fatal(err)
	}
	c := inFolder("")
	c.Init = dir
	trainer := newTrainer(t, c)
	if err := trainer.Open(); err != nil {
		t.Fatal(err)
	}
	weights := trainer.Model().Weights
	for i, got := range variables(t, trainer, weights) {
		want, err := os.ReadFile(filepath.Join(dir, weights[i].Name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s has other values than in Python", weights[i].Name)
		}
	}
}

func TestInitErrors(t *testing.T) {
	d := small(t, 128)
	c := inFolder(t.TempDir())
	c.Steps = 1
	run(t, c, d)
	empty := t.TempDir()
	for _, test := range []struct {
		init string
		want string
	}{
		{"missing", "no checkpoint missing"},
		{empty, empty + " is neither a run's folder with a checkpoint nor a SavedModel"},
		{c.Out, "w in the checkpoint " + filepath.Join(c.Out, "model.ckpt-1") + " is float32 [3, 3, 1, 4], want float32 [3, 3, 1, 32]"},
	} {
		c := tutorial(7)
		c.Init = test.init
		if err := newTrainer(t, c).Open(); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("error %v, want %q", err, test.want)
		}
	}

	// Python may name checkpoints by absolute paths.
	elsewhere := t.TempDir()
	state := fmt.Sprintf("model_checkpoint_path: %q\nlast_preserved_timestamp: 1.5\n", filepath.Join(c.Out, "model.ckpt-1"))
	if err := os.WriteFile(filepath.Join(elsewhere, "checkpoint"), []byte(state), 0o644); err != nil {
		t.Fatal(err)
	}
	c.Out, c.Init = "", elsewhere
	if err := newTrainer(t, c).Open(); err != nil {
		t.Error(err)
	}
}

// TestFailingDisk resumes a run in a process whose writes fail once a file is
// larger than its limit, as they do on a full disk.
func TestFailingDisk(t *testing.T) {
	c := inFolder(t.TempDir())
	c.Epochs = 1
	run(t, c, small(t, 2*128))
	before := contents(t, c.Out)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "TFRUNNER_TEST_FULL="+c.Out)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if last := lines[len(lines)-1]; !strings.HasPrefix(last, "writing the checkpoint "+c.Out) {
		t.Errorf("last line %q", last)
	}
	if after := contents(t, c.Out); after != before {
		t.Errorf("the folder was\n%s\nand is\n%s", before, after)
	}
}

// resumeOnFullDisk resumes the run of TestFailingDisk. The limit is the
// process's, where the tests write files too.
func resumeOnFullDisk(dir string) error {
	signal.Ignore(syscall.SIGXFSZ)
	// Less than a checkpoint, more than config.json.
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 2000, Max: 2000}); err != nil {
		return err
	}
	data, err := mnist.Dir()
	if err != nil {
		return err
	}
	d, err := mnist.Load(data)
	if err != nil {
		return err
	}
	c := inFolder(dir)
	c.Resume, c.Epochs = true, 2
	t, err := train.New(c)
	if err != nil {
		return err
	}
	defer t.Close()
	return t.Run(context.Background(), mnist.Data{
		Train: d.Train.Slice(0, 2*128), Validation: d.Validation.Slice(0, 300), Test: d.Test.Slice(0, 200),
	}, train.Multi())
}

// contents returns the names and contents of the files in a folder.
func contents(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(filepath.Join(dir, name))
		fmt.Fprintf(&b, "%s %x\n", name, data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// killed are the images and the settings of the run that TestKill kills.
func killed(dir string) (train.Config, mnist.Data, error) {
	c := inFolder(dir)
	c.Epochs, c.Batch = 1000000, 16
	data, err := mnist.Dir()
	if err != nil {
		return c, mnist.Data{}, err
	}
	d, err := mnist.Load(data)
	return c, mnist.Data{Train: d.Train.Slice(0, 48), Validation: d.Validation.Slice(0, 10), Test: d.Test.Slice(0, 10)}, err
}

// trainIn begins the run in a folder, or goes on with it, until it is killed.
// It saves a checkpoint every third step.
func trainIn(dir string) error {
	c, d, err := killed(dir)
	if err != nil {
		return err
	}
	_, err = train.ReadSettings(dir)
	c.Resume = err == nil
	t, err := train.New(c)
	if err != nil {
		return err
	}
	defer t.Close()
	return t.Run(context.Background(), d, train.JSONLines(os.Stdout))
}

// TestKill kills a run thirty times and resumes it each time: at a random moment
// after its start, and after its second epoch's end, while it saves.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	for i := range 30 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "TFRUNNER_TEST_RUN="+dir)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		epochs, within := 0, 200
		if i%2 == 1 {
			epochs, within = 2, 20
		}
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			if strings.Contains(lines.Text(), `"kind":"epoch"`) {
				epochs--
			}
			if epochs <= 0 {
				break
			}
		}
		time.Sleep(time.Duration(rand.IntN(1000*within)) * time.Microsecond)
		cmd.Process.Kill()
		cmd.Wait()
		if cmd.ProcessState.ExitCode() != -1 {
			t.Fatalf("start %d ended by itself: %s", i, &stderr)
		}
	}

	// What is left is a run like one that was never killed.
	c, d, err := killed(dir)
	if err != nil {
		t.Fatal(err)
	}
	c.Resume, c.Steps = true, 1
	r := run(t, c, d)
	step := r.of(train.Resume)[0].Step
	if step < 15*3 {
		t.Errorf("%d steps survived, want those of 15 epochs at least", step)
	}
	c.Steps = step + 3
	got := run(t, c, d).losses()
	if want := whole(t, c, d).losses()[step:]; !slices.Equal(got, want) || len(got) != 3 {
		t.Errorf("after %d steps the losses are %v, want %v", step, got, want)
	}
}
