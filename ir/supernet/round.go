package supernet

// Round is the width rule of the paper's authors, and of the MobileNets before them. It returns the nearest multiple of divisor that is at least divisor and at
// most a tenth below v.
func Round(v float64, divisor int) int {
	n := max(divisor, int(v+float64(divisor)/2)/divisor*divisor)
	if float64(n) < 0.9*v {
		n += divisor
	}
	return n
}
