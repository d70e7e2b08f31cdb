package mnist

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"image"
	_ "image/gif"
	_ "image/jpeg"
	_ "image/png"
	"io"
)

// maxPixels bounds the size of a picture, and with it the memory that it takes.
const maxPixels = 64 << 20

// ReadPicture reads a picture of one digit, in PNG, JPEG or GIF, and returns it
// as an image of MNIST; see [Fit]. Of an animated GIF it takes the first frame. A
// rotation that a JPEG only notes in its EXIF data is not done.
//
// A picture of more than 64 Mi pixels is an error, before memory is taken for
// them.
func ReadPicture(r io.Reader) ([]byte, error) {
	buffered := bufio.NewReader(r)
	if _, err := buffered.Peek(1); err == io.EOF {
		return nil, errors.New("empty, want a picture in PNG, JPEG or GIF")
	} else if err != nil {
		return nil, err
	}
	var header bytes.Buffer
	config, format, err := image.DecodeConfig(io.TeeReader(buffered, &header))
	if err == image.ErrFormat {
		return nil, errors.New("not a picture in PNG, JPEG or GIF")
	}
	if err != nil {
		return nil, fmt.Errorf("broken %s: %w", format, err)
	}
	if config.Width*config.Height > maxPixels {
		return nil, fmt.Errorf("%dx%d pixels, want at most %d in all", config.Width, config.Height, maxPixels)
	}
	img, _, err := image.Decode(io.MultiReader(&header, buffered))
	if err != nil {
		return nil, fmt.Errorf("broken %s: %w", format, err)
	}
	return Fit(img)
}
