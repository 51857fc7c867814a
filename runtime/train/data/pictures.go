package data

import (
	"bytes"
	"fmt"
	"image"
	"os"
	"sync"
	"sync/atomic"
)

// pictures are the Images of pictures in files.
type pictures struct {
	list  []entry
	to    Size
	cache cache
}

func newPictures(list []entry, to Size) *pictures {
	return &pictures{list: list, to: to, cache: cache{each: to.Channels * to.Side * to.Side, known: make([]atomic.Bool, len(list))}}
}

// Identity implements Images.
func (p *pictures) Identity(i int) string {
	return fmt.Sprintf("%s %d %d %d", p.list[i].name, p.list[i].size, p.to.Resize, p.to.Side)
}

// Image implements Images.
func (p *pictures) Image(i int, pixels []byte) error {
	if p.cache.read(i, pixels) {
		return nil
	}
	e := p.list[i]
	raw, err := e.read()
	if err == nil {
		err = p.to.decode(raw, pixels)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", e.where(), err)
	}
	p.cache.write(i, pixels)
	return nil
}

// where names the picture for the user.
func (e entry) where() string {
	if e.at == 0 {
		return e.file
	}
	return e.file + ": " + e.name
}

// maxPicture bounds a picture's file, in bytes.
const maxPicture = 1 << 28

func (e entry) read() ([]byte, error) {
	if e.size > maxPicture {
		return nil, fmt.Errorf("it has %d bytes, more than %d", e.size, maxPicture)
	}
	f, err := os.Open(e.file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw := make([]byte, e.size)
	if _, err := f.ReadAt(raw, e.at); err != nil {
		return nil, fmt.Errorf("it has changed since the folder was read: %w", err)
	}
	return raw, nil
}

// cache keeps decoded images in a temporary file, since decoding takes far longer than reading them again. It is no more than a help: where it
// fails, images are decoded again.
type cache struct {
	each  int // bytes of an image
	known []atomic.Bool

	once sync.Once
	file *os.File
}

// maxCache bounds the file, in bytes: images beyond it are not kept.
const maxCache = 8 << 30

func (c *cache) open() {
	f, err := os.CreateTemp("", "autotailor-images-*")
	if err != nil {
		return
	}
	_ = os.Remove(f.Name()) // the file lives until it is closed; where that cannot be, it stays in the folder for temporary files
	c.file = f
}

func (c *cache) read(i int, pixels []byte) bool {
	if !c.known[i].Load() {
		return false
	}
	_, err := c.file.ReadAt(pixels, int64(i)*int64(c.each))
	return err == nil
}

func (c *cache) write(i int, pixels []byte) {
	at := int64(i) * int64(c.each)
	if at+int64(c.each) > maxCache {
		return
	}
	if c.once.Do(c.open); c.file == nil {
		return
	}
	if _, err := c.file.WriteAt(pixels, at); err == nil {
		c.known[i].Store(true)
	}
}

// Pictures tells whether the images come from pictures of any size, which are scaled when they are read.
func (s *Set) Pictures() bool {
	_, ok := s.Images.(*pictures)
	return ok
}

// Square returns the side that all images have as they come, 0 where they differ or are no squares.
func (s *Set) Square() (side int, err error) {
	p, ok := s.Images.(*pictures)
	switch {
	case !ok && s.Width == s.Height:
		return s.Width, nil
	case !ok:
		return 0, nil
	}
	for i, e := range p.list[s.first : s.first+s.N] {
		raw, err := e.read()
		if err != nil {
			return 0, fmt.Errorf("%s: %w", e.where(), err)
		}
		head, _, err := image.DecodeConfig(bytes.NewReader(raw))
		if err != nil {
			return 0, fmt.Errorf("%s: it is no picture, or damaged: %w", e.where(), err)
		}
		if i == 0 {
			side = head.Width
		}
		if head.Width != side || head.Height != side {
			return 0, nil
		}
	}
	return side, nil
}
