package mnist

import (
	"errors"
	"image"
	"math"
	"slices"

	"golang.org/x/image/draw"
)

const (
	// boxSize is the side of the box that a digit of MNIST fills.
	boxSize = 20

	// center is the row and the column of a digit's centre of mass in MNIST.
	center = 14

	// workSize bounds the sides of the picture that the digit is looked for in.
	workSize = 1024

	// minContrast is the least difference between ink and background, of that
	// between black and white, that is not taken for a blank picture's shades.
	minContrast = 1.0 / 16

	// cropAt is the least ink, of 255, that the crop keeps.
	cropAt = 64
)

var errNoInk = errors.New("no ink: the picture is of one colour, or nearly")

// Fit returns a picture of one digit as an image of MNIST: [Rows] rows of [Cols]
// bytes, 0 background, 255 ink. As MNIST's were, the digit is cropped, scaled
// with its aspect kept and with shades of grey to fit a box of 20x20 pixels, and
// put so that its centre of mass is in the middle.
//
// Colours count as grey. The background is the median of the outermost pixels;
// ink is what is darker or what is lighter than it, whichever differs more.
// Where the picture is transparent, the background shows. If that is so at most
// of the outermost pixels, the background is white or black, whichever is
// further from the mean of what is to see.
//
// Thrice the median deviation of the outermost pixels is taken off as noise, and
// what is left is stretched to 255. The crop keeps what has a quarter of that. A
// picture larger than 1024 pixels is reduced first.
//
// An image of MNIST and its negative come back as they are: pictures of 28x28
// pixels with a background of 0, or 255, whose digit has the size and the centre
// of mass that it should have.
//
// A picture whose ink differs from its background by less than 1/16 of what black
// differs from white is an error.
func Fit(img image.Image) ([]byte, error) {
	p, background := tones(img)
	noise := p.ink(background)
	if p.w == Cols && p.h == Rows && (background == 0 || background == 1) {
		if pixels := p.bytes(1); fitted(pixels) {
			return pixels, nil
		}
	}
	digit, err := p.digit(noise)
	if err != nil {
		return nil, err
	}
	return place(digit), nil
}

// A plane has one number for each pixel of a picture, row by row from the top
// left: its tone, 0 black to 1 white, or its ink, 0 none to 1.
type plane struct {
	w, h int
	v    []float32
}

// tones returns the tones of a picture, reduced if it is large, and that of its
// background.
func tones(img image.Image) (p plane, background float32) {
	from := img.Bounds()
	reduce := max(1, float64(max(from.Dx(), from.Dy()))/workSize)
	p.w, p.h = scaled(from.Dx(), 1/reduce), scaled(from.Dy(), 1/reduce)
	rgba := image.NewRGBA64(image.Rect(0, 0, p.w, p.h))
	if reduce > 1 {
		draw.CatmullRom.Scale(rgba, rgba.Rect, img, from, draw.Src, nil) // its kernel grows to all that a pixel covers
	} else {
		draw.Draw(rgba, rgba.Rect, img, from.Min, draw.Src)
	}

	grey := image.NewGray16(rgba.Rect) // over black
	draw.Draw(grey, grey.Rect, rgba, image.Point{}, draw.Src)
	alpha := make([]float32, p.w*p.h)
	p.v = make([]float32, p.w*p.h)
	var sum, sumAlpha float64
	for i := range p.v {
		x, y := i%p.w, i/p.w
		p.v[i] = float32(grey.Gray16At(x, y).Y) / math.MaxUint16
		alpha[i] = float32(rgba.RGBA64At(x, y).A) / math.MaxUint16
		sum += float64(p.v[i])
		sumAlpha += float64(alpha[i])
	}
	var outer []float32
	for _, i := range p.outermost() {
		if alpha[i] > 0.5 {
			outer = append(outer, p.v[i]/alpha[i])
		}
	}
	switch {
	case 2*len(outer) >= len(p.outermost()):
		background = median(outer)
	case sum < sumAlpha/2:
		background = 1
	}
	for i := range p.v {
		p.v[i] += (1 - alpha[i]) * background
	}
	return p, background
}

// ink makes tones ink, and returns the noise in it.
func (p plane) ink(background float32) (noise float32) {
	var deviations []float32
	for _, i := range p.outermost() {
		deviations = append(deviations, max(p.v[i]-background, background-p.v[i]))
	}
	var darker, lighter float64
	for _, v := range p.v {
		d := float64(v - background)
		if d < 0 {
			darker += d * d
		} else {
			lighter += d * d
		}
	}
	sign := float32(1)
	if darker > lighter {
		sign = -1
	}
	for i, v := range p.v {
		p.v[i] = max(0, sign*(v-background))
	}
	return 3 * median(deviations)
}

// digit returns the ink, less the noise, cropped and in its box.
func (p plane) digit(noise float32) (*image.Gray, error) {
	peak := slices.Max(p.v) - noise
	if peak < minContrast {
		return nil, errNoInk
	}
	var strokes []float32
	for i, v := range p.v {
		p.v[i] = max(0, v-noise)
		if p.v[i] > peak/4 {
			strokes = append(strokes, p.v[i])
		}
	}
	slices.Sort(strokes)
	full := strokes[len(strokes)*9/10] // not the peak, which one bright speck can have
	all := &image.Gray{Pix: p.bytes(full), Stride: p.w, Rect: image.Rect(0, 0, p.w, p.h)}

	crop := inkBox(all, cropAt)
	shrink := boxSize / float64(max(crop.Dx(), crop.Dy()))
	digit := image.NewGray(image.Rect(0, 0, scaled(crop.Dx(), shrink), scaled(crop.Dy(), shrink)))
	draw.CatmullRom.Scale(digit, digit.Rect, all, crop, draw.Src, nil)
	return digit, nil
}

// bytes returns ink as bytes, of which 255 is full.
func (p plane) bytes(full float32) []byte {
	b := make([]byte, len(p.v))
	for i, v := range p.v {
		b[i] = byte(math.MaxUint8*min(1, v/full) + 0.5)
	}
	return b
}

// outermost returns where in v the outermost pixels are.
func (p plane) outermost() []int {
	var at []int
	for i := range p.v {
		if x, y := i%p.w, i/p.w; x == 0 || x == p.w-1 || y == 0 || y == p.h-1 {
			at = append(at, i)
		}
	}
	return at
}

// fitted tells whether pixels of an image's size are fitted as MNIST's are.
func fitted(pixels []byte) bool {
	img := &image.Gray{Pix: pixels, Stride: Cols, Rect: image.Rect(0, 0, Cols, Rows)}
	box := inkBox(img, 1)
	side := max(box.Dx(), box.Dy())
	x, y := centerOfMass(img)
	// Of MNIST's 70,000 digits, 16 are one pixel short, and the centre is 0.52 off at most.
	return (side == boxSize || side == boxSize-1) && math.Abs(x-center) < 0.53 && math.Abs(y-center) < 0.53
}

// place returns an image of MNIST's size with the digit in it.
func place(digit *image.Gray) []byte {
	x, y := centerOfMass(digit)
	at := image.Pt(center-int(math.Round(x)), center-int(math.Round(y)))
	img := image.NewGray(image.Rect(0, 0, Cols, Rows))
	draw.Copy(img, at, digit, digit.Rect, draw.Src, nil)
	return img.Pix
}

// inkBox returns the least rectangle that has all pixels of at least that much ink.
func inkBox(img *image.Gray, least uint8) (box image.Rectangle) {
	for i, v := range img.Pix {
		if v >= least {
			x, y := i%img.Stride, i/img.Stride
			box = box.Union(image.Rect(x, y, x+1, y+1))
		}
	}
	return box
}

// centerOfMass returns the centre of mass, in pixels from the first one's centre.
func centerOfMass(img *image.Gray) (x, y float64) {
	mass := 0.0
	for i, v := range img.Pix {
		mass += float64(v)
		x += float64(v) * float64(i%img.Stride)
		y += float64(v) * float64(i/img.Stride)
	}
	return x / mass, y / mass
}

// scaled returns a side, scaled, of at least one pixel.
func scaled(side int, by float64) int {
	return max(1, int(math.Round(float64(side)*by)))
}

// median returns the middle one of values, which it sorts.
func median(values []float32) float32 {
	slices.Sort(values)
	return values[len(values)/2]
}
