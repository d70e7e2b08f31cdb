package checkpoint

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"

	"tfrunner/scripts/python"
)

func tensor(t testing.TB, value any) *tf.Tensor {
	t.Helper()
	x, err := tf.NewTensor(value)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// values are of several dtypes and shapes.
func values(t testing.TB) []Value {
	return []Value{
		{"w", tensor(t, [][]float32{{1, 2, 3}, {4, 5, 6}})},
		{"w/RMSProp", tensor(t, []float32{0.5})},
		{"step", tensor(t, int64(429))},
		{"text", tensor(t, []string{"a", "", "bc"})},
		{"none", tensor(t, [][]float64{{}})},
	}
}

func write(t testing.TB) (prefix string) {
	t.Helper()
	prefix = filepath.Join(t.TempDir(), "model.ckpt-429")
	if err := Write(prefix, values(t)); err != nil {
		t.Fatal(err)
	}
	return prefix
}

func TestReadBack(t *testing.T) {
	prefix := write(t)
	var names []string
	for _, v := range values(t) {
		names = append(names, v.Name)
	}
	got, err := Read(prefix, names...)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range values(t) {
		if g, w := fmt.Sprint(got[i].Shape(), got[i].Value()), fmt.Sprint(v.Tensor.Shape(), v.Tensor.Value()); g != w {
			t.Errorf("%s is %s, want %s", v.Name, g, w)
		}
	}
	files, err := Files(prefix)
	if err != nil || len(files) != 2 {
		t.Errorf("files %v, error %v", files, err)
	}
}

func TestIndex(t *testing.T) {
	index, err := ReadIndex(write(t))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range index.Entries {
		got = append(got, fmt.Sprint(e.Name, " ", e.DataType, " ", e.Shape))
	}
	want := []string{"none 2 [1, 0]", "step 9 []", "text 7 [3]", "w 1 [2, 3]", "w/RMSProp 1 [1]"}
	if !slices.Equal(got, want) {
		t.Errorf("entries %q, want %q", got, want)
	}
}

// TestPython has Python read what Go wrote, and Go what Python wrote.
func TestPython(t *testing.T) {
	script := filepath.Join(t.TempDir(), "both.py")
	if err := os.WriteFile(script, []byte(`
import sys
import tensorflow.compat.v1 as tf
r = tf.train.load_checkpoint(sys.argv[1])
print({n: (s, r.get_tensor(n).tolist()) for n, s in sorted(r.get_variable_to_shape_map().items())})
tf.disable_eager_execution()
w, b = tf.Variable(tf.reshape(tf.range(6.0), [2, 3]), name="layer/w"), tf.Variable([True, False], name="b")
with tf.Session() as s:
    s.run(tf.global_variables_initializer())
    tf.train.Saver().save(s, sys.argv[2])
`), 0o644); err != nil {
		t.Fatal(err)
	}
	prefix := filepath.Join(t.TempDir(), "python.ckpt")
	cmd, err := python.Command(context.Background(), os.Stderr, script, write(t), prefix)
	if err != nil {
		t.Fatal(err)
	}
	out, err := python.Output(cmd)
	if err != nil {
		t.Fatal(err)
	}
	want := "{'none': ([1, 0], [[]]), 'step': ([], 429), 'text': ([3], [b'a', b'', b'bc']), 'w': ([2, 3], [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), 'w/RMSProp': ([1], [0.5])}\n"
	if string(out) != want {
		t.Errorf("Python read %s, want %s", out, want)
	}
	got, err := Read(prefix, "layer/w", "b")
	if err != nil {
		t.Fatal(err)
	}
	if s := fmt.Sprint(got[0].Value(), got[1].Value()); s != "[[0 1 2] [3 4 5]] [true false]" {
		t.Errorf("Go read %s", s)
	}
}

func TestErrors(t *testing.T) {
	prefix := write(t)
	broken := func(suffix string, change func([]byte) []byte) string {
		p := write(t)
		data, err := os.ReadFile(p + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p+suffix, change(data), 0o644); err != nil {
			t.Fatal(err)
		}
		return p
	}
	half := func(data []byte) []byte { return data[:len(data)/2] }
	flip := func(data []byte) []byte { data[3] ^= 1; return data }
	for _, test := range []struct{ prefix, name, want string }{
		{prefix, "w9", "no w9 in the checkpoint " + prefix + "; it holds none [1, 0], step [], text [3], w [2, 3], w/RMSProp [1]"},
		{prefix + "0", "w", "no checkpoint " + prefix + "0: "},
		{broken(".index", half), "w", "model.ckpt-429.index is no checkpoint's index: "},
		{broken(".index", func([]byte) []byte { return nil }), "w", "model.ckpt-429.index is no checkpoint's index: "},
		{broken(".data-00000-of-00001", half), "text", "reading the checkpoint "},
		{broken(".data-00000-of-00001", flip), "w/RMSProp", ""},
	} {
		_, err := Read(test.prefix, test.name)
		if test.want == "" {
			_, err = Read(test.prefix, "none", "step", "text", "w") // the byte is in one of them
			test.want = "reading the checkpoint "
		}
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v, want %q", err, test.want)
		}
	}
}

// TestWriteLosesNothing writes where a checkpoint is, and where none can be.
func TestWriteLosesNothing(t *testing.T) {
	prefix := write(t)
	read := func() (all []byte) {
		for _, suffix := range []string{".index", ".data-00000-of-00001"} {
			data, err := os.ReadFile(prefix + suffix)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, data...)
		}
		return all
	}
	before := read()
	if err := Write(prefix, values(t)[:1]); !errors.Is(err, fs.ErrExist) {
		t.Errorf("error %v", err)
	}
	if !bytes.Equal(read(), before) {
		t.Error("the checkpoint was changed")
	}
	if err := Write(filepath.Join(t.TempDir(), "missing", "x"), values(t)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

func FuzzReadTable(f *testing.F) {
	data, err := os.ReadFile(write(f) + ".index")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		total := 0
		err := readTable(data, func(key, value []byte) error {
			total += len(value)
			return nil
		})
		if err == nil && total > len(data)*len(data) {
			t.Errorf("%d bytes of values in %d bytes", total, len(data))
		}
	})
}

func Example() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	w, err := tf.NewTensor([]float32{1, 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	prefix := filepath.Join(dir, "model.ckpt")
	if err := Write(prefix, []Value{{"w", w}}); err != nil {
		fmt.Println(err)
		return
	}
	read, err := Read(prefix, "w")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(read[0].Value())
	// Output: [1 2]
}
