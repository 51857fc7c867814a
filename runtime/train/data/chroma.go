package data

import "image"

// fromYCbCr converts a JPEG picture. Colour planes that have fewer samples are made larger with a triangle filter and not, as Go's image
// package does, by repeating samples: libjpeg, and so Pillow and PyTorch, do that ("fancy upsampling", jdsample.c), and networks are trained on it.
func (p planes) fromYCbCr(img *image.YCbCr, format string) {
	b := img.Bounds()
	cb, cr := upsampled(img, img.Cb, p.w, p.h), upsampled(img, img.Cr, p.w, p.h)
	colour := fullRange
	if format == "webp" {
		colour = studioRange
	}
	for y := range p.h {
		row := img.Y[img.YOffset(b.Min.X, b.Min.Y+y):]
		for x := range p.w {
			at := y*p.w + x
			red, green, blue := colour(int32(row[x]), int32(cb[at]), int32(cr[at]))
			p.set(at, red, green, blue)
		}
	}
}

// fullRange is the colour of JPEG files (JFIF), in 16 bits after the point as libjpeg has it (jdcolor.c).
func fullRange(y, u, v int32) (r, g, b byte) {
	u, v = u-128, v-128
	return clamp(y + (91881*v+1<<15)>>16), clamp(y + (-22554*u-46802*v+1<<15)>>16), clamp(y + (116130*u+1<<15)>>16)
}

// studioRange is the colour of WebP files, whose luma is from 16 to 235 (ITU-R 601), in 14 bits after the point as libwebp has it (dsp/yuv.h).
func studioRange(y, u, v int32) (r, g, b byte) {
	part := func(x, factor int32) int32 { return x * factor >> 8 }
	luma := part(y, 19077)
	return clamp((luma + part(v, 26149) - 14234) >> 6), clamp((luma - part(u, 6419) - part(v, 13320) + 8708) >> 6), clamp((luma + part(u, 33050) - 17685) >> 6)
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
