package kernel

// placing is a table of places: of which offsets, for how many pixels at a time, and of how many floats a pixel.
type placing struct {
	off          *int32
	rows, stride int
}

// placed returns where the taps of one image's pixels are as micro-kernels read it, for some pixels at a time: [pixels/rows][taps][rows] in bytes,
// -1 outside of the image. off is [pixels][taps].
func (s *Windows) placed(off []int32, taps, rows, stride int) []int64 {
	build := func() []int64 {
		places := make([]int64, len(off))
		for r := 0; r*taps < len(off); r += rows {
			have := min(rows, len(off)/taps-r)
			for i := range have {
				for t, o := range off[(r+i)*taps : (r+i+1)*taps] {
					at := &places[r*taps+t*have+i]
					if *at = -1; o >= 0 {
						*at = int64(o) * int64(stride) * 4
					}
				}
			}
		}
		return places
	}
	if s == nil || len(off) == 0 {
		return build()
	}
	return table(&s.places, placing{&off[0], rows, stride}, build)
}
