package mnist

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
)

// idx returns an IDX file: the words of its header, then data.
func idx(data []byte, words ...uint32) []byte {
	var b []byte
	for _, w := range words {
		b = binary.BigEndian.AppendUint32(b, w)
	}
	return append(b, data...)
}

func imageFile(pixels []byte) []byte {
	return idx(pixels, 0x803, uint32(len(pixels)/784), 28, 28)
}

func labelFile(labels ...byte) []byte {
	return idx(labels, 0x801, uint32(len(labels)))
}

func zip(data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(data)
	w.Close()
	return b.Bytes()
}

// ramp returns n bytes that differ from their neighbours and from one image to the next.
func ramp(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i * 7 / 5)
	}
	return b
}

// with returns a copy of b in which byte i, from the end if negative, is flipped.
func with(b []byte, i int) []byte {
	b = bytes.Clone(b)
	b[(i+len(b))%len(b)] ^= 0xff
	return b
}

// join returns a and b in new memory.
func join(a, b []byte) []byte { return append(bytes.Clone(a), b...) }

func TestReadImages(t *testing.T) {
	// 0 and 1 images, and around each size at which the reader's memory grows.
	for _, n := range []int{0, 1, 2, 83, 84, 335, 1338, 6000} {
		pixels := ramp(n * 784)
		plain := imageFile(pixels)
		for name, r := range map[string]io.Reader{
			"plain":             bytes.NewReader(plain),
			"gz":                bytes.NewReader(zip(plain)),
			"half at a time":    iotest.HalfReader(bytes.NewReader(plain)),
			"gz a byte a time":  iotest.OneByteReader(bytes.NewReader(zip(plain))),
			"EOF with the data": iotest.DataErrReader(bytes.NewReader(zip(plain))),
		} {
			got, count, err := ReadImages(r)
			if err != nil || count != n || !bytes.Equal(got, pixels) {
				t.Errorf("%d images, %s: count %d, %d bytes, err %v", n, name, count, len(got), err)
			}
		}
	}
}

func TestReadLabels(t *testing.T) {
	want := []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}
	for _, file := range [][]byte{labelFile(want...), zip(labelFile(want...))} {
		if got, err := ReadLabels(bytes.NewReader(file)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("got %d, %v, want %d", got, err, want)
		}
	}
	if got, err := ReadLabels(bytes.NewReader(labelFile())); err != nil || len(got) != 0 {
		t.Errorf("no labels: got %d, %v", got, err)
	}
}

func TestReadErrors(t *testing.T) {
	images := func(r io.Reader) ([]byte, error) {
		pixels, n, err := ReadImages(r)
		if n != 0 {
			t.Errorf("%d images and error %v", n, err)
		}
		return pixels, err
	}
	good := imageFile(ramp(2 * 784))
	labels := labelFile(7, 2, 1, 0, 4, 1, 4, 9)
	zipped := zip(good)

	for _, tt := range []struct {
		name string
		read func(io.Reader) ([]byte, error)
		file []byte
		want string
	}{
		{"empty images", images, nil, "truncated: 0 bytes of header, want 16"},
		{"empty labels", ReadLabels, nil, "truncated: 0 bytes of header, want 8"},
		{"1 byte", images, good[:1], "truncated: 1 bytes of header, want 16"},
		{"short header", images, good[:15], "truncated: 15 bytes of header, want 16"},
		{"short header of labels", ReadLabels, labels[:7], "truncated: 7 bytes of header, want 8"},
		{"empty gz", images, zip(nil), "truncated: 0 bytes of header, want 16"},
		{"labels as images", images, labels, "magic 0x801 is a label file, want an image file 0x803"},
		{"few labels as images", images, labelFile(7), "magic 0x801 is a label file, want an image file 0x803"},
		{"images as labels", ReadLabels, zipped, "magic 0x803 is an image file, want a label file 0x801"},
		{"web page", images, []byte("<!DOCTYPE html><html>"), "magic 0x3c21444f is no MNIST file, want an image file 0x803"},
		{"gzipped twice", ReadLabels, zip(zip(labels)), "magic 0x1f8b0800 is no MNIST file, want a label file 0x801"},
		{"32x28", images, idx(nil, 0x803, 1, 32, 28), "images are 32x28, want 28x28"},
		{"28x32", images, idx(nil, 0x803, 1, 28, 32), "images are 28x32, want 28x28"},
		{"4 billion images", images, idx(nil, 0x803, 1<<32-1, 28, 28), "header claims 4294967295 items, want at most 1000000"},
		{"too many images", images, idx(nil, 0x803, 1_000_001, 28, 28), "header claims 1000001 items, want at most 1000000"},
		{"too many labels", ReadLabels, idx(nil, 0x801, 1_000_001), "header claims 1000001 items, want at most 1000000"},
		{"most images, no data", images, idx(nil, 0x803, 1_000_000, 28, 28), "truncated: 0 bytes of data, want 784000000"},
		{"most labels, no data", ReadLabels, idx(nil, 0x801, 1_000_000), "truncated: 0 bytes of data, want 1000000"},
		{"cut", images, good[:len(good)-1], "truncated: 1567 bytes of data, want 1568"},
		{"cut labels", ReadLabels, labels[:len(labels)-1], "truncated: 7 bytes of data, want 8"},
		{"cut then gz", images, zip(good[:len(good)-1]), "truncated: 1567 bytes of data, want 1568"},
		{"cut after growing", images, imageFile(ramp(1000 * 784))[:700_016], "truncated: 700000 bytes of data, want 784000"},
		{"gz cut in its data", images, zipped[:len(zipped)/2], "bytes of data, want 1568"},
		{"gz cut in its header", images, zipped[:5], "truncated: the stream breaks off"},
		{"gz cut in its checksum", images, zipped[:len(zipped)-1], "truncated: the stream breaks off"},
		{"more", images, join(good, []byte{0}), "more bytes after the 1568 bytes of data the header claims, want none"},
		{"more labels", ReadLabels, join(labels, []byte{0}), "more bytes after the 8 bytes of data the header claims, want none"},
		{"more then gz", images, zip(join(good, []byte{0})), "more bytes after the 1568 bytes of data the header claims, want none"},
		{"more after gz", images, join(zipped, []byte{0}), "more bytes after the gzip stream, want none"},
		{"gz twice over", images, join(zipped, zipped), "more bytes after the gzip stream, want none"},
		{"gz of no known method", images, with(zipped, 2), "corrupt gzip stream, want a sound one: gzip: invalid header"},
		{"gz of a wrong checksum", images, with(zipped, -8), "corrupt gzip stream, want a sound one: gzip: invalid checksum"},
		{"gz of a wrong size", images, with(zipped, -4), "corrupt gzip stream, want a sound one: gzip: invalid checksum"},
		{"gz of corrupt blocks", images, with(zipped, 10), "corrupt gzip stream, want a sound one: flate: corrupt input"},
		{"label 10", ReadLabels, labelFile(9, 0, 10, 11), "label at index 2 is 10, want 0 to 9"},
		{"label 255", ReadLabels, zip(labelFile(255)), "label at index 0 is 255, want 0 to 9"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.read(bytes.NewReader(tt.file))
			if got != nil {
				t.Errorf("%d bytes and error %v", len(got), err)
			}
			checkFormatError(t, err, tt.want)
		})
	}
}

// checkFormatError checks that err wraps a FormatError, has want in its message and is one line.
func checkFormatError(t *testing.T, err error, want string) {
	t.Helper()
	var format FormatError
	if !errors.As(err, &format) {
		t.Fatalf("error %v is no FormatError", err)
	}
	msg := err.Error()
	if !strings.Contains(msg, "mnist: invalid format: ") || !strings.Contains(msg, want) || strings.Contains(msg, "\n") {
		t.Errorf("error\n%s\nwant a line with\n%s", msg, want)
	}
}

func TestReaderError(t *testing.T) {
	disk := errors.New("disk on fire")
	file := imageFile(ramp(784))
	for _, file := range [][]byte{file, zip(file)} {
		// A read may fail anywhere, after the last byte included.
		for n := range len(file) + 1 {
			r := io.MultiReader(bytes.NewReader(file[:n]), iotest.ErrReader(disk))
			if pixels, count, err := ReadImages(r); pixels != nil || count != 0 || err != disk {
				t.Fatalf("failure at %d of %d: %d images, err %v", n, len(file), count, err)
			}
		}
	}
	// A failure counts even if reading could go on.
	r := iotest.TimeoutReader(iotest.OneByteReader(bytes.NewReader(file)))
	if _, _, err := ReadImages(r); err != iotest.ErrTimeout {
		t.Errorf("error %v, want %v", err, iotest.ErrTimeout)
	}
}

// TestMemory checks that a file cannot take much more memory than its data does.
func TestMemory(t *testing.T) {
	few := make([]byte, 100*784) // more than firstRead
	bomb := make([]byte, 16<<20)
	for _, tt := range []struct {
		name string
		file []byte
	}{
		{"4 billion images", idx(few, 0x803, 1<<32-1, 28, 28)},
		{"4 billion rows", idx(few, 0x803, 1, 1<<32-1, 28)},
		{"sizes whose product overflows", idx(few, 0x803, 1<<31, 1<<31, 4)},
		{"most images", idx(few, 0x803, 1_000_000, 28, 28)},
		{"most images, gz", zip(idx(few, 0x803, 1_000_000, 28, 28))},
		{"gzip bomb", zip(idx(bomb, 0x803, 1, 28, 28))},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _, err := ReadImages(bytes.NewReader(tt.file))
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s: no error", tt.name)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20 {
			t.Errorf("%s: took %d bytes", tt.name, took)
		}
	}
}

func FuzzReadImages(f *testing.F) {
	for _, file := range [][]byte{
		imageFile(nil),
		imageFile(ramp(784)),
		zip(imageFile(ramp(2 * 784))),
		idx(nil, 0x803, 1<<32-1, 28, 28),
		zip(labelFile(7)),
		{0x1f, 0x8b},
	} {
		f.Add(file)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		pixels, n, err := ReadImages(bytes.NewReader(file))
		if err != nil {
			checkFormatError(t, err, "")
			return
		}
		if len(pixels) != n*784 {
			t.Fatalf("%d pixels for %d images", len(pixels), n)
		}
		again := imageFile(pixels)
		if file[0] == 0 && !bytes.Equal(again, file) {
			t.Fatal("a plain file does not round trip")
		}
		got, m, err := ReadImages(iotest.HalfReader(bytes.NewReader(zip(again))))
		if err != nil || m != n || !bytes.Equal(got, pixels) {
			t.Fatalf("round trip: %d images, want %d, err %v", m, n, err)
		}
	})
}

func FuzzReadLabels(f *testing.F) {
	for _, file := range [][]byte{
		labelFile(),
		labelFile(5, 0, 4, 1, 9),
		labelFile(9, 10),
		zip(labelFile(7, 2, 1, 0, 4)),
		idx(nil, 0x801, 1<<32-1),
		zip(imageFile(nil)),
		{0x1f, 0x8b},
	} {
		f.Add(file)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		labels, err := ReadLabels(bytes.NewReader(file))
		if err != nil {
			checkFormatError(t, err, "")
			return
		}
		for i, l := range labels {
			if l > 9 {
				t.Fatalf("label %d is %d", i, l)
			}
		}
		again := labelFile(labels...)
		if file[0] == 0 && !bytes.Equal(again, file) {
			t.Fatal("a plain file does not round trip")
		}
		got, err := ReadLabels(iotest.HalfReader(bytes.NewReader(zip(again))))
		if err != nil || !bytes.Equal(got, labels) {
			t.Fatalf("round trip: %d labels, want %d, err %v", len(got), len(labels), err)
		}
	})
}
