package data

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"path/filepath"

	"github.com/autotailor/autotailor/internal/infile"
)

// A sample is a tar file with the images that the statistics of normalisations come from, as they were read: an export recomputes a SubNet's
// statistics from it, the same ones that its accuracy was counted with, where the data set is not at hand. Its first member says what the images are.

// sampleHead is that member.
type sampleHead struct {
	Version                    int
	Digest                     string // of the set, see Set.Digest
	N, Channels, Height, Width int
	Resize                     int // of pictures; 0 where the images have their size already
	Labels                     []int32
	Formats                    []string // endings of the members' names
}

const (
	sampleHeadName = "sample.json"
	sampleVersion  = 1
	maxSample      = 1 << 28 // bytes of a sample
	maxSampleArea  = 1 << 22 // pixels of an image
)

// WriteSample writes the images of s, pictures as their files are and others as PNG.
func WriteSample(w io.Writer, s *Set) error {
	if s.Channels != 1 && s.Channels != 3 {
		return fmt.Errorf("a sample holds images of 1 or 3 channels, these have %d", s.Channels)
	}
	head := sampleHead{Version: sampleVersion, Digest: s.Digest(), N: s.N, Channels: s.Channels, Height: s.Height, Width: s.Width, Labels: s.Labels}
	files := make([][]byte, s.N)
	total := 0
	for i := range files {
		raw, format, resize, err := s.encoded(i)
		if err != nil {
			return err
		}
		if total += len(raw); total > maxSample {
			return fmt.Errorf("the sample would have more than %d MiB: take fewer images", maxSample>>20)
		}
		files[i], head.Resize, head.Formats = raw, resize, append(head.Formats, format)
	}
	text, err := json.Marshal(head)
	if err != nil {
		return err
	}
	t := tar.NewWriter(w)
	put := func(name string, raw []byte) error {
		if err := t.WriteHeader(&tar.Header{Name: name, Size: int64(len(raw)), Mode: 0o644}); err != nil {
			return err
		}
		_, err := t.Write(raw)
		return err
	}
	if err := put(sampleHeadName, text); err != nil {
		return err
	}
	for i, raw := range files {
		if err := put(fmt.Sprintf("%06d%s", i, head.Formats[i]), raw); err != nil {
			return err
		}
	}
	return t.Close()
}

// encoded returns the file of an image, the ending of its name, and how it is scaled when it is read again.
func (s *Set) encoded(i int) (raw []byte, format string, resize int, err error) {
	if p, ok := s.Images.(*pictures); ok {
		e := p.list[s.first+i]
		if raw, err = e.read(); err != nil {
			return nil, "", 0, fmt.Errorf("%s: %w", e.where(), err)
		}
		return raw, filepath.Ext(e.file), p.to.Resize, nil
	}
	pixels := make([]byte, s.size())
	if err := s.Read(i, pixels); err != nil {
		return nil, "", 0, err
	}
	var b bytes.Buffer
	err = png.Encode(&b, s.picture(pixels))
	return b.Bytes(), ".png", 0, err
}

// picture is an image of bytes as package image has it.
func (s *Set) picture(pixels []byte) image.Image {
	r := image.Rect(0, 0, s.Width, s.Height)
	if s.Channels == 1 {
		return &image.Gray{Pix: pixels, Stride: s.Width, Rect: r}
	}
	img, area := image.NewNRGBA(r), s.Width*s.Height
	for k := range area {
		copy(img.Pix[4*k:], []byte{pixels[k], pixels[area+k], pixels[2*area+k], 255})
	}
	return img
}

// OpenSample reads what WriteSample wrote: the same images in the same order, in memory.
func OpenSample(path string) (*Set, string, error) {
	f, err := infile.Open(path)
	if err != nil {
		return nil, "", err
	}
	defer f.Close()
	s, digest, err := readSample(f)
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", path, err)
	}
	return s, digest, nil
}

func readSample(r io.Reader) (s *Set, digest string, err error) {
	t := tar.NewReader(r)
	var head sampleHead
	if h, err := t.Next(); err != nil || h.Name != sampleHeadName {
		return nil, "", errors.Join(errors.New("it is no sample of images"), err)
	}
	if err := json.NewDecoder(io.LimitReader(t, maxSample)).Decode(&head); err != nil {
		return nil, "", fmt.Errorf("%s: %w", sampleHeadName, err)
	}
	if err := head.check(); err != nil {
		return nil, "", err
	}
	s = &Set{N: head.N, Channels: head.Channels, Height: head.Height, Width: head.Width, Labels: head.Labels}
	for i := range head.N {
		h, err := t.Next()
		if err != nil {
			return nil, "", fmt.Errorf("it ends after %d of %d images: %w", i, head.N, err)
		}
		raw, err := io.ReadAll(io.LimitReader(t, maxPicture))
		if err != nil {
			return nil, "", fmt.Errorf("%s: %w", h.Name, err)
		}
		pixels := make([]byte, s.size())
		if err := head.decode(raw, pixels); err != nil {
			return nil, "", fmt.Errorf("%s: %w", h.Name, err)
		}
		s.Pixels = append(s.Pixels, pixels...)
	}
	return s, head.Digest, nil
}

func (h sampleHead) check() error {
	area := int64(h.Height) * int64(h.Width)
	switch {
	case h.Version != sampleVersion:
		return fmt.Errorf("it has version %d, this release reads version %d", h.Version, sampleVersion)
	case h.N < 1 || h.N > maxImages || len(h.Labels) > 0 && len(h.Labels) != h.N || h.Channels != 1 && h.Channels != 3,
		h.Height < 1 || h.Width < 1 || h.Height > maxSide || h.Width > maxSide || area > maxSampleArea || int64(h.N)*int64(h.Channels) > maxPixels/area,
		h.Resize != 0 && (h.Height != h.Width || h.Resize < h.Height):
		return fmt.Errorf("%s says what cannot be: %d images of %d x %d x %d with %d labels, scaled to %d", sampleHeadName, h.N, h.Channels, h.Height, h.Width, len(h.Labels), h.Resize)
	}
	return nil
}

// decode makes an image of a member.
func (h sampleHead) decode(raw, pixels []byte) error {
	if h.Resize > 0 {
		return (Size{Channels: h.Channels, Side: h.Height, Resize: h.Resize}).decode(raw, pixels)
	}
	img, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		return err
	}
	if b := img.Bounds(); b.Dx() != h.Width || b.Dy() != h.Height {
		return fmt.Errorf("it has %d x %d pixels, want %d x %d", b.Dx(), b.Dy(), h.Width, h.Height)
	}
	copy(pixels, planesOf(img, "png", h.Channels).pix)
	return nil
}
