package embedded

import (
	"os"
	"runtime/debug"
	"syscall"
	"testing"
	"unsafe"
)

// cages are the ways to guard buffers.
func cages() map[string]func(n int) (cage, error) {
	return map[string]func(n int) (cage, error){
		"marks":        marked,
		"pages behind": func(n int) (cage, error) { return paged(n, true) },
		"pages before": func(n int) (cage, error) { return paged(n, false) },
	}
}

// paged puts a buffer of n elements right before a page that can neither be read nor written, or right behind one.
func paged(n int, behind bool) (cage, error) {
	page := os.Getpagesize()
	size := 4 * n
	inner := (size + page - 1) / page * page
	m, err := syscall.Mmap(-1, 0, inner+2*page, syscall.PROT_NONE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return cage{}, err
	}
	c := cage{check: func() error { return nil }, free: func() error { return syscall.Munmap(m) }}
	if n == 0 {
		c.memory = []float32{}
		return c, nil
	}
	if err := syscall.Mprotect(m[page:page+inner], syscall.PROT_READ|syscall.PROT_WRITE); err != nil {
		return cage{}, err
	}
	at := page
	if behind {
		at += inner - size
	}
	c.memory = unsafe.Slice((*float32)(unsafe.Pointer(&m[at])), n)
	for i := range c.memory {
		c.memory[i] = mark
	}
	return c, nil
}

// TestCages: memory that is guarded by pages ends in a panic where somebody reads beyond it.
func TestCages(t *testing.T) {
	for _, n := range []int{1, 3, 1023, 1024, 1025} {
		for k, at := range []int{n, -1} {
			c, err := paged(n, k == 0)
			if err != nil {
				t.Fatal(err)
			}
			func() {
				defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
				defer func() {
					if recover() == nil {
						t.Errorf("element %d of %d could be read", at, n)
					}
				}()
				beyond := *(*float32)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(c.memory)), 4*at))
				t.Log(beyond)
			}()
			if err := c.free(); err != nil {
				t.Fatal(err)
			}
		}
	}
}
