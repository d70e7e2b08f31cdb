package mnist_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/color/palette"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"golang.org/x/image/draw"

	"tfrunner/mnist"
)

// digits returns the first n images of the test set.
func digits(t testing.TB, n int) (pictures []*image.Gray) {
	t.Helper()
	dir, err := mnist.Dir()
	if err != nil {
		t.Fatal(err)
	}
	data, err := mnist.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	for b := range data.Test.Slice(0, n).Batches(1) {
		pictures = append(pictures, &image.Gray{Pix: b.Pixels, Stride: mnist.Cols, Rect: image.Rect(0, 0, mnist.Cols, mnist.Rows)})
	}
	return pictures
}

// enlarged returns a digit at 5 times its size with a margin, off the middle,
// the digit's tones mapped.
func enlarged(digit *image.Gray, tone func(ink uint8) uint8) *image.Gray {
	large := image.NewGray(image.Rect(0, 0, 200, 170))
	at := image.Rect(50, 10, 50+5*mnist.Cols, 10+5*mnist.Rows)
	draw.CatmullRom.Scale(large, at, digit, digit.Rect, draw.Src, nil)
	for i, ink := range large.Pix {
		large.Pix[i] = tone(ink)
	}
	return large
}

func same(ink uint8) uint8     { return ink }
func negative(ink uint8) uint8 { return 255 - ink }

// drawn returns the ink as paint of a colour over a background.
func drawn(ink *image.Gray, paint, background color.Color) image.Image {
	img := image.NewNRGBA64(ink.Rect)
	draw.Draw(img, img.Rect, image.NewUniform(background), image.Point{}, draw.Src)
	draw.DrawMask(img, img.Rect, image.NewUniform(paint), image.Point{}, &image.Alpha{Pix: ink.Pix, Stride: ink.Stride, Rect: ink.Rect}, image.Point{}, draw.Over)
	return img
}

func encodePNG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// difference returns the mean absolute difference of two images.
func difference(a, b []byte) float64 {
	sum := 0.0
	for i := range a {
		sum += math.Abs(float64(a[i]) - float64(b[i]))
	}
	return sum / float64(len(a))
}

// TestReadPicture disguises digits and wants them back, nearly.
func TestReadPicture(t *testing.T) {
	test := digits(t, 10)
	toPNG := func(disguise func(digit *image.Gray) image.Image) func(*image.Gray) []byte {
		return func(digit *image.Gray) []byte { return encodePNG(t, disguise(digit)) }
	}
	for name, disguise := range map[string]func(digit *image.Gray) []byte{
		"png":           toPNG(func(d *image.Gray) image.Image { return enlarged(d, same) }),
		"png, negative": toPNG(func(d *image.Gray) image.Image { return enlarged(d, negative) }),
		"png, low contrast": toPNG(func(d *image.Gray) image.Image {
			return enlarged(d, func(ink uint8) uint8 { return 120 - ink/4 })
		}),
		"png, noisy": toPNG(func(d *image.Gray) image.Image {
			random := rand.New(rand.NewPCG(7, 7))
			return enlarged(d, func(ink uint8) uint8 { return uint8(200 - float64(ink)/2 + max(-40, min(40, 10*random.NormFloat64()))) })
		}),
		"png, lit from one side": toPNG(func(d *image.Gray) image.Image {
			large := enlarged(d, negative)
			for i, v := range large.Pix {
				large.Pix[i] = uint8(int(v) * (200 - i%large.Stride/4) / 255)
			}
			return large
		}),
		"png, 16 bits": toPNG(func(d *image.Gray) image.Image {
			large := image.NewGray16(image.Rect(0, 0, 200, 170))
			draw.Draw(large, large.Rect, enlarged(d, negative), image.Point{}, draw.Src)
			return large
		}),
		"png, black on nothing": toPNG(func(d *image.Gray) image.Image { return drawn(enlarged(d, same), color.Black, color.Transparent) }),
		"png, white on nothing": toPNG(func(d *image.Gray) image.Image { return drawn(enlarged(d, same), color.White, color.Transparent) }),
		"png, grey on nothing": toPNG(func(d *image.Gray) image.Image {
			return drawn(enlarged(d, same), color.NRGBA{90, 90, 90, 200}, color.Transparent)
		}),
		"png, blue on yellow": toPNG(func(d *image.Gray) image.Image {
			return drawn(enlarged(d, same), color.NRGBA{0, 0, 200, 255}, color.NRGBA{255, 240, 0, 255})
		}),
		"png, black on half-transparent white": toPNG(func(d *image.Gray) image.Image {
			return drawn(enlarged(d, same), color.Black, color.NRGBA{255, 255, 255, 180})
		}),
		"png, a card with transparent corners": toPNG(func(d *image.Gray) image.Image {
			card := drawn(enlarged(d, same), color.Black, color.Gray{220}).(*image.NRGBA64)
			for _, corner := range []image.Rectangle{image.Rect(0, 0, 9, 9), image.Rect(191, 161, 200, 170)} {
				draw.Draw(card, corner, image.Transparent, image.Point{}, draw.Src)
			}
			return card
		}),
		"png, a part of a picture": toPNG(func(d *image.Gray) image.Image {
			return enlarged(d, negative).SubImage(image.Rect(45, 5, 195, 160))
		}),
		"png, without a margin": toPNG(func(d *image.Gray) image.Image {
			return d.SubImage(image.Rect(3, 3, 25, 25))
		}),
		"png, 28x28 and off the middle": toPNG(func(d *image.Gray) image.Image {
			moved := image.NewGray(d.Rect)
			draw.Draw(moved, moved.Rect, d, image.Pt(3, 2), draw.Src)
			return moved
		}),
		"png, 28x28 and low contrast": toPNG(func(d *image.Gray) image.Image {
			faint := image.NewGray(d.Rect)
			for i, ink := range d.Pix {
				faint.Pix[i] = 60 + ink/4
			}
			return faint
		}),
		"png, 2000x1700": toPNG(func(d *image.Gray) image.Image {
			large := image.NewGray(image.Rect(0, 0, 2000, 1700))
			draw.NearestNeighbor.Scale(large, large.Rect, enlarged(d, negative), image.Rect(0, 0, 200, 170), draw.Src, nil)
			return large
		}),
		"png, two tones": toPNG(func(d *image.Gray) image.Image {
			large := image.NewPaletted(image.Rect(0, 0, 200, 170), color.Palette{color.White, color.Black})
			draw.Draw(large, large.Rect, enlarged(d, negative), image.Point{}, draw.Src)
			return large
		}),
		"jpeg": func(d *image.Gray) []byte {
			var b bytes.Buffer
			if err := jpeg.Encode(&b, enlarged(d, negative), &jpeg.Options{Quality: 50}); err != nil {
				t.Fatal(err)
			}
			return b.Bytes()
		},
		"jpeg in colour": func(d *image.Gray) []byte {
			var b bytes.Buffer
			if err := jpeg.Encode(&b, drawn(enlarged(d, same), color.NRGBA{150, 0, 0, 255}, color.NRGBA{230, 230, 255, 255}), nil); err != nil {
				t.Fatal(err)
			}
			return b.Bytes()
		},
		"gif": func(d *image.Gray) []byte {
			var b bytes.Buffer
			if err := gif.Encode(&b, enlarged(d, negative), nil); err != nil {
				t.Fatal(err)
			}
			return b.Bytes()
		},
		"gif, a frame off the corner": func(d *image.Gray) []byte {
			frame := image.NewPaletted(image.Rect(30, 20, 230, 190), palette.WebSafe)
			draw.Draw(frame, frame.Rect, enlarged(d, negative), image.Point{}, draw.Src)
			var b bytes.Buffer
			if err := gif.EncodeAll(&b, &gif.GIF{Image: []*image.Paletted{frame}, Delay: []int{0}, Config: image.Config{Width: 240, Height: 200}}); err != nil {
				t.Fatal(err)
			}
			return b.Bytes()
		},
	} {
		total, n := 0.0, 10
		for _, digit := range test[:n] {
			got, err := mnist.ReadPicture(iotest.HalfReader(bytes.NewReader(disguise(digit))))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			total += difference(got, digit.Pix)
		}
		// The crop and the whole pixels of the centre cost about 6; another digit differs by about 50.
		if mean := total / float64(n); mean > 10 {
			t.Errorf("%s: the mean difference is %.1f of 255", name, mean)
		}
	}
}

// TestFitKeeps wants MNIST's images, and their negatives, as they are.
func TestFitKeeps(t *testing.T) {
	for i, digit := range digits(t, 10000) {
		inverse := image.NewGray(digit.Rect)
		for j, ink := range digit.Pix {
			inverse.Pix[j] = 255 - ink
		}
		for name, img := range map[string]image.Image{"image": digit, "negative": inverse} {
			if got, err := mnist.Fit(img); err != nil || !bytes.Equal(got, digit.Pix) {
				t.Fatalf("%s %d comes back changed, error %v", name, i, err)
			}
		}
	}
}

// TestFit wants a bar of known size where its centre of mass says.
func TestFit(t *testing.T) {
	bar := func(size, at image.Rectangle) image.Image {
		img := image.NewGray(size)
		draw.Draw(img, at, image.White, image.Point{}, draw.Src)
		return img
	}
	for _, test := range []struct {
		name string
		img  image.Image
		want image.Rectangle
	}{
		{"upright", bar(image.Rect(0, 0, 300, 300), image.Rect(10, 50, 60, 150)), image.Rect(9, 4, 19, 24)},
		{"flat", bar(image.Rect(0, 0, 300, 300), image.Rect(10, 50, 110, 60)), image.Rect(4, 13, 24, 15)},
		{"thin", bar(image.Rect(0, 0, 300, 300), image.Rect(10, 50, 11, 150)), image.Rect(14, 4, 15, 24)},
		{"one pixel", bar(image.Rect(-5, -5, 3, 3), image.Rect(0, 0, 1, 1)), image.Rect(4, 4, 24, 24)},
		{"28x28 and small", bar(image.Rect(0, 0, 28, 28), image.Rect(12, 9, 17, 19)), image.Rect(9, 4, 19, 24)},
		{"long", bar(image.Rect(0, 0, 20000, 3), image.Rect(1000, 1, 1010, 2)), image.Rect(4, 4, 24, 24)},
	} {
		got, err := mnist.Fit(test.img)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		for i, ink := range got {
			if at := image.Pt(i%28, i/28); (ink > 127) != at.In(test.want) {
				t.Errorf("%s: ink %d at %v, want it in %v", test.name, ink, at, test.want)
				break
			}
		}
	}
}

// TestFitHalftone wants ink all over a bar that is drawn as a fine chessboard.
func TestFitHalftone(t *testing.T) {
	for _, size := range []int{421, 2101} {
		img := image.NewGray(image.Rect(0, 0, size, size))
		for x := size / 20; x < size/20+size/4; x++ {
			for y := size / 20; y < size/20+size/4*2; y++ {
				img.Pix[y*img.Stride+x] = uint8((x + y) % 2 * 255)
			}
		}
		got, err := mnist.Fit(img)
		if err != nil {
			t.Fatal(err)
		}
		full := 0
		for _, ink := range got {
			if ink > 100 {
				full++
			}
		}
		if full != 10*20 {
			t.Errorf("of %d: %d pixels of ink, want %d", size, full, 10*20)
		}
	}
}

// header returns the beginning of a grey PNG that claims a size.
func header(width, height uint32) []byte {
	chunk := binary.BigEndian.AppendUint32([]byte("IHDR"), width)
	chunk = binary.BigEndian.AppendUint32(chunk, height)
	chunk = append(chunk, 8, 0, 0, 0, 0)
	file := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), chunk...)
	return binary.BigEndian.AppendUint32(file, crc32.ChecksumIEEE(chunk))
}

func TestReadPictureErrors(t *testing.T) {
	digit := digits(t, 1)[0]
	whole := encodePNG(t, enlarged(digit, same))
	plain := func(c color.Color) image.Image {
		img := image.NewNRGBA(image.Rect(0, 0, 50, 40))
		draw.Draw(img, img.Rect, image.NewUniform(c), image.Point{}, draw.Src)
		return img
	}
	blank := enlarged(digit, func(ink uint8) uint8 { return 230 - ink/20 })
	for name, test := range map[string]struct {
		file []byte
		want string
	}{
		"empty":       {nil, "empty, want a picture in PNG, JPEG or GIF"},
		"text":        {[]byte("a text that is no picture"), "not a picture in PNG, JPEG or GIF"},
		"one byte":    {whole[:1], "not a picture in PNG, JPEG or GIF"},
		"header only": {whole[:20], "broken png: unexpected EOF"},
		"truncated":   {whole[:len(whole)/2], "broken png: png: invalid format: not enough pixel data"},
		"damaged":     {append(append([]byte{}, whole[:60]...), make([]byte, 500)...), "broken png: "},
		"huge":        {header(100_000, 100_000), "100000x100000 pixels, want at most 67108864 in all"},
		"a bit large": {header(1<<13+1, 1<<13), "8193x8192 pixels, want at most 67108864 in all"},
		"white":       {encodePNG(t, plain(color.White)), "no ink"},
		"grey":        {encodePNG(t, plain(color.Gray{100})), "no ink"},
		"black":       {encodePNG(t, plain(color.Black)), "no ink"},
		"transparent": {encodePNG(t, plain(color.Transparent)), "no ink"},
		"faint":       {encodePNG(t, blank), "no ink"},
	} {
		pixels, err := mnist.ReadPicture(bytes.NewReader(test.file))
		if err == nil || !strings.HasPrefix(err.Error(), test.want) || strings.Contains(err.Error(), "\n") || pixels != nil {
			t.Errorf("%s: error %v, want %s", name, err, test.want)
		}
	}
	if _, err := mnist.ReadPicture(iotest.ErrReader(iotest.ErrTimeout)); !errors.Is(err, iotest.ErrTimeout) {
		t.Errorf("error %v, want the reader's", err)
	}
	if _, err := mnist.Fit(image.NewGray(image.Rectangle{})); err == nil {
		t.Error("no pixels, no error")
	}
}

func FuzzReadPicture(f *testing.F) {
	small := image.NewPaletted(image.Rect(0, 0, 9, 12), palette.WebSafe)
	small.Pix[30] = 200
	var asGIF, asJPEG bytes.Buffer
	if err := errors.Join(gif.Encode(&asGIF, small, nil), jpeg.Encode(&asJPEG, small, nil)); err != nil {
		f.Fatal(err)
	}
	f.Add(encodePNG(f, small))
	f.Add(asGIF.Bytes())
	f.Add(asJPEG.Bytes())
	f.Add(header(100_000, 100_000))
	f.Add(encodePNG(f, drawn(image.NewGray(small.Rect), color.White, color.Transparent)))
	f.Fuzz(func(t *testing.T, file []byte) {
		if config, _, err := image.DecodeConfig(bytes.NewReader(file)); err == nil && config.Width*config.Height > 1<<20 {
			return // sound, but slow
		}
		pixels, err := mnist.ReadPicture(bytes.NewReader(file))
		if err != nil {
			return
		}
		if len(pixels) != mnist.Rows*mnist.Cols || slices.Max(pixels) < 64 {
			t.Fatalf("%d pixels, at most %d of ink", len(pixels), slices.Max(pixels))
		}
	})
}
