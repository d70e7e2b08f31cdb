package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	scale "golang.org/x/image/draw"

	"tfrunner/mnist"
	"tfrunner/scripts/python"
)

// TestMain runs main instead of the tests if asked to, so that the tests can
// start the program as a process.
func TestMain(m *testing.M) {
	if os.Getenv("TFRUNNER_TEST_MAIN") != "" {
		main()
		os.Exit(0)
	}
	flag.Parse()
	os.Exit(m.Run())
}

// try runs the program in this process.
func try(t *testing.T, stdin io.Reader, args ...string) (code int, stdout, stderr, message string) {
	t.Helper()
	var out, errs bytes.Buffer
	err := run(context.Background(), args, stdin, &out, &errs)
	if err != nil {
		message = err.Error()
	}
	return exitCode(err), out.String(), errs.String(), message
}

// savedModel returns a SavedModel that Keras trained and wrote.
func savedModel(t *testing.T) string {
	t.Helper()
	data, err := mnist.Dir()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := python.Files(context.Background(), os.Stderr, "../../scripts/digitmodels.py", data)
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "keras")
}

// digits returns the first n images of the test set.
func digits(t *testing.T, n int) mnist.Set {
	t.Helper()
	dir, err := mnist.Dir()
	if err != nil {
		t.Fatal(err)
	}
	data, err := mnist.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return data.Test.Slice(0, n)
}

// picture returns an image of MNIST as a picture.
func picture(pixels []byte) *image.Gray {
	return &image.Gray{Pix: pixels, Stride: mnist.Cols, Rect: image.Rect(0, 0, mnist.Cols, mnist.Rows)}
}

// disguised returns an image of MNIST in another size, place and colour.
func disguised(pixels []byte, number int) image.Image {
	ink := image.NewAlpha(image.Rect(0, 0, 260, 200))
	side := 60 + number%4*40
	digit := &image.Alpha{Pix: pixels, Stride: mnist.Cols, Rect: image.Rect(0, 0, mnist.Cols, mnist.Rows)}
	scale.CatmullRom.Scale(ink, image.Rect(0, 0, side, side).Add(image.Pt(number%60, number%20)), digit, digit.Rect, scale.Over, nil)
	img := image.NewNRGBA(ink.Rect)
	draw.Draw(img, img.Rect, image.NewUniform(color.NRGBA{250, 245, 220, 255}), image.Point{}, draw.Src)
	draw.DrawMask(img, img.Rect, image.NewUniform(color.NRGBA{20, 30, 120, 255}), image.Point{}, ink, image.Point{}, draw.Over)
	return img
}

// write writes a file that encode encodes, and returns its name.
func write(t *testing.T, dir, name string, encode func(io.Writer) error) string {
	t.Helper()
	name = filepath.Join(dir, name)
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(encode(f), f.Close()); err != nil {
		t.Fatal(err)
	}
	return name
}

func writePNG(t *testing.T, dir, name string, img image.Image) string {
	t.Helper()
	return write(t, dir, name, func(w io.Writer) error { return png.Encode(w, img) })
}

func TestUsage(t *testing.T) {
	model := savedModel(t)
	for _, test := range []struct{ args, want string }{
		{"x.png", "no -model: want -model DIR"},
		{"-model m -top 0 x.png", "-top 0: want 1 to 10"},
		{"-model m -top 11 x.png", "-top 11: want 1 to 10"},
		{"-model m -top x x.png", `invalid value "x" for flag -top`},
		{"-model m -json -show x.png", "-json with -show: want one of them"},
		{"-model " + model + " -device moon x.png", "-device moon: want auto, cpu or one of those"},
		{"-nonsense", "flag provided but not defined: -nonsense"},
	} {
		code, stdout, stderr, message := try(t, nil, strings.Fields(test.args)...)
		if code != 2 || !strings.Contains(message, test.want) || strings.Contains(message, "\n") || stdout+stderr != "" {
			t.Errorf("%s: exit code %d, error %q, stdout %q, stderr %q; want 2, %q", test.args, code, message, stdout, stderr, test.want)
		}
	}
	if code, _, stderr, _ := try(t, nil, "-help"); code != 0 || !strings.Contains(stderr, "(default 3)") || !strings.Contains(stderr, "FILE|PATTERN|-") {
		t.Errorf("exit code %d, help:\n%s", code, stderr)
	}
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	if code, _, _, message := try(t, terminal, "-model", "m"); code != 2 || !strings.HasPrefix(message, "no pictures: ") {
		t.Errorf("no files, stdin a terminal: exit code %d, error %q", code, message)
	}
	if code, _, _, message := try(t, nil, "-model", t.TempDir(), "x.png"); code != 1 || !strings.Contains(message, "no SavedModel") {
		t.Errorf("no model: exit code %d, error %q", code, message)
	}
}

// TestDisguised wants the answers of 200 digits from pictures that look
// otherwise, in the order of the arguments.
func TestDisguised(t *testing.T) {
	const n = 200 // twice that is more than a batch
	set := digits(t, n)
	dir := t.TempDir()
	for i := range n {
		pixels := set.Slice(i, i+1).Pixels
		writePNG(t, dir, fmt.Sprintf("original%03d.png", i), picture(pixels))
		img := disguised(pixels, i)
		write(t, dir, fmt.Sprintf("disguised%03d", i), func(w io.Writer) error {
			switch i % 3 {
			case 0:
				return png.Encode(w, img)
			case 1:
				return jpeg.Encode(w, img, nil)
			}
			return gif.Encode(w, img, nil)
		})
	}
	code, stdout, stderr, _ := try(t, nil, "-model", savedModel(t), "-json", filepath.Join(dir, "original*.png"), filepath.Join(dir, "disguised???"))
	if code != 0 || stderr != "" {
		t.Fatalf("exit code %d, stderr %q", code, stderr)
	}
	var classes []int
	lines := json.NewDecoder(strings.NewReader(stdout))
	for i := range 2 * n {
		var line struct {
			File  string
			Class int
			Top   []struct {
				Class       int
				Probability float64
			}
		}
		if err := lines.Decode(&line); err != nil {
			t.Fatal(err)
		}
		file := fmt.Sprintf("original%03d.png", i%n)
		if i >= n {
			file = fmt.Sprintf("disguised%03d", i%n)
		}
		if line.File != filepath.Join(dir, file) || len(line.Top) != 3 || line.Top[0].Class != line.Class ||
			line.Top[0].Probability < line.Top[1].Probability || line.Top[1].Probability < line.Top[2].Probability {
			t.Errorf("%+v, want 3 sorted classes of %s", line, file)
		}
		classes = append(classes, line.Class)
	}
	right, agree := 0, 0
	for i, label := range set.Labels {
		if classes[i] == int(label) {
			right++
		}
		if classes[n+i] == classes[i] {
			agree++
		}
	}
	t.Logf("%d of %d right, %d agree", right, n, agree)
	if right < n*95/100 || agree < n*97/100 {
		t.Errorf("%d of %d right, %d answers kept in disguise", right, n, agree)
	}
}

func TestPrint(t *testing.T) {
	dir, model := t.TempDir(), savedModel(t)
	file := writePNG(t, dir, "seven.png", picture(digits(t, 1).Pixels))
	line := func(name, digit string) string { return name + ": " + digit + " (99." }
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args []string
		want string
		top  int
	}{
		{[]string{file}, line(file, "7"), 3},
		{[]string{"-top", "1", file}, line(file, "7"), 1},
		{[]string{"-top", "10", file}, line(file, "7"), 10},
		{nil, line("-", "7"), 3},
		{[]string{"-"}, line("-", "7"), 3},
	} {
		code, stdout, stderr, _ := try(t, bytes.NewReader(data), append([]string{"-model", model}, test.args...)...)
		if code != 0 || stderr != "" || !strings.HasPrefix(stdout, test.want) || strings.Count(stdout, " %)") != test.top || strings.Count(stdout, "\n") != 1 {
			t.Errorf("%v: exit code %d, stdout %q, stderr %q; want %s and %d classes", test.args, code, stdout, stderr, test.want, test.top)
		}
	}

	code, stdout, _, _ := try(t, nil, "-model", model, "-show", file)
	lines := strings.Split(stdout, "\n")
	if code != 0 || len(lines) != mnist.Rows+2 || !strings.HasPrefix(lines[mnist.Rows], line(file, "7")) {
		t.Fatalf("exit code %d, lines:\n%s", code, stdout)
	}
	if want := strings.Repeat(" ", 12) + "▓▓██████████▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓░░"; lines[8] != want {
		t.Errorf("row 8 is\n%s\nwant\n%s", lines[8], want)
	}
}

// TestErrors mixes what cannot be read with a digit, which gets its answer.
func TestErrors(t *testing.T) {
	dir, model := t.TempDir(), savedModel(t)
	good := writePNG(t, dir, "good.png", picture(digits(t, 1).Pixels))
	data, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	bytesFile := func(name string, data []byte) string {
		return write(t, dir, name, func(w io.Writer) error { _, err := w.Write(data); return err })
	}
	huge := slices.Clone(data)
	copy(huge[16:], "\x00\x01\x86\xa0\x00\x01\x86\xa0")                  // 100,000 by 100,000
	copy(huge[29:], []byte{0x8d, 0x39, 0x54, 0x14})                      // and its checksum
	bracket := writePNG(t, dir, "[1].png", picture(digits(t, 1).Pixels)) // no pattern, since it is there
	bad := []struct{ file, want string }{
		{bytesFile("empty.png", nil), "empty, want a picture in PNG, JPEG or GIF"},
		{bytesFile("notes.png", []byte("some notes")), "not a picture in PNG, JPEG or GIF"},
		{bytesFile("truncated.png", data[:len(data)-30]), "broken png: "},
		{bytesFile("huge.png", huge), "100000x100000 pixels, want at most 67108864 in all"},
		{writePNG(t, dir, "blank.png", image.NewGray(image.Rect(0, 0, 50, 50))), "no ink: the picture is of one colour, or nearly"},
		{filepath.Join(dir, "missing.png"), "no such file or directory"},
		{filepath.Join(dir, "missing*.png"), "no file matches the pattern"},
		{filepath.Join(dir, "[.png"), "syntax error in pattern"},
		{dir, "is a directory"},
	}
	args := []string{"-model", model, "-top", "1", good}
	for _, b := range bad {
		args = append(args, b.file)
	}
	code, stdout, stderr, message := try(t, nil, append(args, bracket, filepath.Join(dir, "g*.png"))...)
	if want := "no answer for 9 of 12"; code != 1 || message != want {
		t.Errorf("exit code %d, error %q, want 1, %q", code, message, want)
	}
	answers := strings.Split(strings.TrimSpace(stdout), "\n")
	for i, file := range []string{good, bracket, good} {
		if len(answers) != 3 || !strings.HasPrefix(answers[i], file+": 7 (99.") {
			t.Errorf("answers %q, want a 7 for %s", answers, file)
		}
	}
	lines := strings.Split(strings.TrimSpace(stderr), "\n")
	if len(lines) != len(bad) {
		t.Fatalf("%d errors, want %d:\n%s", len(lines), len(bad), stderr)
	}
	for i, b := range bad {
		if !strings.HasPrefix(lines[i], "predict: "+b.file+": "+b.want) {
			t.Errorf("error %q, want %s: %s", lines[i], b.file, b.want)
		}
	}
}

// TestInterrupt sends Ctrl-C's signal while the program waits for stdin.
func TestInterrupt(t *testing.T) {
	cmd := exec.Command(os.Args[0], "-model", savedModel(t), "missing.png", "-")
	cmd.Env = append(os.Environ(), "TFRUNNER_TEST_MAIN=1")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	last := ""
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		last = lines.Text()
		if strings.HasPrefix(last, "predict: missing.png: ") {
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
		}
	}
	cmd.Wait()
	if code, want := cmd.ProcessState.ExitCode(), "predict: interrupted after 1 pictures"; code != 130 || last != want {
		t.Errorf("exit code %d, last line %q, want 130, %q", code, last, want)
	}
}

// TestFullDisk wants an error when stdout cannot be written.
func TestFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	file := writePNG(t, t.TempDir(), "seven.png", picture(digits(t, 1).Pixels))
	err = run(context.Background(), []string{"-model", savedModel(t), file}, nil, full, io.Discard)
	if exitCode(err) != 1 || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("exit code %d, error %v", exitCode(err), err)
	}
}
