//go:build !linux

package embedded

// cages are the ways to guard buffers: the standard library has none with pages for this system.
func cages() map[string]func(n int) (cage, error) {
	return map[string]func(n int) (cage, error){"marks": marked}
}
