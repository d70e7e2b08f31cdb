// Package mnist reads the MNIST handwritten digits from their IDX files.
package mnist

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
)

const (
	Rows    = 28 // pixels from top to bottom of an image
	Cols    = 28 // pixels from left to right of an image
	Classes = 10 // digits
)

// heldOut is how many of the training file's images, its first, are for
// validation, as in the tutorial's loader.
const heldOut = 5000

// A Set is a sequence of labelled images. Its zero value is an empty set.
type Set struct {
	// Pixels are the images one after the other, each [Rows] rows of [Cols]
	// bytes from the top left, so of shape [Len, Rows, Cols]. 0 is background,
	// 255 ink.
	Pixels []byte
	// Labels are the digits that the images show, 0 to 9, of shape [Len].
	Labels []byte
}

// Len returns the number of images.
func (s Set) Len() int { return len(s.Labels) }

// Slice returns images i up to but not including j. As with a slice expression,
// the memory is shared and bounds out of range panic; the capacity ends at j, so
// that appending to the result leaves s as it is.
func (s Set) Slice(i, j int) Set {
	return Set{
		Pixels: s.Pixels[i*imageSize : j*imageSize : j*imageSize],
		Labels: s.Labels[i:j:j],
	}
}

// Batches yields s in consecutive batches of n images, in order, without copying.
// The last batch is smaller if n does not divide Len. If n < 1 there are none.
func (s Set) Batches(n int) iter.Seq[Set] {
	return func(yield func(Set) bool) {
		if n < 1 {
			return
		}
		for i, j := 0, 0; i < s.Len(); i = j {
			j = min(i+n, s.Len())
			if !yield(s.Slice(i, j)) {
				return
			}
		}
	}
}

// Data are the images as the tutorial splits them: the first 5,000 of the
// training file are Validation and the rest, 55,000 in MNIST, are Train. Test is
// the whole test file, 10,000 in MNIST. All are in the order of the files.
type Data struct {
	Train, Validation, Test Set
}

// Dir returns the directory where scripts/setup puts MNIST's files: tfrunner/mnist
// in [os.UserCacheDir], whose error it wraps. The directory need not exist.
func Dir() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("mnist: no cache directory: %w; set it or give -data DIR", err)
	}
	return filepath.Join(cache, "tfrunner", "mnist"), nil
}

// Load reads and splits the images in dir. It takes four files, each by the name
// below or, where there is none of that name, as NAME.gz:
//
//	train-images-idx3-ubyte  train-labels-idx1-ubyte
//	t10k-images-idx3-ubyte   t10k-labels-idx1-ubyte
//
// There may be fewer images than in MNIST: 5,001 for training and 1 for testing
// are enough.
//
// An error is of one line and names the file. It wraps a [FormatError] or the system's error, such as
// [fs.ErrNotExist].
func Load(dir string) (Data, error) {
	var test Set
	var testErr error
	testRead := make(chan struct{})
	go func() {
		defer close(testRead)
		test, testErr = load(dir, "t10k", 1)
	}()
	train, trainErr := load(dir, "train", heldOut+1)
	<-testRead
	if trainErr != nil {
		return Data{}, trainErr
	}
	if testErr != nil {
		return Data{}, testErr
	}
	return Data{
		Train:      train.Slice(heldOut, train.Len()),
		Validation: train.Slice(0, heldOut),
		Test:       test,
	}, nil
}

// load reads the images and labels called prefix, of which there must be atLeast so many.
func load(dir, prefix string, atLeast int) (Set, error) {
	images, err := open(dir, prefix+"-images-idx3-ubyte")
	if err != nil {
		return Set{}, err
	}
	defer images.Close()
	labels, err := open(dir, prefix+"-labels-idx1-ubyte")
	if err != nil {
		return Set{}, err
	}
	defer labels.Close()

	pixels, n, err := ReadImages(images)
	if err != nil {
		return Set{}, inFile(images, err)
	}
	if n < atLeast {
		return Set{}, inFile(images, formatErrorf("%d images, want at least %d", n, atLeast))
	}
	digits, err := ReadLabels(labels)
	if err != nil {
		return Set{}, inFile(labels, err)
	}
	if len(digits) != n {
		return Set{}, inFile(labels, formatErrorf("%d labels, want %d, one for each image in %s", len(digits), n, images.Name()))
	}
	return Set{Pixels: pixels, Labels: digits}, nil
}

func open(dir, name string) (*os.File, error) {
	path := filepath.Join(dir, name)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		f, err = os.Open(path + ".gz")
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf(`mnist: %s or %[1]s.gz: %w; run "make setup" or give -data DIR`, path, fs.ErrNotExist)
	}
	if err != nil {
		return nil, fmt.Errorf("mnist: %w", err)
	}
	return f, nil
}

// inFile has err name f. The system's errors do already.
func inFile(f *os.File, err error) error {
	var format FormatError
	if errors.As(err, &format) {
		return fmt.Errorf("%s: %w", f.Name(), err)
	}
	return fmt.Errorf("mnist: %w", err)
}
