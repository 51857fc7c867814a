package data

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/autotailor/autotailor/internal/infile"
)

// Limits of IDX files: beyond them a header is damaged.
const (
	maxImages = 100_000_000
	maxSide   = 1 << 14
	maxPixels = 1 << 34
	maxTrust  = 1 << 26 // bytes that a header alone is given memory for
	maxRatio  = 200     // bytes of images for each of the file, beyond maxTrust: more than photographs and drawings need
)

// The magic numbers of IDX: unsigned bytes, and the number of axes.
const (
	magicLabels = 0x0801
	magicGrey   = 0x0803
	magicColour = 0x0804 // images x channels x rows x columns
)

// OpenIDX reads images and labels in the format of MNIST, plain or compressed by gzip.
func OpenIDX(images, labels string) (*Set, error) {
	s := &Set{}
	dims, pixels, err := readIDX(images, magicGrey, magicColour)
	if err == nil {
		s.N, s.Channels = dims[0], 1
		if len(dims) == 4 {
			s.Channels = dims[1]
		}
		s.Height, s.Width, s.Pixels = dims[len(dims)-2], dims[len(dims)-1], pixels
	}
	count, tags, err2 := readIDX(labels, magicLabels)
	if err := errors.Join(err, err2); err != nil {
		return nil, err
	}
	if count[0] != s.N {
		return nil, fmt.Errorf("%s has %d images, %s has %d labels: they do not belong together", images, s.N, labels, count[0])
	}
	for _, y := range tags {
		s.Labels = append(s.Labels, int32(y))
	}
	return s, nil
}

// idxNames are the usual names of images and labels, by split.
var idxNames = map[string][2]string{
	"train": {"train-images-idx3-ubyte", "train-labels-idx1-ubyte"},
	"test":  {"t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"},
}

// idxPaths returns the IDX files of a split in a folder, plain or compressed; ok is false where one of them is missing.
func idxPaths(dir, split string) (paths [2]string, ok bool) {
	for k, name := range idxNames[split] {
		paths[k] = filepath.Join(dir, name)
		if !exists(paths[k]) {
			paths[k] += ".gz"
		}
		if !exists(paths[k]) {
			return paths, false
		}
	}
	return paths, true
}

func readIDX(path string, magics ...uint32) (dims []int, data []byte, err error) {
	f, err := infile.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	r := io.Reader(bufio.NewReaderSize(f, 1<<16))
	if head, _ := r.(*bufio.Reader).Peek(2); bytes.Equal(head, []byte{0x1f, 0x8b}) {
		if r, err = gzip.NewReader(r); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	dims, data, err = parseIDX(r, max(maxTrust, maxRatio*info.Size()), magics)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	return dims, data, nil
}

// parseIDX reads a header and as many bytes as it says. Memory grows with what is there, not with what the header claims.
func parseIDX(r io.Reader, most int64, magics []uint32) (dims []int, data []byte, err error) {
	var magic uint32
	if err := binary.Read(r, binary.BigEndian, &magic); err != nil {
		return nil, nil, fmt.Errorf("it is no IDX file: %w", err)
	}
	known := false
	for _, m := range magics {
		known = known || m == magic
	}
	if !known {
		return nil, nil, fmt.Errorf("it starts with %#08x, wanted %#08x: it is no IDX file of this kind", magic, magics[0])
	}
	total := int64(1)
	for k := range int(magic & 0xff) {
		var n uint32
		if err := binary.Read(r, binary.BigEndian, &n); err != nil {
			return nil, nil, fmt.Errorf("its header is cut off: %w", err)
		}
		limit := uint32(maxSide)
		if k == 0 {
			limit = maxImages
		}
		if n == 0 || n > limit {
			return nil, nil, fmt.Errorf("its header says that axis %d has %d elements, which cannot be", k, n)
		}
		dims = append(dims, int(n))
		if total *= int64(n); total > maxPixels {
			return nil, nil, fmt.Errorf("its header says that it has more than %d bytes, which cannot be", int64(maxPixels))
		}
	}
	if total > most {
		return nil, nil, fmt.Errorf("its header says that it has %d bytes, more than %d times as many as the file: no images can be compressed so well", total, maxRatio)
	}
	var buf bytes.Buffer
	buf.Grow(int(min(total, maxTrust)) + bytes.MinRead)
	n, err := io.CopyN(&buf, r, total)
	if err != nil {
		return nil, nil, fmt.Errorf("it has %d bytes of data, its header says %d: %w", n, total, err)
	}
	// Only the read past the end makes gzip compare its checksum.
	switch extra, err := io.CopyN(io.Discard, r, 1); {
	case extra > 0:
		return nil, nil, fmt.Errorf("it has more data than its header says (%d bytes)", total)
	case err != io.EOF:
		return nil, nil, fmt.Errorf("it is damaged or cut off, fetch it again: %w", err)
	}
	return dims, buf.Bytes(), nil
}
