package mnist

import (
	"bytes"
	"errors"
	"hash/crc32"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The figures are Python's, from its own gzip, sum and zlib.crc32 of the files.
func TestMNIST(t *testing.T) {
	dir, err := Dir()
	if err != nil {
		t.Fatal(err)
	}
	data, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name               string
		set                Set
		len                int
		first, last        []byte
		histogram          [10]int
		ink                int
		pixelCRC, labelCRC uint32
	}{
		{"validation", data.Validation, 5000, []byte{5, 0, 4, 1, 9}, []byte{7, 3, 2, 1, 2},
			[10]int{479, 563, 488, 493, 535, 434, 501, 550, 462, 495}, 130170281, 0x136fc56a, 0xb62c2bbd},
		{"train", data.Train, 55000, []byte{7, 3, 4, 6, 1}, []byte{8, 3, 5, 6, 8},
			[10]int{5444, 6179, 5470, 5638, 5307, 4987, 5417, 5715, 5389, 5454}, 1437128264, 0x4cfa7a5c, 0x9ff06300},
		{"test", data.Test, 10000, []byte{7, 2, 1, 0, 4}, []byte{2, 3, 4, 5, 6},
			[10]int{980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009}, 264923200, 0xe4ca5f57, 0xee8604d9},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := tt.set
			if s.Len() != tt.len || len(s.Labels) != tt.len || len(s.Pixels) != tt.len*28*28 {
				t.Fatalf("Len %d, %d labels, %d pixels, want %d images", s.Len(), len(s.Labels), len(s.Pixels), tt.len)
			}
			if got := s.Labels[:5]; !bytes.Equal(got, tt.first) {
				t.Errorf("first labels %d, want %d", got, tt.first)
			}
			if got := s.Labels[tt.len-5:]; !bytes.Equal(got, tt.last) {
				t.Errorf("last labels %d, want %d", got, tt.last)
			}
			var histogram [10]int
			for _, l := range s.Labels {
				histogram[l]++
			}
			if histogram != tt.histogram {
				t.Errorf("labels %d, want %d", histogram, tt.histogram)
			}
			ink := 0
			for _, p := range s.Pixels {
				ink += int(p)
			}
			if ink != tt.ink {
				t.Errorf("sum of the pixels %d, want %d", ink, tt.ink)
			}
			if got := crc32.ChecksumIEEE(s.Pixels); got != tt.pixelCRC {
				t.Errorf("CRC of the pixels %#x, want %#x", got, tt.pixelCRC)
			}
			if got := crc32.ChecksumIEEE(s.Labels); got != tt.labelCRC {
				t.Errorf("CRC of the labels %#x, want %#x", got, tt.labelCRC)
			}
		})
	}
}

const (
	trainImages = "train-images-idx3-ubyte"
	trainLabels = "train-labels-idx1-ubyte"
	testImages  = "t10k-images-idx3-ubyte"
	testLabels  = "t10k-labels-idx1-ubyte"
)

// digits returns n labels and images that can be told apart.
func digits(n int) Set {
	s := Set{Pixels: ramp(n * 784), Labels: make([]byte, n)}
	for i := range s.Labels {
		s.Labels[i] = byte(i * 3 % 10)
	}
	return s
}

// smallest returns the smallest files that Load takes.
func smallest() map[string][]byte {
	train, test := digits(5001), digits(1)
	return map[string][]byte{
		trainImages:         imageFile(train.Pixels),
		trainLabels + ".gz": zip(labelFile(train.Labels...)),
		testImages + ".gz":  zip(imageFile(test.Pixels)),
		testLabels:          labelFile(test.Labels...),
	}
}

func writeFiles(t *testing.T, files map[string][]byte) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func checkSet(t *testing.T, name string, got, want Set) {
	t.Helper()
	if !bytes.Equal(got.Labels, want.Labels) || !bytes.Equal(got.Pixels, want.Pixels) {
		t.Errorf("%s: %d labels, %d pixels, not the %d and %d wanted",
			name, len(got.Labels), len(got.Pixels), len(want.Labels), len(want.Pixels))
	}
}

func TestLoad(t *testing.T) {
	files := smallest()
	files[testImages] = imageFile(bytes.Repeat([]byte{9}, 784)) // goes before its .gz
	data, err := Load(writeFiles(t, files))
	if err != nil {
		t.Fatal(err)
	}
	all := digits(5001)
	checkSet(t, "validation", data.Validation, Set{all.Pixels[:5000*784], all.Labels[:5000]})
	checkSet(t, "train", data.Train, Set{all.Pixels[5000*784:], all.Labels[5000:]})
	checkSet(t, "test", data.Test, Set{bytes.Repeat([]byte{9}, 784), []byte{0}})

	// Train follows Validation in memory and must not be written over.
	_ = append(data.Validation.Pixels, 1)
	_ = append(data.Validation.Labels, 1)
	checkSet(t, "train after appending to validation", data.Train, Set{all.Pixels[5000*784:], all.Labels[5000:]})
}

func TestLoadErrors(t *testing.T) {
	few := digits(5000)
	for _, tt := range []struct {
		name   string
		change map[string][]byte // nil deletes
		file   string            // that the message starts with
		want   string
	}{
		{"swapped",
			map[string][]byte{trainImages: labelFile(1), trainLabels + ".gz": zip(imageFile(nil))},
			trainImages, "magic 0x801 is a label file, want an image file 0x803"},
		{"images for labels",
			map[string][]byte{testLabels: imageFile(nil)},
			testLabels, "magic 0x803 is an image file, want a label file 0x801"},
		{"corrupt gz",
			map[string][]byte{testImages + ".gz": with(zip(imageFile(ramp(784))), -8)},
			testImages + ".gz", "corrupt gzip stream, want a sound one: gzip: invalid checksum"},
		{"bad label",
			map[string][]byte{testLabels: labelFile(10)},
			testLabels, "label at index 0 is 10, want 0 to 9"},
		{"no image to train on",
			map[string][]byte{trainImages: imageFile(few.Pixels), trainLabels + ".gz": zip(labelFile(few.Labels...))},
			trainImages, "5000 images, want at least 5001"},
		{"no image to test",
			map[string][]byte{testImages + ".gz": zip(imageFile(nil)), testLabels: labelFile()},
			testImages + ".gz", "0 images, want at least 1"},
		{"more labels than images",
			map[string][]byte{testLabels: labelFile(1, 2)},
			testLabels, "2 labels, want 1, one for each image in DIR/" + testImages + ".gz"},
		{"fewer labels than images",
			map[string][]byte{trainLabels + ".gz": zip(labelFile(few.Labels...))},
			trainLabels + ".gz", "5000 labels, want 5001, one for each image in DIR/" + trainImages},
		{"both bad",
			map[string][]byte{testImages + ".gz": nil, testImages: {}, trainImages: {}},
			trainImages, "truncated: 0 bytes of header, want 16"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files := smallest()
			maps.Copy(files, tt.change)
			maps.DeleteFunc(files, func(_ string, data []byte) bool { return data == nil })
			dir := writeFiles(t, files)
			data, err := Load(dir)
			if data.Train.Len()+data.Validation.Len()+data.Test.Len() != 0 {
				t.Error("data and an error")
			}
			checkFormatError(t, err, filepath.Join(dir, tt.file)+": mnist: invalid format: "+
				strings.ReplaceAll(tt.want, "DIR", dir))
		})
	}
}

func TestLoadMissing(t *testing.T) {
	for _, name := range []string{trainImages, trainLabels, testImages, testLabels} {
		files := smallest()
		delete(files, name)
		delete(files, name+".gz")
		dir := writeFiles(t, files)
		path := filepath.Join(dir, name)
		_, err := Load(dir)
		want := "mnist: " + path + " or " + path + `.gz: file does not exist; run "make setup" or give -data DIR`
		if !errors.Is(err, fs.ErrNotExist) || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no directory: error %v", err)
	}
}

// TestLoadSystemError checks that errors other than a missing file come through, naming the path once.
func TestLoadSystemError(t *testing.T) {
	inWay := smallest()
	delete(inWay, trainImages)
	dir := writeFiles(t, inWay)
	if err := os.Mkdir(filepath.Join(dir, trainImages), 0o777); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(writeFiles(t, map[string][]byte{"file": nil}), "file")

	for _, dir := range []string{dir, file} {
		path := filepath.Join(dir, trainImages)
		_, err := Load(dir)
		var system *fs.PathError
		if !errors.As(err, &system) || system.Path != path || err.Error() != "mnist: "+system.Error() {
			t.Errorf("error %v, want a system error of %s", err, path)
		}
	}
}

func TestSlice(t *testing.T) {
	s := digits(10)
	got := s.Slice(3, 7)
	checkSet(t, "3 to 7", got, Set{s.Pixels[3*784 : 7*784], s.Labels[3:7]})
	if &got.Pixels[0] != &s.Pixels[3*784] || &got.Labels[0] != &s.Labels[3] {
		t.Error("memory is not shared")
	}
	if cap(got.Pixels) != 4*784 || cap(got.Labels) != 4 {
		t.Errorf("capacity for %d pixels and %d labels, want 4 images", cap(got.Pixels), cap(got.Labels))
	}
	if n := s.Slice(10, 10).Len() + s.Slice(0, 0).Len() + (Set{}).Slice(0, 0).Len(); n != 0 {
		t.Errorf("%d images in empty slices", n)
	}
}

func TestBatches(t *testing.T) {
	const most = int(^uint(0) >> 1)
	s := digits(10)
	for _, tt := range []struct {
		n    int
		lens []int
	}{
		{-1, nil},
		{0, nil},
		{1, []int{1, 1, 1, 1, 1, 1, 1, 1, 1, 1}},
		{3, []int{3, 3, 3, 1}},
		{5, []int{5, 5}},
		{10, []int{10}},
		{11, []int{10}},
		{most, []int{10}},
	} {
		var lens []int
		at := 0
		batches := s.Batches(tt.n)
		for b := range batches {
			checkSet(t, "batch", b, s.Slice(at, at+b.Len()))
			if &b.Pixels[0] != &s.Pixels[at*784] {
				t.Errorf("batches of %d: copied", tt.n)
			}
			lens = append(lens, b.Len())
			at += b.Len()
		}
		if !slices.Equal(lens, tt.lens) {
			t.Errorf("batches of %d: lengths %d, want %d", tt.n, lens, tt.lens)
		}
		if again := len(slices.Collect(batches)); again != len(tt.lens) {
			t.Errorf("batches of %d: %d the second time, want %d", tt.n, again, len(tt.lens))
		}
	}
	for b := range s.Batches(3) {
		checkSet(t, "before a break", b, s.Slice(0, 3))
		break
	}
	for range (Set{}).Batches(3) {
		t.Error("a batch of an empty set")
	}
}

func TestDir(t *testing.T) {
	for _, name := range []string{"HOME", "XDG_CACHE_HOME", "LocalAppData"} {
		t.Setenv(name, t.TempDir())
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	if dir, err := Dir(); err != nil || dir != filepath.Join(cache, "tfrunner", "mnist") {
		t.Errorf("Dir() = %q, %v in cache %s", dir, err, cache)
	}

	for _, name := range []string{"HOME", "XDG_CACHE_HOME", "LocalAppData"} {
		t.Setenv(name, "")
	}
	if dir, err := Dir(); dir != "" || err == nil || !strings.HasPrefix(err.Error(), "mnist: no cache directory: ") {
		t.Errorf("without a home, Dir() = %q, %v", dir, err)
	}
}

func BenchmarkLoad(b *testing.B) {
	dir, err := Dir()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Load(dir); err != nil {
			b.Fatal(err)
		}
	}
}
