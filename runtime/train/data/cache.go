package data

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
)

// cache keeps decoded images in a file, since decoding takes far longer than reading them again: a temporary one, or one that later runs find again. It
// is no more than a help: where it fails, or what it has is damaged, images are decoded again.
type cache struct {
	each  int           // bytes of an image
	known []atomic.Bool // what this process has written
	path  string        // of a file that stays; "" for a temporary one

	once sync.Once
	file *os.File
}

const (
	maxCache  = 8 << 30 // bytes of a temporary file: images beyond it are not kept
	cacheMark = 8       // bytes behind each image: its checksum and a mark that it was written
)

// cacheName is that of the file of these pictures: another one where a picture, its size, its time or what becomes of it is another.
func (p *pictures) cacheName() string {
	h := sha256.New()
	fmt.Fprintln(h, "images 1", p.to)
	for _, e := range p.list {
		fmt.Fprintln(h, e.name, e.size, e.at, e.changed)
	}
	return "autotailor-images-" + hex.EncodeToString(h.Sum(nil)[:12])
}

func (c *cache) open() {
	if c.path != "" {
		if err := os.MkdirAll(filepath.Dir(c.path), 0o777); err == nil {
			c.file, _ = os.OpenFile(c.path, os.O_RDWR|os.O_CREATE, 0o666) // nil where it cannot be
		}
		return
	}
	f, err := os.CreateTemp("", "autotailor-images-*")
	if err != nil {
		return
	}
	_ = os.Remove(f.Name()) // the file lives until it is closed; where that cannot be, it stays in the folder for temporary files
	c.file = f
}

// mark is what stands behind an image.
func mark(pixels []byte) uint64 { return 1<<32 | uint64(crc32.ChecksumIEEE(pixels)) }

func (c *cache) at(i int) int64 { return int64(i) * int64(c.each+cacheMark) }

func (c *cache) read(i int, pixels []byte) bool {
	if c.path == "" && !c.known[i].Load() {
		return false
	}
	if c.once.Do(c.open); c.file == nil {
		return false
	}
	raw := make([]byte, c.each+cacheMark)
	if _, err := c.file.ReadAt(raw, c.at(i)); err != nil || binary.LittleEndian.Uint64(raw[c.each:]) != mark(raw[:c.each]) {
		return false
	}
	copy(pixels, raw)
	return true
}

func (c *cache) write(i int, pixels []byte) {
	if c.path == "" && c.at(i+1) > maxCache {
		return
	}
	if c.once.Do(c.open); c.file == nil {
		return
	}
	raw := binary.LittleEndian.AppendUint64(append(make([]byte, 0, c.each+cacheMark), pixels[:c.each]...), mark(pixels[:c.each]))
	if _, err := c.file.WriteAt(raw, c.at(i)); err == nil {
		c.known[i].Store(true)
	}
}
