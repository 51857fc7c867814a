package data

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// splits are the names that folders and shards of a split may have.
var splits = map[string][]string{"train": {"train"}, "test": {"test", "val", "validation"}}

// formats are the endings of pictures that can be decoded.
var formats = []string{".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp"}

func isPicture(name string) bool { return slices.Contains(formats, strings.ToLower(path.Ext(name))) }

// unlabelled is the label of pictures in folders without class folders: they have no classes.
const unlabelled = -1

// entry is a picture of a folder or shard.
type entry struct {
	name  string // within the folder, with slashes
	label int32
	file  string // that has it
	at    int64  // where it begins there
	size  int64  // in bytes

	slot    int   // of the cache
	changed int64 // when file was, in nanoseconds since 1970
}

// openPictures opens tar shards or class folders.
func openPictures(dir, split string, to Size, o Reading) (*Set, error) {
	if info, err := os.Stat(dir); err != nil {
		return nil, err
	} else if !info.IsDir() {
		return nil, fmt.Errorf("%s is no folder", dir)
	}
	list, classes, err := find(dir, split)
	if err != nil {
		return nil, err
	}
	if to.Channels != 1 && to.Channels != 3 || to.Side < 1 {
		return nil, fmt.Errorf("%s: pictures become 1 or 3 channels of a square, not %d of side %d", dir, to.Channels, to.Side)
	}
	if to.Resize == 0 {
		to.Resize = to.Side
	}
	if to.Resize < to.Side {
		return nil, fmt.Errorf("%s: a shorter side of %d pixels (data.resize) has no centre of %d pixels", dir, to.Resize, to.Side)
	}
	mixPictures(list)
	if o.Most > 0 {
		list = list[:min(o.Most, len(list))]
	}
	s := &Set{N: len(list), Channels: to.Channels, Height: to.Side, Width: to.Side, Classes: classes, Images: newPictures(list, to, o.Cache)}
	if o.Skip > 0 {
		if err := s.leaveOut(o); err != nil {
			return nil, err
		}
		list = s.Images.(*pictures).list
	}
	for _, e := range list {
		if e.label != unlabelled {
			s.Labels = append(s.Labels, e.label)
		}
	}
	return s, nil
}

// find lists the pictures of a split.
func find(dir, split string) (list []entry, classes []string, err error) {
	for _, name := range splits[split] {
		tars, err := filepath.Glob(filepath.Join(dir, name+"*.tar"))
		if err != nil {
			return nil, nil, fmt.Errorf("%s: its name cannot be searched: %w", dir, err)
		}
		if len(tars) > 0 {
			list, err = shards(tars)
			return list, nil, err
		}
		if sub := filepath.Join(dir, name); exists(sub) {
			return splitFolders(dir, sub)
		}
	}
	for _, other := range []string{"train", "test"} {
		for _, name := range splits[other] {
			if exists(filepath.Join(dir, name)) {
				return nil, nil, fmt.Errorf("%s: it has a split called %s, but none for %q: want %s", dir, name, split, wanted(split))
			}
		}
	}
	list, classes, err = folders(dir, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("%w; want %s", err, wanted(split))
	}
	return sharedPictures(list, split), classes, nil
}

// wanted says what a folder may have.
func wanted(split string) string {
	name := splits[split][0]
	return fmt.Sprintf("%s and %s[.gz], %s*.tar, a folder %s/CLASS/*.jpg, or CLASS/*.jpg without splits (%s)",
		idxNames[split][0], idxNames[split][1], name, name, strings.Join(formats, " "))
}

// splitFolders lists the pictures of one split. Classes have the numbers that the training split gives them, so that a test split without one
// class does not shift those after it.
func splitFolders(dir, sub string) (list []entry, classes []string, err error) {
	if train := filepath.Join(dir, "train"); train != sub && exists(train) {
		if classes, err = classFolders(train); err != nil {
			return nil, nil, err
		}
	}
	return folders(sub, classes)
}

// classFolders lists the folders in dir by name.
func classFolders(dir string) (classes []string, err error) {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if info, err := os.Stat(filepath.Join(dir, e.Name())); err == nil && info.IsDir() { // or a symbolic link to one
			classes = append(classes, e.Name())
		}
	}
	return classes, err
}

// folders lists the pictures of the class folders in dir. Classes are numbered in the order of their names, or as known has them.
func folders(dir string, known []string) (list []entry, classes []string, err error) {
	own, err := classFolders(dir)
	if err != nil {
		return nil, nil, err
	}
	if classes = known; known == nil {
		classes = own
	}
	if len(own) == 0 {
		list, err := picturesOf(dir, ".", unlabelled)
		if err == nil && len(list) == 0 {
			err = fmt.Errorf("%s: it has neither a folder with pictures for each class, nor pictures", dir)
		}
		return list, nil, err
	}
	var errs []error
	for _, class := range own {
		label := slices.Index(classes, class)
		if label < 0 {
			errs = append(errs, fmt.Errorf("%s: the training images have no class of that name", filepath.Join(dir, class)))
			continue
		}
		found, err := picturesOf(dir, class, int32(label))
		if err == nil && len(found) == 0 {
			err = fmt.Errorf("%s: there are no pictures in it (%s); each folder is a class, so move it away if it is none", filepath.Join(dir, class), strings.Join(formats, " "))
		}
		errs, list = append(errs, err), append(list, found...)
	}
	return list, classes, errors.Join(errs...)
}

// picturesOf lists the pictures of one class, in its folder and below.
func picturesOf(dir, class string, label int32) (list []entry, err error) {
	root := os.DirFS(dir)
	err = fs.WalkDir(root, class, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !isPicture(name) {
			return err
		}
		info, err := fs.Stat(root, name) // of what a symbolic link points to
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			return fmt.Errorf("%s is no regular file", filepath.Join(dir, name))
		}
		list = append(list, entry{name: name, label: label, file: filepath.Join(dir, filepath.FromSlash(name)), size: info.Size(), changed: info.ModTime().UnixNano()})
		return nil
	})
	return list, err
}

// drawnPictures is drawn of pictures.
func drawnPictures(list []entry) map[int32][]int {
	return drawn(len(list), func(i int) int32 { return list[i].label }, func(i int) []byte { return []byte(list[i].name) })
}

// sharedPictures is share of pictures of class folders.
func sharedPictures(list []entry, split string) (out []entry) {
	classes := drawnPictures(list)
	share(classes, split)
	for _, own := range classes {
		for _, at := range own {
			out = append(out, list[at])
		}
	}
	return out
}

// mixPictures puts pictures in the order of mixed.
func mixPictures(list []entry) {
	before := slices.Clone(list)
	for k, at := range mixed(drawnPictures(list)) {
		list[k] = before[at]
	}
}
