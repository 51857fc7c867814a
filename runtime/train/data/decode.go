package data

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	_ "image/gif"  // decoders of image.Decode
	_ "image/jpeg" // likewise
	_ "image/png"  // likewise
	"math"
)

// maxArea bounds a picture, in pixels: decoding takes some 15 bytes of memory for each, and a small file may claim to be a huge picture.
const maxArea = 1 << 26

// decode makes an image of a picture's file: turned as its EXIF data say, scaled so that the shorter side is Resize, its centre cut out.
// pixels is channels x side x side.
func (to Size) decode(raw, pixels []byte) error {
	head, _, err := image.DecodeConfig(bytes.NewReader(raw))
	switch {
	case errors.Is(err, image.ErrFormat):
		return errors.New("it is no picture in a format that this program knows: PNG, JPEG and GIF, and BMP and WebP in commands (golang.org/x/image)")
	case err != nil:
		return fmt.Errorf("it is damaged or cut off: %w", err)
	case head.Width < 1 || head.Height < 1 || head.Width > maxArea/head.Height:
		return fmt.Errorf("it claims to have %d x %d pixels, more than %d million: make it smaller", head.Width, head.Height, maxArea>>20)
	case bomb(head, len(raw)):
		return fmt.Errorf("its %d bytes unpack to %d x %d pixels, which takes more than %d times as much memory: no photograph is packed so well; make it smaller", len(raw), head.Width, head.Height, maxRatio)
	}
	img, format, err := image.Decode(bytes.NewReader(raw))
	if err != nil {
		return fmt.Errorf("it is damaged or cut off: %w", err)
	}
	to.Cut(img, format, Orientation(raw), pixels)
	return nil
}

// bomb tells whether a file of so many bytes would take far more memory than pictures do.
func bomb(head image.Config, size int) bool {
	each := int64(4) // bytes of a pixel
	switch head.ColorModel {
	case color.NRGBA64Model, color.RGBA64Model:
		each = 8
	case color.YCbCrModel:
		each = 3
	case color.GrayModel:
		each = 1
	}
	unpacked := each * int64(head.Width) * int64(head.Height)
	return unpacked > maxTrust && unpacked > maxRatio*int64(size)
}

// Cut makes an image of a decoded picture, as torchvision's Resize and CenterCrop do: format is what image.Decode calls the file's, turn the EXIF
// orientation, 1 for none. pixels is channels x side x side.
func (to Size) Cut(img image.Image, format string, turn int, pixels []byte) {
	p := turned(planesOf(img, format, to.Channels), turn)
	short := max(to.Resize, to.Side)
	w, h := short, short
	if p.w < p.h {
		h = int(float64(short) * float64(p.h) / float64(p.w))
	} else {
		w = int(float64(short) * float64(p.w) / float64(p.h))
	}
	p = p.resized(w, h)
	left, top := half(w-to.Side), half(h-to.Side)
	for c := range to.Channels {
		for y := range to.Side {
			copy(pixels[(c*to.Side+y)*to.Side:][:to.Side], p.pix[(c*h+top+y)*w+left:])
		}
	}
}

// half is Python's round(n / 2).
func half(n int) int { return int(math.RoundToEven(float64(n) / 2)) }

// planes are the channels of a picture, one after the other.
type planes struct {
	channels, w, h int
	pix            []byte
}

// planesOf converts to grey or to red, green and blue, without the opacity, as Pillow's convert does.
func planesOf(img image.Image, format string, channels int) planes {
	b := img.Bounds()
	p := planes{channels, b.Dx(), b.Dy(), make([]byte, channels*b.Dx()*b.Dy())}
	switch img := img.(type) {
	case *image.Gray:
		for y := range p.h {
			copy(p.pix[y*p.w:], img.Pix[img.PixOffset(b.Min.X, b.Min.Y+y):][:p.w])
		}
		for c := 1; c < channels; c++ {
			copy(p.pix[c*p.w*p.h:], p.pix[:p.w*p.h])
		}
	case *image.YCbCr:
		p.fromYCbCr(img, format)
	case *image.NYCbCrA: // WebP with an opacity
		p.fromYCbCr(&img.YCbCr, format)
	case *image.NRGBA64: // 16 bits, of which the upper ones count
		for y := range p.h {
			for x := range p.w {
				c := img.Pix[img.PixOffset(b.Min.X+x, b.Min.Y+y):]
				p.set(y*p.w+x, c[0], c[2], c[4])
			}
		}
	default:
		for y := range p.h {
			for x := range p.w {
				c := color.NRGBAModel.Convert(img.At(b.Min.X+x, b.Min.Y+y)).(color.NRGBA)
				p.set(y*p.w+x, c.R, c.G, c.B)
			}
		}
	}
	return p
}

// set sets a pixel. Grey is the luma of ITU-R 601-2 in 16 bits after the point, as Pillow has it.
func (p planes) set(at int, r, g, b byte) {
	if p.channels == 1 {
		p.pix[at] = byte((19595*uint32(r) + 38470*uint32(g) + 7471*uint32(b) + 1<<15) >> 16)
		return
	}
	area := p.w * p.h
	p.pix[at], p.pix[area+at], p.pix[2*area+at] = r, g, b
}

// turned undoes the EXIF orientation, from 1 to 8.
func turned(p planes, turn int) planes {
	if turn <= 1 || turn > 8 {
		return p
	}
	q := planes{p.channels, p.w, p.h, make([]byte, len(p.pix))}
	if turn >= 5 {
		q.w, q.h = p.h, p.w
	}
	for c := range p.channels {
		for y := range q.h {
			for x := range q.w {
				sx, sy := x, y
				if turn >= 5 { // rows are columns
					sx, sy = y, x
				}
				if turn == 2 || turn == 3 || turn == 7 || turn == 8 {
					sx = p.w - 1 - sx
				}
				if turn == 3 || turn == 4 || turn == 6 || turn == 7 {
					sy = p.h - 1 - sy
				}
				q.pix[(c*q.h+y)*q.w+x] = p.pix[(c*p.h+sy)*p.w+sx]
			}
		}
	}
	return q
}
