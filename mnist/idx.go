package mnist

import (
	"bufio"
	"compress/flate"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// An IDX file is a header of big-endian 32-bit words, then the data. The words
// are a magic number, the count of items, and the sides of an item if it has any.
const (
	labelMagic = 0x801 // unsigned bytes in 1 dimension
	imageMagic = 0x803 // unsigned bytes in 3 dimensions
)

const (
	imageSize = Rows * Cols

	// maxCount bounds what a header may claim, and with it what a gzip bomb may
	// take. The largest set in this format, EMNIST, has 814,255 images.
	maxCount = 1_000_000

	// firstRead is the most memory taken on a header's word alone.
	firstRead = 64 << 10
)

// A FormatError reports that the input is not a valid MNIST file.
type FormatError string

// Error says in one line what is wrong and what would be right.
func (e FormatError) Error() string { return "mnist: invalid format: " + string(e) }

func formatErrorf(format string, args ...any) error {
	return FormatError(fmt.Sprintf(format, args...))
}

// ReadImages reads an IDX file of images, plain or as one gzip stream, to the end
// of r, where the file must end too. It returns the pixels, laid out as in [Set],
// and the count of images, at most 1,000,000.
//
// The error is a [FormatError] if the file is not valid or its images are not
// [Rows] by [Cols], else r's own.
func ReadImages(r io.Reader) ([]byte, int, error) {
	pixels, err := readIDX(r, imageMagic)
	return pixels, len(pixels) / imageSize, err
}

// ReadLabels reads an IDX file of labels, plain or as one gzip stream, to the end
// of r, where the file must end too. It returns one byte a label, each less than
// [Classes], at most 1,000,000 of them.
//
// The error is a [FormatError] if the file is not valid, else r's own.
func ReadLabels(r io.Reader) ([]byte, error) {
	labels, err := readIDX(r, labelMagic)
	if err != nil {
		return nil, err
	}
	for i, l := range labels {
		if l >= Classes {
			return nil, formatErrorf("label at index %d is %d, want 0 to %d", i, l, Classes-1)
		}
	}
	return labels, nil
}

// readIDX returns the data of the file in r, which must have the given magic.
func readIDX(r io.Reader, magic uint32) ([]byte, error) {
	raw := bufio.NewReader(r)
	start, err := raw.Peek(2)
	if err != nil && err != io.EOF {
		return nil, err
	}
	src := io.Reader(raw)
	if string(start) == "\x1f\x8b" {
		z, err := gzip.NewReader(raw)
		if err != nil {
			return nil, readError(err)
		}
		z.Multistream(false) // or bytes after the stream would be taken for a second one
		src = z
	}

	count, err := readHeader(src, magic)
	if err != nil {
		return nil, err
	}
	size := count
	if magic == imageMagic {
		size *= imageSize
	}
	data, err := readData(src, size)
	if err != nil {
		return nil, err
	}
	// Reading on to the end has gzip check its checksum, too.
	if err := wantEOF(src, fmt.Sprintf("the %d bytes of data the header claims", size)); err != nil {
		return nil, err
	}
	if err := wantEOF(raw, "the gzip stream"); err != nil {
		return nil, err
	}
	return data, nil
}

// readHeader checks the header and returns the count of items that it claims.
func readHeader(r io.Reader, magic uint32) (int, error) {
	header := make([]byte, 8)
	if magic == imageMagic {
		header = make([]byte, 16)
	}
	n, err := io.ReadFull(r, header)
	if n >= 4 {
		// Even in a file too short for its header, the wrong kind is what to report.
		if err := checkMagic(binary.BigEndian.Uint32(header), magic); err != nil {
			return 0, err
		}
	}
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return 0, formatErrorf("truncated: %d bytes of header, want %d", n, len(header))
	}
	if err != nil {
		return 0, readError(err)
	}
	count := binary.BigEndian.Uint32(header[4:])
	if count > maxCount {
		return 0, formatErrorf("header claims %d items, want at most %d", count, maxCount)
	}
	if magic == imageMagic {
		rows, cols := binary.BigEndian.Uint32(header[8:]), binary.BigEndian.Uint32(header[12:])
		if rows != Rows || cols != Cols {
			return 0, formatErrorf("images are %dx%d, want %dx%d", rows, cols, Rows, Cols)
		}
	}
	return int(count), nil
}

func checkMagic(got, want uint32) error {
	kinds := map[uint32]string{labelMagic: "a label file", imageMagic: "an image file"}
	if got == want {
		return nil
	}
	kind, ok := kinds[got]
	if !ok {
		kind = "no MNIST file"
	}
	return formatErrorf("magic %#x is %s, want %s %#x", got, kind, kinds[want], want)
}

// readData reads size bytes. Its memory grows with what has come, not with size,
// which a header over a short stream may have made up.
func readData(r io.Reader, size int) ([]byte, error) {
	data := make([]byte, 0, min(size, firstRead))
	for {
		n, err := io.ReadFull(r, data[len(data):cap(data)])
		data = data[:len(data)+n]
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return nil, formatErrorf("truncated: %d bytes of data, want %d", len(data), size)
		}
		if err != nil {
			return nil, readError(err)
		}
		if len(data) == size {
			return data, nil
		}
		data = append(make([]byte, 0, min(size, 4*cap(data))), data...)
	}
}

func wantEOF(r io.Reader, after string) error {
	switch _, err := io.ReadFull(r, make([]byte, 1)); err {
	case io.EOF:
		return nil
	case nil:
		return formatErrorf("more bytes after %s, want none", after)
	default:
		return readError(err)
	}
}

// readError tells errors in a gzip stream, which are the file's, from the reader's own.
func readError(err error) error {
	var corrupt flate.CorruptInputError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return FormatError("truncated: the stream breaks off, want all of it")
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.As(err, &corrupt):
		return formatErrorf("corrupt gzip stream, want a sound one: %v", err)
	}
	return err
}
