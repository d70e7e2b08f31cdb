package tensors

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	"github.com/tensorflow/tensorflow/tensorflow/go/op"

	"tfrunner/scripts/python"
)

// fixtures returns the folder of what scripts/fixtures.py writes.
func fixtures(t testing.TB) string {
	t.Helper()
	dir, err := python.Files(context.Background(), os.Stderr, "../../../scripts/fixtures.py")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// same reports whether two tensors have the same dtype, shape and bits.
func same(t testing.TB, a, b *tf.Tensor) bool {
	t.Helper()
	if a.DataType() != b.DataType() || !slices.Equal(a.Shape(), b.Shape()) {
		return false
	}
	if a.DataType() == tf.String {
		x, err := texts(a)
		if err != nil {
			t.Fatal(err)
		}
		y, err := texts(b)
		if err != nil {
			t.Fatal(err)
		}
		return slices.Equal(x, y)
	}
	x, err := content(a)
	if err != nil {
		t.Fatal(err)
	}
	y, err := content(b)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Equal(x, y)
}

func TestReadFile(t *testing.T) {
	dir := filepath.Join(fixtures(t), "npy")
	plain, err := filepath.Glob(filepath.Join(dir, "plain", "*.npy"))
	if err != nil || len(plain) < 15 {
		t.Fatal(plain, err)
	}
	var files []string
	for _, file := range plain {
		got, err := ReadFile(filepath.Join(dir, filepath.Base(file)), "")
		if err != nil {
			t.Error(err)
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want, err := ReadNPY(data)
		if err != nil {
			t.Error(err)
			continue
		}
		if !same(t, got, want) {
			t.Errorf("%s: %s, want %s, or other values", file, Describe(got), Describe(want))
		}
		// What numpy wrote, byte for byte.
		var written bytes.Buffer
		if err := WriteNPY(&written, got); err != nil || !bytes.Equal(written.Bytes(), data) {
			t.Errorf("%s: written %.130q, %v, want %.130q", file, written.Bytes(), err, data)
		}
		files = append(files, Describe(got))
	}
	slices.Sort(files)
	want := "bfloat16 (2, 3, 4); bool (2, 3, 4); complex64 (2, 3, 4); float16 (2, 3, 4); float32 (0, 3); float32 (2, 3, 4); " +
		"float64 (); int16 (2, 3, 4); string (2, 2); string (3); uint64 (2, 3, 4)"
	if got := strings.Join(slices.Compact(files), "; "); got != want {
		t.Errorf("read %s, want %s", got, want)
	}
	x, err := ReadFile(filepath.Join(dir, "float32.npy"), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, npz := range [][2]string{{"two.npz", "x"}, {"one.npz", ""}, {"one.npz", "arr_0"}} {
		if got, err := ReadFile(filepath.Join(dir, npz[0]), npz[1]); err != nil || !same(t, got, x) {
			t.Errorf("%v: %v", npz, err)
		}
	}
}

func TestReadErrors(t *testing.T) {
	dir := filepath.Join(fixtures(t), "npy")
	for _, test := range [][3]string{
		{"two.npz", "", "no key for one of its arrays; there are: x, y"},
		{"two.npz", "z", `no array "z"; there are: x, y`},
		{"float32.npy", "x", "is no .npz file"},
		{"objects.npy", "", "an array of Python objects"},
		{"fields.npy", "", "descr is no string"},
		{"none.npy", "", "no such file"},
	} {
		if _, err := ReadFile(filepath.Join(dir, test[0]), test[1]); err == nil || !strings.Contains(err.Error(), test[2]) || !strings.Contains(err.Error(), test[0]) {
			t.Errorf("%s[%s]: error %v, want %s", test[0], test[1], err, test[2])
		}
	}

	file := func(header, data string) string {
		return magic + "\x01\x00" + string([]byte{byte(len(header)), byte(len(header) >> 8)}) + header + data
	}
	f4 := func(shape, data string) string {
		return file("{'descr': '<f4', 'fortran_order': False, 'shape': "+shape+"}", data)
	}
	for _, test := range [][2]string{
		{"", `its first bytes are ""`},
		{"GIF89a, and more", `its first bytes are "GIF89a"`},
		{magic, "truncated"},
		{magic + "\x04\x00\x00\x00\x00\x00", "version 0400, or truncated"},
		{magic + "\x02\x00\xff\xff\xff\xff{}", "2 bytes of header, want 4294967295"},
		{f4("(2,)", "1234567"), "7 bytes of f4 after the header, want 8 for shape (2)"},
		{f4("(2,)", "123456789"), "9 bytes of f4 after the header, want 8"},
		{f4("(0, 3)", "1"), "1 bytes of f4 after the header, want 0 for shape (0, 3)"},
		{f4("(4294967296, 4294967296)", ""), "is too big"},
		{f4("(0, 4611686018427387904, 4)", ""), "is too big"},
		{f4("(-1,)", ""), "not only literals"},
		{f4("(1.5,)", ""), "dimension 0 of shape is no size"},
		{f4("(99999999999999999999,)", ""), "dimension 0 of shape is no size"},
		{f4("("+strings.Repeat("1,", 65)+")", "1234"), "no tuple of at most 64"},
		{f4("[1]*1000000000", ""), "not only literals"},
		{f4("[i for i in ()]", ""), "not only literals"},
		{f4("3", ""), "shape is no tuple"},
		{file("{}"+strings.Repeat(" ", maxHeader), ""), "want 10002 and at most 10000"},
		{file("{", ""), "got end of file"},
		{file("[1]", ""), "no dictionary"},
		{file("{}", ""), "descr is no string"},
		{file("{'descr': '<f4', 'shape': (1,)}", ""), "fortran_order is neither"},
		{file("{'descr': '<M8[s]', 'fortran_order': False, 'shape': ()}", "12345678"), "no dtype of TensorFlow for numpy's"},
		{file("{'descr': '<', 'fortran_order': False, 'shape': ()}", ""), "is no dtype"},
		{file("{'descr': '|S', 'fortran_order': False, 'shape': ()}", ""), "has no length"},
		{file("{'descr': '<U1', 'fortran_order': False, 'shape': ()}", "\x00\xd8\x00\x00"), "element 0: 0xd800 is no character"},
		{file("{'descr': '|b1', 'fortran_order': False, 'shape': (2,)}", "\x01\x02"), "element 1 is 2, want 0 or 1"},
	} {
		if _, err := ReadNPY([]byte(test[0])); err == nil || !strings.Contains(err.Error(), test[1]) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%.60q: error %v, want %s", test[0], err, test[1])
		}
	}
	zero, err := tf.NewTensor("a\x00")
	if err != nil {
		t.Fatal(err)
	}
	if err := WriteNPY(new(bytes.Buffer), zero); err == nil || !strings.Contains(err.Error(), "ends in a zero byte") {
		t.Errorf("error %v", err)
	}
}

func FuzzReadNPY(f *testing.F) {
	files, err := filepath.Glob(filepath.Join(fixtures(f), "npy", "*.npy"))
	if err != nil || len(files) == 0 {
		f.Fatal(files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		x, err := ReadNPY(data)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("error of two lines: %q", err)
			}
			return
		}
		var b bytes.Buffer
		if err := WriteNPY(&b, x); err != nil {
			t.Fatal(err)
		}
		y, err := ReadNPY(b.Bytes())
		if err != nil || !same(t, x, y) {
			t.Errorf("read again: %v", err)
		}
	})
}

func TestValues(t *testing.T) {
	free := tf.Shape{}
	for _, test := range []struct {
		expression, json string
		dtype            tf.DataType
		shape            tf.Shape
		want             any
	}{
		{"[[1.0, 2], [3, 4e-3]]", "[[1.0, 2], [3, 4e-3]]", tf.Float, free, [][]float32{{1, 2}, {3, 4e-3}}},
		{"0.1", "0.1", tf.Float, free, float32(0.1)},
		{"[[0.5]*3]*2", "", tf.Double, free, [][]float64{{.5, .5, .5}, {.5, .5, .5}}},
		{"[i*i for i in range(3)]", "[0, 1, 4]", tf.Int32, free, []int32{0, 1, 4}},
		{"(9007199254740993, -9223372036854775808)", "[9007199254740993, -9223372036854775808]", tf.Int64, free, []int64{1<<53 + 1, math.MinInt64}},
		{"18446744073709551615", "18446744073709551615", tf.Uint64, free, uint64(math.MaxUint64)},
		{"[255]", "[255]", tf.Uint8, free, []uint8{255}},
		{"[4294967295]", "[4294967295]", tf.Uint32, free, []uint32{math.MaxUint32}},
		{"[True, False]", "[true, false]", tf.Bool, free, []bool{true, false}},
		{`["ü", b"\xff;"]`, `["ü", {"b64": "/zs="}]`, tf.String, free, []string{"ü", "\xff;"}},
		{`[["a"], ["b"]]`, `[["a"], ["b"]]`, tf.String, free, [][]string{{"a"}, {"b"}}},
		{"[float('inf'), -float('inf')]", `["Infinity", "-Infinity"]`, tf.Float, free, []float32{float32(math.Inf(1)), float32(math.Inf(-1))}},
		{"[]", "[]", tf.Float, free, []float32{}},
		{"[[], []]", "[[], []]", tf.Float, free, [][]float32{{}, {}}},
	} {
		want, err := tf.NewTensor(test.want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := FromExpression(test.expression, test.dtype, test.shape)
		if err != nil || !same(t, got, want) {
			t.Errorf("expression %s: %v, want %s, or other values", test.expression, err, Describe(want))
		}
		if test.json == "" {
			continue
		}
		got, err = FromJSON([]byte(test.json), test.dtype, test.shape)
		if err != nil || !same(t, got, want) {
			t.Errorf("JSON %s: %v, want %s, or other values", test.json, err, Describe(want))
		}
		again, err := JSON(got)
		if err != nil || !json.Valid(again) {
			t.Fatalf("%s, %v", again, err)
		}
		if got, err = FromJSON(again, test.dtype, test.shape); err != nil || !same(t, got, want) {
			t.Errorf("JSON %s written as %s: %v", test.json, again, err)
		}
	}
	for _, shape := range []tf.Shape{tf.MakeShape(-1, 3), tf.MakeShape(0, 3)} {
		if got, err := FromExpression("[]", tf.String, shape); err != nil || Describe(got) != "string (0, 3)" {
			t.Errorf("an empty batch: %v, %v", got, err)
		}
	}
}

func TestValueErrors(t *testing.T) {
	deep := strings.Repeat("[", 65) + strings.Repeat("]", 65)
	for _, test := range []struct {
		expression string
		dtype      tf.DataType
		want       string
	}{
		{"[[1, 2], [3]]", tf.Float, "at [1]: a list of 1, want 2 values"},
		{"[1, [2]]", tf.Float, "at [1]: a list of 1, want one value"},
		{"[[1], 2]", tf.Float, "at [1]: 2, want a list of 1 values"},
		{"[[], [1]]", tf.Float, "at [1]: a list of 1, want 0 values"},
		{"[1, 1e39]", tf.Float, "at [1]: the float 1e+39 overflows float32"},
		{"65520", tf.Half, "65520 overflows float16"},
		{"3.4e38", tf.Bfloat16, "the float 3.4e+38 overflows bfloat16"},
		{"10**400", tf.Float, "1:5: got '**' after expression"},
		{"1" + strings.Repeat("0", 400), tf.Double, "overflows float64"},
		{"2147483648", tf.Int32, "2147483648 overflows int32"},
		{"-1", tf.Uint8, "-1 overflows uint8"},
		{"256", tf.Uint8, "256 overflows uint8"},
		{"1.5", tf.Int64, "the float 1.5, want int64"},
		{"'a'", tf.Int64, `the string "a", want int64`},
		{"'a'", tf.Float, `the string "a", want float32`},
		{"True", tf.Float, "true, want float32"},
		{"1", tf.Bool, "1, want bool"},
		{"1", tf.String, "1, want string"},
		{"{'a': 1}", tf.Float, "an object, want float32"},
		{"None", tf.Float, "NoneType makes no tensor"},
		{"[1, x]", tf.Float, "1:5: undefined: x"},
		{"", tf.Float, "got end of file"},
		{"[i for i in range(1000000000)]", tf.Float, "too many steps"},
		{"[[l, l.append(l)] for l in [[1]]]", tf.Float, "more than 64 lists in each other"},
		{deep, tf.Float, "more than 64 lists in each other"},
		{"1", tf.Complex64, "no list says a complex64"},
		{"1", tf.Qint8, "tensors of qint8 have no form here"},
	} {
		if _, err := FromExpression(test.expression, test.dtype, tf.Shape{}); err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%.60s: error %v, want %s", test.expression, err, test.want)
		}
	}
	for _, test := range []struct {
		json  string
		dtype tf.DataType
		want  string
	}{
		{"[1.5]", tf.Int64, "at [0]: 1.5, want int64"},
		{"[null]", tf.Float, "at [0]: null, want float32"},
		{"[1] [2]", tf.Float, "more than one value"},
		{`{"b64": "%"}`, tf.String, "illegal base64"},
		{`[1e999]`, tf.Float, "overflows float32"},
		{`[`, tf.Float, "unexpected EOF"},
	} {
		if _, err := FromJSON([]byte(test.json), test.dtype, tf.Shape{}); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %s", test.json, err, test.want)
		}
	}
}

// TestFloat16 holds every float of 16 bits, and those halfway between two,
// against the formats' other readers: TensorFlow for float16, and a float32's
// upper half for bfloat16.
func TestFloat16(t *testing.T) {
	all := make([]uint16, 1<<16)
	for i := range all {
		all[i] = uint16(i)
	}
	bits, err := tf.NewTensor(all)
	if err != nil {
		t.Fatal(err)
	}
	half, err := apply(bits, func(s *op.Scope, x tf.Output) tf.Output { return op.Cast(s, op.Bitcast(s, x, tf.Half), tf.Double) })
	if err != nil {
		t.Fatal(err)
	}
	brain := make([]float64, len(all))
	for i := range brain {
		brain[i] = float64(math.Float32frombits(uint32(i) << 16))
	}
	for _, test := range []struct {
		values         []float64
		mantissa, bias int
	}{{half.Value().([]float64), 10, 15}, {brain, 7, 127}} {
		wrong := 0
		for i, v := range test.values {
			if math.IsNaN(v) {
				continue
			}
			bits, finite := float16(v, test.mantissa, test.bias)
			if finite == math.IsInf(v, 0) || bits != uint64(i) {
				wrong++
			}
			if math.IsInf(v, 0) || math.IsInf(test.values[i+1], 0) {
				continue
			}
			if bits, _ := float16((v+test.values[i+1])/2, test.mantissa, test.bias); bits != uint64(i+i%2) {
				wrong++
			}
		}
		if wrong > 0 {
			t.Errorf("mantissa of %d bits: %d wrong", test.mantissa, wrong)
		}
		if bits, _ := float16(math.NaN(), test.mantissa, test.bias); !math.IsNaN(test.values[bits]) {
			t.Errorf("NaN is %#x", bits)
		}
	}
}

func TestPrint(t *testing.T) {
	for _, test := range []struct {
		expression string
		dtype      tf.DataType
		want       string
	}{
		{"0.1", tf.Float, "0.1\n"},
		{"[[1, 20.5], [-3, 0.1]]", tf.Float, "[[   1 20.5]\n [  -3  0.1]]\n"},
		{"[[[1], [2]], [[3], [4]]]", tf.Int8, "[[[1]\n  [2]]\n\n [[3]\n  [4]]]\n"},
		{"[-128, 127]", tf.Int8, "[-128  127]\n"},
		{"[18446744073709551615]", tf.Uint64, "[18446744073709551615]\n"},
		{"['a', 'grün']", tf.String, "[   \"a\" \"grün\"]\n"},
		{"[True, False]", tf.Bool, "[ true false]\n"},
		{"[0.5, 65504]", tf.Half, "[  0.5 65504]\n"},
		{"[0.5, -2, 9.1835e-41]", tf.Bfloat16, "[       0.5         -2 9.1835e-41]\n"},
		{"[[], []]", tf.Float, "[]\n"},
		{"[[i for i in range(600)]]*2", tf.Int32, "[[  0   1   2 ... 597 598 599]\n [  0   1   2 ... 597 598 599]]\n"},
		{"[123456]*20", tf.Int64, "[" + strings.Repeat("123456 ", 9) + "123456\n " + strings.Repeat("123456 ", 9) + "123456]\n"},
	} {
		x, err := FromExpression(test.expression, test.dtype, tf.Shape{})
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		if err := Print(&b, x); err != nil || b.String() != test.want {
			t.Errorf("%s: printed %q, %v, want %q", test.expression, b.String(), err, test.want)
		}
	}
	x, err := tf.NewTensor([]complex128{complex(1, -2.5), complex(0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := Print(&b, x); err != nil || b.String() != "[1-2.5j   0+1j]\n" {
		t.Errorf("printed %q, %v", b.String(), err)
	}
	if _, err := JSON(x); err == nil {
		t.Error("complex JSON")
	}
}
