// Package data reads labelled images and makes model input of them: IDX files as of MNIST, folders with a folder for each class, and tar
// shards as of WebDataset. Pictures are decoded when they are needed, so that memory does not grow with their number.
package data

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"os"
	"slices"
)

// Set is labelled images of one size. Their bytes are in memory, or Images has them.
type Set struct {
	N, Channels, Height, Width int
	Labels                     []int32 // classes, from 0
	Pixels                     []byte  // N x Channels x Height x Width; nil where Images has them
	Images                     Images
	Classes                    []string // names of classes, where they have names
	Skipped                    []error  // pictures that were left out since they are broken, each with the reason

	first int // of Images
}

// Images are images that are not in memory. Implement it for images in a format of your own. All methods may be called by several goroutines.
type Images interface {
	// Image writes image i into pixels: channels x height x width bytes.
	Image(i int, pixels []byte) error

	// Identity says in a line what image i is, so that tables know what they were counted on: a name and a size, for example.
	Identity(i int) string
}

// Size is what pictures become, which have sizes of their own: the shorter side is scaled to Resize pixels, then the centre of Side x Side is
// cut out.
type Size struct {
	Channels, Side int
	Resize         int // 0 means Side
}

// Open reads the split called "train" or "test" of a folder, in whichever format is there: the IDX files of MNIST, tar shards (train*.tar), a
// folder for each class (train/CLASS/*.jpg), or class folders without splits (CLASS/*.jpg), of which a fifth of each class is the test
// split. IDX files have images of one size and do not need to. JPEG, PNG and GIF pictures are read; commands read BMP and WebP, too, and so does
// a program that imports golang.org/x/image/bmp and golang.org/x/image/webp: what generated packages need stays small.
func Open(dir, split string, to Size) (*Set, error) { return Reading{}.Open(dir, split, to) }

// Open is Open with broken pictures left out, as o says.
func (o Reading) Open(dir, split string, to Size) (*Set, error) {
	if splits[split] == nil {
		return nil, fmt.Errorf("%s: there is no split %q; splits are train and test", dir, split)
	}
	if paths, ok := idxPaths(dir, split); ok {
		s, err := OpenIDX(paths[0], paths[1])
		if err == nil && grouped(s.Labels) {
			s = s.inOrder(rowOrder(s.N, s.Labels, false, split))
		}
		return s, err
	}
	return openPictures(dir, split, to, o)
}

// grouped tells whether images of one class stand together: whether neighbours differ less than half as often as they would at random. Whoever took the
// first images of such a file would have the first classes only, so that it is mixed as folders are. Others stay as they stand.
func grouped(labels []int32) bool {
	counts, changes := map[int32]int{}, 0
	for i, y := range labels {
		counts[y]++
		if i > 0 && y != labels[i-1] {
			changes++
		}
	}
	n, same := float64(len(labels)), 0.0
	for _, c := range counts {
		same += float64(c) * float64(c)
	}
	return 2*float64(changes)*n*n < (n-1)*(n*n-same)
}

// inOrder returns the images of a Set in memory in another order.
func (s *Set) inOrder(order []int) *Set {
	out := *s
	out.Pixels, out.Labels = make([]byte, 0, len(s.Pixels)), make([]int32, 0, s.N)
	for _, i := range order {
		out.Pixels = append(out.Pixels, s.Pixels[i*s.size():(i+1)*s.size()]...)
		out.Labels = append(out.Labels, s.Labels[i])
	}
	return &out
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// size is that of one image, in bytes.
func (s *Set) size() int { return s.Channels * s.Height * s.Width }

// Read writes image i into pixels: Channels x Height x Width bytes. Several goroutines may call it.
func (s *Set) Read(i int, pixels []byte) error {
	if i < 0 || i >= s.N {
		return fmt.Errorf("there is no image %d of %d", i, s.N)
	}
	if s.Images != nil {
		return s.Images.Image(s.first+i, pixels)
	}
	copy(pixels, s.Pixels[i*s.size():(i+1)*s.size()])
	return nil
}

// Slice returns the images from index from up to but not including to. It shares memory with s.
func (s *Set) Slice(from, to int) *Set {
	from, to = window(from, to, s.N)
	out := *s
	out.N, out.first = to-from, s.first+from
	if s.Labels != nil {
		out.Labels = s.Labels[from:to]
	}
	if s.Images == nil {
		out.Pixels = s.Pixels[from*s.size() : to*s.size()]
	}
	return &out
}

// Statistics returns the mean and the standard deviation of each channel, of pixels from 0 to 1.
func (s *Set) Statistics() (mean, std []float64, err error) {
	area := s.Height * s.Width
	sum, squares := make([]float64, s.Channels), make([]float64, s.Channels)
	pixels := make([]byte, s.size())
	for i := range s.N {
		if err := s.Read(i, pixels); err != nil {
			return nil, nil, err
		}
		for k, p := range pixels {
			x := float64(p) / 255
			sum[k/area] += x
			squares[k/area] += x * x
		}
	}
	n := float64(s.N * area)
	for c := range s.Channels {
		mean = append(mean, sum[c]/n)
		std = append(std, math.Sqrt(max(0, squares[c]/n-sum[c]/n*sum[c]/n)))
	}
	return mean, std, nil
}

// Digest identifies the images and labels: the start of a SHA-256, in hexadecimal. It is of the pixels of images in memory, and of what Images
// calls them.
func (s *Set) Digest() string {
	h := sha256.New()
	if s.Images != nil {
		fmt.Fprintln(h, s.N, s.Channels, s.Height, s.Width)
		for i := range s.N {
			if s.Labels == nil {
				fmt.Fprintln(h, s.Images.Identity(s.first+i))
			} else {
				fmt.Fprintln(h, s.Images.Identity(s.first+i), s.Labels[i])
			}
		}
		return hex.EncodeToString(h.Sum(nil)[:8])
	}
	fmt.Fprintln(h, s.N, s.Channels, s.Height, s.Width)
	h.Write(s.Pixels)
	if len(s.Labels) > 0 && slices.Max(s.Labels) > math.MaxUint8 {
		_ = binary.Write(h, binary.LittleEndian, s.Labels) // a hash takes all
	} else {
		for _, y := range s.Labels {
			h.Write([]byte{byte(y)})
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// Top returns the largest label, -1 where there are no images.
func (s *Set) Top() int {
	if len(s.Labels) == 0 {
		return -1
	}
	return int(slices.Max(s.Labels))
}

// Pick reads some images, one after the other: len(images) x Channels x Height x Width bytes. Images that are not in memory are read on all
// processors.
func (s *Set) Pick(images []int) ([]byte, error) {
	each := s.size()
	out := make([]byte, len(images)*each)
	err := s.parallel(len(images), func(_, k int) error { return s.Read(images[k], out[k*each:(k+1)*each]) })
	return out, err
}
