package tensors

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	"github.com/tensorflow/tensorflow/tensorflow/go/op"
)

const magic = "\x93NUMPY"

const (
	maxHeader = 10000 // bytes, as numpy has it
	maxRank   = 64    // numpy's; TensorFlow's is 254
)

// ReadFile reads an array from a .npy file, or the array called key from a .npz
// file. A .npz file of one array needs no key.
func ReadFile(file, key string) (*tf.Tensor, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(data, []byte("PK")) {
		name := file
		if data, name, err = member(data, key); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		file += "[" + name + "]"
	} else if key != "" {
		return nil, fmt.Errorf("%s[%s]: %[1]s is no .npz file, and has no arrays with names", file, key)
	}
	t, err := ReadNPY(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return t, nil
}

// member returns the .npy file of an array in a .npz file, and its key.
func member(npz []byte, key string) (npy []byte, found string, err error) {
	archive, err := zip.NewReader(bytes.NewReader(npz), int64(len(npz)))
	if err != nil {
		return nil, "", err
	}
	var keys []string
	for _, f := range archive.File {
		name := strings.TrimSuffix(f.Name, ".npy")
		keys = append(keys, name)
		if name != key && (key != "" || len(archive.File) > 1) {
			continue
		}
		r, err := f.Open()
		if err != nil {
			return nil, name, err
		}
		defer r.Close()
		npy, err = io.ReadAll(r)
		return npy, name, err
	}
	if key == "" {
		return nil, "", fmt.Errorf("no key for one of its arrays; there are: %s", strings.Join(keys, ", "))
	}
	return nil, "", fmt.Errorf("no array %q; there are: %s", key, strings.Join(keys, ", "))
}

// ReadNPY reads a whole .npy file. Arrays of text become tensors of strings in
// UTF-8, those of two raw bytes bfloat16, as ml_dtypes saves it. An error says
// what is wrong with the file.
func ReadNPY(data []byte) (*tf.Tensor, error) {
	h, data, err := readHeader(data)
	if err != nil {
		return nil, fmt.Errorf("no .npy file: %w", err)
	}
	dims := h.shape
	if h.fortran {
		dims = slices.Clone(dims)
		slices.Reverse(dims)
	}
	var t *tf.Tensor
	switch h.kind[0] {
	case 'S', 'U':
		t, err = h.readStrings(dims, data)
	default:
		t, err = h.readNumbers(dims, data)
	}
	if err != nil || !h.fortran || len(dims) < 2 {
		return t, err
	}
	return transpose(t)
}

// A header is what a .npy file says of its array.
type header struct {
	bigEndian bool
	kind      string // such as f4
	fortran   bool
	shape     []int64
}

// readHeader returns the header and the bytes after it.
func readHeader(data []byte) (h header, rest []byte, err error) {
	rest, ok := bytes.CutPrefix(data, []byte(magic))
	if !ok {
		return h, nil, fmt.Errorf("its first bytes are %.6q, not %q", data, magic)
	}
	var n int
	switch {
	case len(rest) >= 4 && rest[0] == 1:
		n, rest = int(binary.LittleEndian.Uint16(rest[2:])), rest[4:]
	case len(rest) >= 6 && (rest[0] == 2 || rest[0] == 3):
		n, rest = int(binary.LittleEndian.Uint32(rest[2:])), rest[6:]
	default:
		return h, nil, fmt.Errorf("version %.2x, or truncated; want 1.0, 2.0 or 3.0", rest)
	}
	if n > min(len(rest), maxHeader) {
		return h, nil, fmt.Errorf("%d bytes of header, want %d and at most %d", len(rest), n, maxHeader)
	}
	if err := h.parse(string(rest[:n])); err != nil {
		return h, nil, fmt.Errorf("header %.200q: %w", rest[:n], err)
	}
	return h, rest[n:], nil
}

// parse reads {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}.
func (h *header) parse(text string) error {
	value, err := evalLiteral(text)
	if err != nil {
		return err
	}
	fields, ok := value.(map[string]any)
	if !ok {
		return errors.New("no dictionary")
	}
	descr, ok := fields["descr"].(string)
	if !ok {
		return errors.New("descr is no string: arrays of several fields make no tensor")
	}
	if strings.HasSuffix(descr, "O") {
		return errors.New("an array of Python objects; save it as numbers, or text as S or U")
	}
	order := strings.TrimLeft(descr, "<>|=")
	h.bigEndian, h.kind = strings.HasPrefix(descr, ">"), order
	if h.kind == "" || len(descr)-len(order) > 1 {
		return fmt.Errorf("descr %q is no dtype", descr)
	}
	if h.fortran, ok = fields["fortran_order"].(bool); !ok {
		return errors.New("fortran_order is neither True nor False")
	}
	dims, ok := fields["shape"].([]any)
	if !ok || len(dims) > maxRank {
		return fmt.Errorf("shape is no tuple of at most %d sizes", maxRank)
	}
	h.shape = make([]int64, len(dims))
	for i, d := range dims {
		text, _ := d.(number)
		if h.shape[i], err = strconv.ParseInt(string(text), 10, 64); err != nil || h.shape[i] < 0 {
			return fmt.Errorf("dimension %d of shape is no size", i)
		}
	}
	return nil
}

// check returns the number of elements, given that data holds them all and
// nothing else.
func (h header) check(size int, data []byte) (n int, err error) {
	product, zero := uint64(size), false
	for _, d := range h.shape {
		if d == 0 {
			zero = true
			continue
		}
		high, low := bits.Mul64(product, uint64(d))
		if high > 0 || low > 1<<62 {
			return 0, fmt.Errorf("shape %s is too big", dimsString(h.shape))
		}
		product = low
	}
	if zero {
		product = 0
	}
	if uint64(len(data)) != product {
		return 0, fmt.Errorf("%d bytes of %s after the header, want %d for shape %s", len(data), h.kind, product, dimsString(h.shape))
	}
	return len(data) / size, nil
}

func (h header) readNumbers(shape []int64, data []byte) (*tf.Tensor, error) {
	i := slices.IndexFunc(dtypes, func(d dtype) bool { return d.numpy == h.kind })
	if i < 0 {
		return nil, fmt.Errorf("no dtype of TensorFlow for numpy's %q", h.kind)
	}
	d := dtypes[i]
	if _, err := h.check(d.size, data); err != nil {
		return nil, err
	}
	if d.tf == tf.Bool {
		if i := slices.IndexFunc(data, func(b byte) bool { return b > 1 }); i >= 0 {
			return nil, fmt.Errorf("element %d is %d, want 0 or 1 for a bool", i, data[i])
		}
	}
	if h.bigEndian {
		size := d.size
		if h.kind[0] == 'c' {
			size /= 2 // a complex number is two floats
		}
		data = slices.Clone(data)
		for word := range slices.Chunk(data, size) {
			slices.Reverse(word)
		}
	}
	return fromBytes(d, shape, data)
}

// readStrings reads S, bytes, and U, UTF-32. Both are padded with zeros.
func (h header) readStrings(shape []int64, data []byte) (*tf.Tensor, error) {
	size, err := strconv.ParseUint(h.kind[1:], 10, 28)
	if err != nil || size == 0 {
		return nil, fmt.Errorf("%q has no length", h.kind)
	}
	if h.kind[0] == 'U' {
		size *= 4
	}
	n, err := h.check(int(size), data)
	if err != nil {
		return nil, err
	}
	values := make([]string, 0, n)
	for element := range slices.Chunk(data, int(size)) {
		if h.kind[0] == 'U' {
			if element, err = h.utf8(element); err != nil {
				return nil, fmt.Errorf("element %d: %w", len(values), err)
			}
		}
		values = append(values, string(bytes.TrimRight(element, "\x00")))
	}
	return fromStrings(shape, values)
}

// utf8 converts UTF-32.
func (h header) utf8(utf32 []byte) (text []byte, err error) {
	var order binary.ByteOrder = binary.LittleEndian
	if h.bigEndian {
		order = binary.BigEndian
	}
	for c := range slices.Chunk(utf32, 4) {
		r := order.Uint32(c)
		if r > utf8.MaxRune || !utf8.ValidRune(rune(r)) {
			return nil, fmt.Errorf("%#x is no character", r)
		}
		text = utf8.AppendRune(text, rune(r))
	}
	return text, nil
}

// transpose reverses the order of the dimensions.
func transpose(t *tf.Tensor) (*tf.Tensor, error) {
	order := make([]int32, len(t.Shape()))
	for i := range order {
		order[i] = int32(len(order) - 1 - i)
	}
	return apply(t, func(s *op.Scope, x tf.Output) tf.Output { return op.Transpose(s, x, op.Const(s, order)) })
}

// WriteNPY writes a .npy file. Strings become S, bfloat16 V2, which numpy reads
// as raw bytes: a view of ml_dtypes.bfloat16 makes numbers of them.
func WriteNPY(w io.Writer, t *tf.Tensor) error {
	descr, data, err := encode(t)
	if err != nil {
		return err
	}
	shape := strings.TrimSuffix(dimsString(t.Shape()), ")")
	if len(t.Shape()) == 1 {
		shape += ","
	}
	text := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': %s), }", descr, shape)
	const before = len(magic) + 4
	padding := 64 - (before+len(text)+1)%64 // numpy aligns the data so
	text += strings.Repeat(" ", padding) + "\n"
	head := append([]byte(magic), 1, 0)
	head = binary.LittleEndian.AppendUint16(head, uint16(len(text)))
	if _, err := w.Write(append(head, text...)); err != nil {
		return err
	}
	_, err = w.Write(data)
	return err
}

// encode returns numpy's dtype and the elements.
func encode(t *tf.Tensor) (descr string, data []byte, err error) {
	if t.DataType() == tf.String {
		return encodeStrings(t)
	}
	d, err := find(t.DataType())
	if err != nil {
		return "", nil, err
	}
	order := "<"
	if d.size == 1 {
		order = "|"
	}
	data, err = content(t)
	return order + d.numpy, data, err
}

func encodeStrings(t *tf.Tensor) (descr string, data []byte, err error) {
	values, err := texts(t)
	if err != nil {
		return "", nil, err
	}
	size := 1
	for _, s := range values {
		if strings.HasSuffix(s, "\x00") {
			return "", nil, fmt.Errorf("%q ends in a zero byte, which no array of numpy's can hold; JSON can", s)
		}
		size = max(size, len(s))
	}
	for _, s := range values {
		data = append(data, s...)
		data = append(data, make([]byte, size-len(s))...)
	}
	return fmt.Sprintf("|S%d", size), data, nil
}
