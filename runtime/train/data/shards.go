package data

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/autotailor/autotailor/internal/infile"
)

// maxLabel bounds the text of a label in a shard, in bytes.
const maxLabel = 64

// shards lists the pictures of tar files in which pictures stand beside labels, as WebDataset has them: name.jpg and name.cls. Headers are read
// once; pictures are then read where they are.
func shards(tars []string) (list []entry, err error) {
	slices.Sort(tars)
	var errs []error
	for _, file := range tars {
		own, err := shard(file)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", file, err))
		}
		list = append(list, own...)
	}
	if len(list) == 0 && len(errs) == 0 {
		errs = append(errs, fmt.Errorf("%s: there are no pictures in it (%s)", tars[0], strings.Join(formats, " ")))
	}
	return list, errors.Join(errs...)
}

func shard(file string) ([]entry, error) {
	f, err := infile.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	found, labels := map[string]entry{}, map[string]int32{}
	r := tar.NewReader(f) // reads no further than asked, so that the file's position is where a member begins
	for {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		ext := path.Ext(h.Name)
		stem := strings.TrimSuffix(h.Name, ext)
		switch {
		case isPicture(h.Name):
			at, err := f.Seek(0, io.SeekCurrent)
			if err != nil {
				return nil, err
			}
			if other, ok := found[stem]; ok {
				return nil, fmt.Errorf("it has two pictures called %s", other.name)
			}
			found[stem] = entry{name: filepath.Base(file) + "/" + stem, file: file, at: at, size: h.Size, changed: info.ModTime().UnixNano()}
		case ext == ".cls":
			text, err := io.ReadAll(io.LimitReader(r, maxLabel))
			if err != nil {
				return nil, err
			}
			y, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 32)
			if err != nil || y < 0 {
				return nil, fmt.Errorf("%s: want the number of a class, got %q", h.Name, text)
			}
			labels[stem] = int32(y)
		}
	}
	return paired(found, labels)
}

// paired gives pictures their labels.
func paired(found map[string]entry, labels map[string]int32) (list []entry, err error) {
	var bare []string
	for _, stem := range slices.Sorted(maps.Keys(found)) {
		e := found[stem]
		y, ok := labels[stem]
		if !ok {
			bare = append(bare, stem)
		}
		e.label = y
		list = append(list, e)
	}
	if len(bare) > 0 {
		return nil, fmt.Errorf("%d pictures have no label beside them, the first is %s; want %s.cls", len(bare), bare[0], bare[0])
	}
	return list, nil
}
