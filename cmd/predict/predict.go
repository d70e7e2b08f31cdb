package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"tfrunner/mnist"
	"tfrunner/train"
)

// batchSize is the number of pictures that the model sees at once.
const batchSize = 256

// predict prints what the model finds in each picture, in order. A picture that
// cannot be read is reported on stderr, and keeps no other from its answer.
func predict(ctx context.Context, model *train.Predictor, o options, stdin io.Reader, stdout, stderr io.Writer) error {
	var files []string
	var pixels []byte // of files
	flush := func() error {
		rows, err := model.Probabilities(pixels)
		if err != nil {
			return err
		}
		for i, row := range rows {
			if err := o.print(stdout, files[i], pixels[i*imageSize:(i+1)*imageSize], row); err != nil {
				return err
			}
		}
		files, pixels = files[:0], pixels[:0]
		return nil
	}
	total, failed := 0, 0
	for file, err := range expand(o.files) {
		var picture []byte
		if err == nil {
			picture, err = read(ctx, file, stdin)
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%w after %d pictures", train.ErrInterrupted, total)
		}
		total++
		if err != nil {
			failed++
			if path := new(fs.PathError); errors.As(err, &path) {
				err = path.Err // which does not name the file again
			}
			fmt.Fprintf(stderr, "predict: %s: %v\n", file, err)
			continue
		}
		files, pixels = append(files, file), append(pixels, picture...)
		if len(files) == batchSize {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := flush(); err != nil {
		return err
	}
	if failed > 0 {
		return fmt.Errorf("no answer for %d of %d", failed, total)
	}
	return nil
}

// imageSize is the number of an image's bytes.
const imageSize = mnist.Rows * mnist.Cols

// expand yields the files that arguments name, and the arguments that name none
// with an error. A file's own name counts before the pattern that it may be.
func expand(args []string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, arg := range args {
			files, err := []string{arg}, error(nil)
			if _, missing := os.Lstat(arg); missing != nil && strings.ContainsAny(arg, `*?[`) {
				if files, err = filepath.Glob(arg); err == nil && files == nil {
					err = errors.New("no file matches the pattern")
				}
			}
			if err != nil && !yield(arg, err) {
				return
			}
			for _, file := range files {
				if !yield(file, nil) {
					return
				}
			}
		}
	}
}

// read reads a picture from a file, or from stdin if that is called -. It
// returns when ctx ends even if a file, such as a pipe, does not.
func read(ctx context.Context, file string, stdin io.Reader) ([]byte, error) {
	var picture []byte
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		picture, err = readFile(file, stdin)
	}()
	select {
	case <-done:
		return picture, err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func readFile(file string, stdin io.Reader) ([]byte, error) {
	if file == "-" {
		return mnist.ReadPicture(stdin)
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return mnist.ReadPicture(f)
}
