package data

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/autotailor/autotailor/internal/rows"
	"github.com/autotailor/autotailor/runtime/nn"
)

// Settings say how data become samples.
type Settings struct {
	Transform Transform // of images
	Size      Size      // of pictures; without channels where the network takes no images
	Columns   Columns   // of everything else
	Reading   Reading
}

// Reading says how files are read.
type Reading struct {
	Skip  int    // broken pictures or rows that may be left out; where there are any, all pictures are looked at when a folder is opened
	Cache string // folder that keeps decoded pictures for later runs; "" for none
	Most  int    // pictures of a folder, mixed as others are, that are there at all; 0 for all. Whoever needs a few looks at no others
}

// OpenSamples opens the split called "train" or "test" of a folder or a file for a network with these inputs: images, see Open, or rows, see OpenTable.
// Rows with images of bytes (batch x channels x height x width, channels last, or grey without that axis) become input as images do.
func OpenSamples(path, split string, inputs []nn.Info, by Settings) (Samples, error) {
	if picturesIn(path) {
		s, err := by.Reading.Open(path, split, by.Size)
		if err != nil {
			return nil, err
		}
		return Source{Transform: by.Transform, Set: s}, nil
	}
	by.Columns.skip = by.Reading.Skip
	t, err := OpenTable(path, split, inputs, by.Columns)
	if err != nil {
		return nil, err
	}
	if s := t.images(inputs, by.Size.Channels); s != nil {
		source := Source{Transform: by.Transform, Set: s}
		if s.Labels == nil && len(t.target.fields) > 0 {
			return RowImages{source, t}, nil
		}
		return source, nil
	}
	return t, nil
}

// IsBroken tells whether an error is a picture that is damaged, which Reading.Skip may leave out.
func IsBroken(err error) bool {
	var one *brokenPicture
	return errors.As(err, &one)
}

// leaveOut drops pictures that cannot be read, up to a number.
func (s *Set) leaveOut(o Reading) error {
	const told = 10
	p := s.Images.(*pictures)
	broken := make([]error, s.N)
	pixels := make([][]byte, s.workers())
	err := s.parallel(s.N, func(worker, i int) error {
		if pixels[worker] == nil {
			pixels[worker] = make([]byte, s.size())
		}
		err := s.Read(i, pixels[worker])
		var one *brokenPicture
		if errors.As(err, &one) {
			broken[i], err = fmt.Errorf("%s: %w", one.where, one.err), nil
		}
		return err
	})
	if err != nil {
		return err
	}
	var list []entry
	for i, err := range broken {
		if err == nil {
			list = append(list, p.list[i])
		} else {
			s.Skipped = append(s.Skipped, err)
		}
	}
	if n := len(s.Skipped); n > o.Skip {
		return fmt.Errorf("%w\n(%d pictures are broken, --skip allows %d)", errors.Join(s.Skipped[:min(n, told)]...), n, o.Skip)
	}
	if len(list) == 0 {
		return fmt.Errorf("%w\nall pictures are broken", errors.Join(s.Skipped[:min(len(s.Skipped), told)]...))
	}
	mixPictures(list)
	s.N, p.list = len(list), list
	return nil
}

// HasRows tells whether a path has what OpenTable reads, and not what Open reads.
func HasRows(path string) bool { return !picturesIn(path) }

// picturesIn tells whether a folder has what Open reads. A folder of class folders may have a file of rows beside them, such as a list of names.
func picturesIn(dir string) bool {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return err != nil // Open says what is wrong
	}
	for split, names := range splits {
		if _, ok := idxPaths(dir, split); ok {
			return true
		}
		for _, name := range names {
			tars, err := filepath.Glob(filepath.Join(dir, name+"*.tar"))
			if below, _ := classFolders(filepath.Join(dir, name)); err == nil && len(tars)+len(below)+len(globs(filepath.Join(dir, name), "*", formats)) > 0 {
				return true
			}
		}
	}
	own, err := classFolders(dir)
	own = slices.DeleteFunc(own, func(name string) bool { return slices.Contains(slices.Concat(splits["train"], splits["test"]), name) })
	if err != nil || len(own) > 0 || len(globs(dir, "*", formats)) > 0 {
		return true
	}
	return len(globs(dir, "*", slices.Concat(tableEndings, arrayEndings)))+len(globs(filepath.Join(dir, "train"), "*", slices.Concat(tableEndings, arrayEndings))) == 0
}

// images makes a Set of rows whose only input are images of bytes; nil for others.
func (t *Table) images(inputs []nn.Info, channels int) *Set {
	if channels < 1 || len(inputs) != 1 || len(t.inputs[0].fields) != 1 {
		return nil
	}
	field := t.file.Fields()[t.inputs[0].fields[0]]
	k := field.Shape
	if field.Type != nn.Uint8 || field.Text || len(k) < 2 || len(k) > 3 || slices.Contains(k, rows.Open) {
		return nil
	}
	p := &rowImages{table: t, field: t.inputs[0].fields[0]}
	s := &Set{N: t.Len(), Channels: channels, Images: p, Classes: t.target.names}
	switch {
	case len(k) == 2 && channels == 1:
		s.Height, s.Width = k[0], k[1]
	case len(k) == 3 && k[0] == channels:
		s.Height, s.Width = k[1], k[2]
	case len(k) == 3 && k[2] == channels:
		s.Height, s.Width, p.last = k[0], k[1], channels
	default:
		return nil
	}
	for _, i := range t.order {
		if t.target.classes != nil {
			s.Labels = append(s.Labels, t.target.classes[i])
		}
	}
	return s
}

// rowImages are the Images of rows.
type rowImages struct {
	table *Table
	field int
	last  int // channels where they are the last axis, else 0
}

// Image implements Images.
func (p *rowImages) Image(i int, pixels []byte) error {
	row, err := p.table.file.Row(p.table.order[i], p.field)
	if err != nil {
		return err
	}
	raw := row[0].Raw
	if len(raw) != len(pixels) {
		return fmt.Errorf("%s: it has %d bytes, want %d", p.table.file.Where(p.table.order[i]), len(raw), len(pixels))
	}
	if p.last == 0 {
		copy(pixels, raw)
		return nil
	}
	area := len(raw) / p.last
	for k, v := range raw {
		pixels[k%p.last*area+k/p.last] = v
	}
	return nil
}

// Identity implements Images.
func (p *rowImages) Identity(i int) string { return p.table.Slice(i, i+1).Digest() }

// RowImages are images of rows whose targets are no classes: masks, numbers, several labels.
type RowImages struct {
	Source         // the images
	Rows   Samples // the same rows, which have the targets
}

// Slice implements Samples.
func (s RowImages) Slice(from, to int) Samples {
	return RowImages{s.Source.Slice(from, to).(Source), s.Rows.Slice(from, to)}
}

// Targets implements Samples.
func (s RowImages) Targets(samples []int) (nn.Tensor, error) { return s.Rows.Targets(samples) }

// Digest implements Samples.
func (s RowImages) Digest() string { return s.Rows.Digest() }
