package main

import (
	"archive/tar"
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// set is a data set in tar shards, of which only some are on disk: the others are links to them, with names of their own.
type set struct {
	classes  int
	train    int // images
	test     int
	shard    int // images of a shard
	onDisk   int // shards of the training split that are no links
	pictures int // that are different; others have the same pixels
	w, h     int // of a picture
	quality  int // of JPEG: decides the size
}

// imageNet has as many images and classes as ImageNet has, a hundredth of them on disk, and files as long.
func imageNet() set {
	return set{classes: 1000, train: 1281167, test: 50000, shard: 1000, onDisk: 13, pictures: 64, w: 500, h: 375, quality: 90}
}

// write makes the shards that are not there yet.
func (s set) write(dir string) error {
	done := filepath.Join(dir, "done")
	if _, err := os.Stat(done); err == nil {
		return nil
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	pictures, err := s.draw()
	if err != nil {
		return err
	}
	for split, n := range map[string]int{"train": s.train, "val": s.test} {
		if err := s.split(dir, split, n, pictures); err != nil {
			return err
		}
	}
	return os.WriteFile(done, nil, 0o666)
}

// split writes the shards of a split. Those on disk have all classes, in order, so that who takes the first images has one class.
func (s set) split(dir, split string, n int, pictures [][]byte) error {
	onDisk, full := s.onDisk, n/s.shard
	if split == "val" {
		onDisk = 1
	}
	name := func(k int) string { return filepath.Join(dir, fmt.Sprintf("%s-%06d.tar", split, k)) }
	for k := range min(onDisk, full) {
		if err := s.tar(name(k), k*s.shard, s.shard, min(onDisk, full)*s.shard, pictures); err != nil {
			return err
		}
	}
	for k := onDisk; k < full; k++ {
		if err := os.Link(name(k%onDisk), name(k)); err != nil && !os.IsExist(err) {
			return err
		}
	}
	if rest := n % s.shard; rest > 0 {
		return s.tar(name(full), 0, rest, rest, pictures)
	}
	return nil
}

// tar writes one shard, of n images from number first on; all shards on disk have total images.
func (s set) tar(path string, first, n, total int, pictures [][]byte) error {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	add := func(name string, parts ...[]byte) error {
		size := 0
		for _, p := range parts {
			size += len(p)
		}
		if err := w.WriteHeader(&tar.Header{Name: name, Size: int64(size), Mode: 0o644}); err != nil {
			return err
		}
		for _, p := range parts {
			if _, err := w.Write(p); err != nil {
				return err
			}
		}
		return nil
	}
	for i := first; i < first+n; i++ {
		stem, p := fmt.Sprintf("%08d", i), pictures[i%len(pictures)]
		note := append([]byte{0xff, 0xfe, 0, byte(2 + len(stem))}, stem...) // a comment: no two files are the same
		if err := add(stem+".jpg", p[:2], note, p[2:]); err != nil {
			return err
		}
		if err := add(stem+".cls", fmt.Append(nil, i*s.classes/total)); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	return os.WriteFile(path, b.Bytes(), 0o666)
}

// draw makes the pictures: waves with noise, which compress as badly as photographs do.
func (s set) draw() (out [][]byte, err error) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range s.pictures {
		w, h := s.w*(80+rng.IntN(40))/100, s.h*(80+rng.IntN(40))/100
		img := image.NewRGBA(image.Rect(0, 0, w, h))
		f, g, noise := 0.01+0.1*rng.Float64(), 0.01+0.1*rng.Float64(), 20+rng.IntN(40)
		for y := range h {
			for x := range w {
				v := 128 + 80*math.Sin(f*float64(x)+g*float64(y))
				at := func() uint8 { return uint8(min(255, max(0, int(v)+rng.IntN(noise)-noise/2))) }
				img.SetRGBA(x, y, color.RGBA{at(), at(), at(), 255})
			}
		}
		var b bytes.Buffer
		if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: s.quality}); err != nil {
			return nil, err
		}
		out = append(out, b.Bytes())
	}
	return out, nil
}

// checkpointStep returns the step of a checkpoint of the Go tuner, 0 where there is none.
func checkpointStep(path string) int {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	at := bytes.Index(b, []byte(`"step":`))
	step := 0
	if at >= 0 {
		_, _ = fmt.Sscanf(string(b[at+len(`"step":`):min(len(b), at+32)]), "%d", &step)
	}
	return step
}
