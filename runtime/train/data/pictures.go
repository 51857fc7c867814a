package data

import (
	"bytes"
	"fmt"
	"image"
	"path/filepath"
	"sync/atomic"

	"github.com/autotailor/autotailor/internal/infile"
)

// pictures are the Images of pictures in files.
type pictures struct {
	list  []entry
	to    Size
	cache cache
}

func newPictures(list []entry, to Size, dir string) *pictures {
	p := &pictures{list: list, to: to, cache: cache{each: to.Channels * to.Side * to.Side, known: make([]atomic.Bool, len(list))}}
	for i := range list {
		list[i].slot = i
	}
	if dir != "" {
		p.cache.path = filepath.Join(dir, p.cacheName())
	}
	return p
}

// Identity implements Images.
func (p *pictures) Identity(i int) string {
	return fmt.Sprintf("%s %d %d %d", p.list[i].name, p.list[i].size, p.to.Resize, p.to.Side)
}

// Image implements Images.
func (p *pictures) Image(i int, pixels []byte) error {
	e := p.list[i]
	if p.cache.read(e.slot, pixels) {
		return nil
	}
	raw, err := e.read()
	if err == nil {
		err = p.to.decode(raw, pixels)
	}
	if err != nil {
		return &brokenPicture{e.where(), err}
	}
	p.cache.write(e.slot, pixels)
	return nil
}

// brokenPicture says that a picture cannot be read; others can.
type brokenPicture struct {
	where string
	err   error
}

func (e *brokenPicture) Error() string {
	return fmt.Sprintf("%s: %v (commands leave broken pictures out where --skip N allows them)", e.where, e.err)
}
func (e *brokenPicture) Unwrap() error { return e.err }

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
	f, err := infile.Open(e.file)
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
