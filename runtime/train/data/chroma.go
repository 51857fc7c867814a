package data

import "image"

// fromYCbCr converts a JPEG picture. Colour planes that have fewer samples are made larger with a triangle filter and not, as Go's image
// package does, by repeating samples: libjpeg, and so Pillow and PyTorch, do that ("fancy upsampling", jdsample.c), and networks are trained on it.
func (p planes) fromYCbCr(img *image.YCbCr) {
	b := img.Bounds()
	if p.channels == 1 { // the luma itself
		for y := range p.h {
			copy(p.pix[y*p.w:], img.Y[img.YOffset(b.Min.X, b.Min.Y+y):][:p.w])
		}
		return
	}
	cb, cr := upsampled(img, img.Cb, p.w, p.h), upsampled(img, img.Cr, p.w, p.h)
	area := p.w * p.h
	for y := range p.h {
		row := img.Y[img.YOffset(b.Min.X, b.Min.Y+y):]
		for x := range p.w {
			at := y*p.w + x
			luma, u, v := int32(row[x]), int32(cb[at])-128, int32(cr[at])-128
			p.pix[at] = clamp(luma + (91881*v+1<<15)>>16)
			p.pix[area+at] = clamp(luma + (-22554*u-46802*v+1<<15)>>16)
			p.pix[2*area+at] = clamp(luma + (116130*u+1<<15)>>16)
		}
	}
}

func clamp(v int32) byte { return byte(max(0, min(v, 255))) }

// upsampled returns a colour plane with a sample for each pixel.
func upsampled(img *image.YCbCr, plane []byte, w, h int) []byte {
	fx, fy := factors(img.SubsampleRatio)
	cw, ch := (w+fx-1)/fx, (h+fy-1)/fy
	row := func(y int) []byte { return plane[max(0, min(y, ch-1))*img.CStride:][:cw] }
	out := make([]byte, w*h)
	sums, line := make([]int32, cw), make([]byte, cw*fx)
	for y := range h {
		own := row(y / fy)
		switch {
		case fy == 2: // three quarters of the nearer row, one of the other
			other := row(y/2 - 1 + y%2*2)
			for x, v := range own {
				sums[x] = 3*int32(v) + int32(other[x])
			}
		default:
			for x, v := range own {
				sums[x] = int32(v)
			}
		}
		widen(line, sums, fx, fy, y)
		copy(out[y*w:(y+1)*w], line)
	}
	return out
}

// factors are how many pixels share a sample across and down.
func factors(r image.YCbCrSubsampleRatio) (x, y int) {
	switch r {
	case image.YCbCrSubsampleRatio422:
		return 2, 1
	case image.YCbCrSubsampleRatio420:
		return 2, 2
	case image.YCbCrSubsampleRatio440:
		return 1, 2
	case image.YCbCrSubsampleRatio411:
		return 4, 1
	case image.YCbCrSubsampleRatio410:
		return 4, 2
	}
	return 1, 1
}

// widen makes a row of samples of one of sums, which are four times the samples where rows were mixed (fy is 2).
func widen(line []byte, sums []int32, fx, fy, y int) {
	last := len(sums) - 1
	switch {
	case fx == 1 && fy == 2:
		for x, v := range sums {
			line[x] = byte((v + 1 + int32(y%2)) >> 2)
		}
	case fx == 2:
		shift, left, right := 2, int32(1), int32(2)
		if fy == 2 {
			shift, left, right = 4, 8, 7
		}
		for x, v := range sums {
			before, after := sums[max(0, x-1)], sums[min(x+1, last)]
			line[2*x], line[2*x+1] = byte((3*v+before+left)>>shift), byte((3*v+after+right)>>shift)
		}
	default: // libjpeg repeats samples here
		for x := range line {
			line[x] = byte(sums[x/fx])
			if fy == 2 {
				line[x] = byte((sums[x/fx] + 2) >> 2)
			}
		}
	}
}
