package mnist_test

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"log"
	"slices"
	"strings"

	"tfrunner/mnist"
)

func Example() {
	dir, err := mnist.Dir()
	if err != nil {
		log.Fatal(err)
	}
	data, err := mnist.Load(dir)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(data.Train.Len(), data.Validation.Len(), data.Test.Len())

	fmt.Println("the first test image is a", data.Test.Labels[0])
	for row := range mnist.Rows {
		for col := range mnist.Cols {
			ink := data.Test.Pixels[row*mnist.Cols+col]
			fmt.Printf("%c", ".:+#"[ink/64])
		}
		fmt.Println()
	}
	// Output:
	// 55000 5000 10000
	// the first test image is a 7
	// ............................
	// ............................
	// ............................
	// ............................
	// ............................
	// ............................
	// ............................
	// ......:+++..................
	// ......##############+.......
	// ......::::+##########+......
	// ............:.:::..##:......
	// ..................:##.......
	// ..................##:.......
	// .................+##........
	// .................##.........
	// ................+#+.........
	// ................##..........
	// ...............:#+..........
	// ..............:##...........
	// ..............##+...........
	// .............###............
	// .............##:............
	// ............##:.............
	// ...........+##..............
	// ...........###..............
	// ..........:###..............
	// ..........:##...............
	// ............................
}

func ExampleLoad() {
	_, err := mnist.Load("nowhere")
	fmt.Println(err)
	// Output:
	// mnist: nowhere/train-images-idx3-ubyte or nowhere/train-images-idx3-ubyte.gz: file does not exist; run "make setup" or give -data DIR
}

func ExampleFit() {
	paper := image.NewGray(image.Rect(0, 0, 90, 60)) // a bar of ink on it
	draw.Draw(paper, paper.Rect, image.White, image.Point{}, draw.Src)
	draw.Draw(paper, image.Rect(10, 5, 20, 45), image.Black, image.Point{}, draw.Src)

	pixels, err := mnist.Fit(paper)
	if err != nil {
		log.Fatal(err)
	}
	for row := range slices.Chunk(pixels, mnist.Cols) {
		if row[14] > 0 {
			fmt.Print(row[10:18], " ")
			break
		}
	}
	fmt.Println(len(pixels))
	// Output:
	// [0 0 255 255 255 255 255 0] 784
}

func ExampleReadPicture() {
	_, err := mnist.ReadPicture(strings.NewReader("GIF89a"))
	fmt.Println(err)
	// Output: broken gif: gif: reading header: unexpected EOF
}

func ExampleReadImages() {
	file := []byte{
		0, 0, 8, 3, // unsigned bytes in 3 dimensions
		0, 0, 0, 2, // 2 images
		0, 0, 0, 28, // of 28 rows
		0, 0, 0, 28, // of 28 columns
	}
	file = append(file, make([]byte, 2*28*28)...)

	pixels, n, err := mnist.ReadImages(bytes.NewReader(file))
	fmt.Println(len(pixels), n, err)
	// Output: 1568 2 <nil>
}

func ExampleReadLabels() {
	file := []byte{
		0, 0, 8, 1, // unsigned bytes in 1 dimension
		0, 0, 0, 3, // 3 labels
		5, 0, 4,
	}

	labels, err := mnist.ReadLabels(bytes.NewReader(file))
	fmt.Println(labels, err)
	// Output: [5 0 4] <nil>
}

func ExampleFormatError() {
	_, err := mnist.ReadLabels(bytes.NewReader([]byte{0, 0, 8, 1, 0, 0, 0, 1, 10}))

	var format mnist.FormatError
	if errors.As(err, &format) {
		fmt.Println(format)
	}
	// Output: mnist: invalid format: label at index 0 is 10, want 0 to 9
}

func ExampleSet_Slice() {
	s := mnist.Set{Pixels: make([]byte, 5*mnist.Rows*mnist.Cols), Labels: []byte{5, 0, 4, 1, 9}}
	fmt.Println(s.Slice(1, 3).Labels)
	// Output: [0 4]
}

func ExampleSet_Batches() {
	s := mnist.Set{Pixels: make([]byte, 5*mnist.Rows*mnist.Cols), Labels: []byte{5, 0, 4, 1, 9}}
	for b := range s.Batches(2) {
		fmt.Println(b.Len(), b.Labels, len(b.Pixels))
	}
	// Output:
	// 2 [5 0] 1568
	// 2 [4 1] 1568
	// 1 [9] 784
}
