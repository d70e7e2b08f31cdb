package tensors

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	"github.com/tensorflow/tensorflow/tensorflow/go/op"
)

// As numpy prints: of more than most elements, only the first and the last ones
// of each dimension are shown.
const (
	most    = 1000
	edge    = 3
	columns = 75
)

// Print writes a tensor's values for people, as numpy does, and a newline.
func Print(w io.Writer, t *tf.Tensor) error {
	element, err := elements(t, strconv.Quote)
	if err != nil {
		return err
	}
	n := int64(1)
	for _, d := range t.Shape() {
		n *= d
	}
	text := "[]"
	if n > 0 {
		p := printer{element: element, short: n > most}
		p.format(t.Shape(), 0, "") // finds the width
		text = p.format(t.Shape(), 0, "")
	}
	_, err = fmt.Fprintln(w, text)
	return err
}

type printer struct {
	element func(i int64) string
	short   bool
	width   int // of the widest element so far
}

// format returns the text of the part of a tensor that begins at an element.
func (p *printer) format(dims []int64, at int64, indent string) string {
	if len(dims) == 0 {
		s := p.element(at)
		p.width = max(p.width, utf8.RuneCountInString(s))
		return fmt.Sprintf("%*s", p.width, s)
	}
	indent += " "
	size := int64(1)
	for _, d := range dims[1:] {
		size *= d
	}
	between := strings.Repeat("\n", len(dims)-1) + indent
	var b strings.Builder
	b.WriteString("[")
	column := len(indent)
	for i := int64(0); i < dims[0]; i++ {
		part := "..."
		if p.short && i == edge && dims[0] > 2*edge {
			i = dims[0] - edge - 1
		} else {
			part = p.format(dims[1:], at+i*size, indent)
		}
		switch column += len(part) + 1; {
		case b.Len() == 1:
		case len(dims) > 1:
			b.WriteString(between)
		case column > columns:
			b.WriteString("\n" + indent)
			column = len(indent) + len(part)
		default:
			b.WriteString(" ")
		}
		b.WriteString(part)
	}
	return b.String() + "]"
}

// JSON returns a tensor's values as nested lists, in the form that [FromJSON]
// reads: strings that are no UTF-8 are {"b64": "..."}, and floats that JSON has
// no number for are strings.
func JSON(t *tf.Tensor) (json.RawMessage, error) {
	if t.DataType() == tf.Complex64 || t.DataType() == tf.Complex128 {
		return nil, fmt.Errorf("JSON has no %s: write a .npy file", Name(t.DataType()))
	}
	element, err := elements(t, jsonString)
	if err != nil {
		return nil, err
	}
	return appendJSON(nil, t.Shape(), 0, element), nil
}

func appendJSON(b []byte, dims []int64, at int64, element func(i int64) string) []byte {
	if len(dims) == 0 {
		s := element(at)
		switch s {
		case "NaN":
		case "+Inf":
			s = "Infinity"
		case "-Inf":
			s = "-Infinity"
		default:
			return append(b, s...)
		}
		return strconv.AppendQuote(b, s)
	}
	size := int64(1)
	for _, d := range dims[1:] {
		size *= d
	}
	b = append(b, '[')
	for i := range dims[0] {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendJSON(b, dims[1:], at+i*size, element)
	}
	return append(b, ']')
}

func jsonString(s string) string {
	var value any = s
	if !utf8.ValidString(s) {
		value = map[string]string{"b64": base64.StdEncoding.EncodeToString([]byte(s))}
	}
	text, _ := json.Marshal(value) // strings always marshal
	return string(text)
}

// elements returns a function that gives the text of an element.
func elements(t *tf.Tensor, quote func(string) string) (func(i int64) string, error) {
	switch t.DataType() {
	case tf.String:
		values, err := texts(t)
		return func(i int64) string { return quote(values[i]) }, err
	case tf.Half:
		var err error
		if t, err = apply(t, func(s *op.Scope, x tf.Output) tf.Output { return op.Cast(s, x, tf.Float) }); err != nil {
			return nil, err
		}
	}
	data, err := content(t)
	if err != nil {
		return nil, err
	}
	order := binary.LittleEndian
	float := func(at int64, size int) string {
		switch size {
		case 2: // a bfloat16 is half of a float32; a Cast would make its subnormals 0
			return strconv.FormatFloat(float64(math.Float32frombits(uint32(order.Uint16(data[at:]))<<16)), 'g', -1, 32)
		case 4:
			return strconv.FormatFloat(float64(math.Float32frombits(order.Uint32(data[at:]))), 'g', -1, 32)
		}
		return strconv.FormatFloat(math.Float64frombits(order.Uint64(data[at:])), 'g', -1, 64)
	}
	d, err := find(t.DataType())
	if err != nil {
		return nil, err
	}
	size := int64(d.size)
	return func(i int64) string {
		at := i * size
		var bits [8]byte
		switch d.numpy[0] {
		case 'b':
			return strconv.FormatBool(data[at] != 0)
		case 'f', 'V':
			return float(at, d.size)
		case 'c':
			real, imaginary := float(at, d.size/2), float(at+size/2, d.size/2)
			if imaginary[0] != '-' && imaginary[0] != '+' {
				imaginary = "+" + imaginary
			}
			return real + imaginary + "j"
		case 'u':
			copy(bits[:], data[at:at+size])
			return strconv.FormatUint(order.Uint64(bits[:]), 10)
		}
		copy(bits[8-size:], data[at:at+size])
		return strconv.FormatInt(int64(order.Uint64(bits[:]))>>(64-8*size), 10)
	}, nil
}
