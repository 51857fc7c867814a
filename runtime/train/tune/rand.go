package tune

// The generator is splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014). It is written out
// here and, the same, in the sample.py of generated PyTorch packages, because both must draw the same SubNets: the state of the
// generator for a key (a, b, c) is
//
//	state = 0
//	for v in a, b, c: state = next(state XOR v)
//
// and next, in arithmetic modulo 2^64, is
//
//	state += 0x9e3779b97f4a7c15
//	z = state
//	z = (z XOR z>>30) * 0xbf58476d1ce4e5b9
//	z = (z XOR z>>27) * 0x94d049bb133111eb
//	return z XOR z>>31
//
// A number below n is the upper half of next times n, shifted right by 32.

// Rand is a splitmix64 generator.
type Rand struct{ state uint64 }

// NewRand returns the generator of a key, for which every number counts.
func NewRand(key ...uint64) Rand {
	var r Rand
	for _, v := range key {
		r.state ^= v
		r.state = r.Uint64()
	}
	return r
}

// Uint64 returns the next number.
func (r *Rand) Uint64() uint64 {
	r.state += 0x9e3779b97f4a7c15
	z := r.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// IntN returns a number from 0 up to but not including n, which is at least 1.
func (r *Rand) IntN(n int) int {
	return int((r.Uint64() >> 32) * uint64(n) >> 32)
}
