package bundle

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/autotailor/autotailor/internal/infile"
	"github.com/autotailor/autotailor/internal/onnx"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// Bundle is an opened folder.
type Bundle struct {
	Manifest
	Model *onnxfile.Model // the weights

	statistics []*onnxfile.Model // by SubNet; nil where it has those of the weights
}

// Open reads the bundle in the folder dir, and verifies size and checksum of every file before it uses it.
func Open(dir string, net *supernet.Net) (*Bundle, error) {
	name := filepath.Join(dir, ManifestName)
	f, err := infile.Open(name)
	if err != nil {
		return nil, err
	}
	m, err := Decode(f, net)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	b := &Bundle{Manifest: m, statistics: make([]*onnxfile.Model, len(m.SubNets))}
	if b.Model, err = m.Weights.open(dir); err != nil {
		return nil, err
	}
	var errs []error
	for k, s := range m.SubNets {
		if s.Statistics != nil {
			b.statistics[k], err = s.Statistics.open(dir)
			errs = append(errs, err)
		}
	}
	if err := errors.Join(append(errs, m.borrow(net))...); err != nil {
		return nil, err
	}
	return b, nil
}

// open reads a file of the folder when it is what the manifest says. Names have been checked.
func (f File) open(dir string) (*onnxfile.Model, error) {
	path := filepath.Join(dir, f.File)
	i, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !i.Mode().IsRegular() || i.Size() != f.Bytes {
		return nil, fmt.Errorf("%s: want a file of %d bytes, as the manifest says; copy the bundle again", path, f.Bytes)
	}
	data, err := onnx.ReadFile(context.Background(), path)
	if err != nil {
		return nil, err
	}
	if got := sum(data); got != f.SHA256 {
		return nil, fmt.Errorf("%s: its SHA-256 is %.12s..., the manifest says %.12s...; copy the bundle again", path, got, f.SHA256)
	}
	m, err := onnxfile.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// Recalibrated returns the weights of SubNet k of net with its statistics.
func (b *Bundle) Recalibrated(net *supernet.Net, k int) (nn.Weights, error) {
	genes, err := net.Parse(b.SubNets[k].SubNet)
	if err != nil {
		return nil, err
	}
	g, err := net.Record(genes)
	if err != nil {
		return nil, err
	}
	over, err := b.Statistics(g, k)
	if len(over) == 0 || err != nil {
		return b.Model, err
	}
	return net.WithStatistics(nn.Overlay(b.Model, over), genes), nil
}

// Statistics returns the recalibrated means and variances of SubNet k, which g is, by the names of their parameters and in the
// SuperNet's shapes. There are none when it was not recalibrated.
func (b *Bundle) Statistics(g *nn.Graph, k int) (map[string]nn.Tensor, error) {
	if b.statistics[k] == nil {
		return map[string]nn.Tensor{}, nil
	}
	return whole(g, b.Model, b.statistics[k].Tensor)
}

// whole returns the statistics of g in the SuperNet's shapes: what of has of a parameter, where g picks it from w.
func whole(g *nn.Graph, w nn.Weights, of func(name string) (nn.Tensor, error)) (map[string]nn.Tensor, error) {
	over := map[string]nn.Tensor{}
	for _, p := range supernet.Statistics(g) {
		t, err := of(p.Name)
		if err != nil {
			return nil, err
		}
		full, err := nn.Fetch(w, nn.Param{Name: p.Name, From: p.From, Shape: p.Shape})
		if err != nil {
			return nil, err
		}
		if over[p.Name], err = spread(p, t, full); err != nil {
			return nil, fmt.Errorf("statistics %q: %w", p.Name, err)
		}
	}
	return over, nil
}

// spread puts the elements of t at the positions of full that p picks.
func spread(p nn.Param, t, full nn.Tensor) (nn.Tensor, error) {
	from, to := t.Float32s(), full.Float32s()
	if from == nil || to == nil || len(from) != p.Picked().Count() {
		return t, fmt.Errorf("type %d and shape %v, want float32 of shape %v", t.Type, t.Shape, p.Picked())
	}
	if len(from) == len(to) {
		return t, nil
	}
	for i, at := range p.Picks[0].Indices() {
		to[at] = from[i]
	}
	return nn.FromFloat32s(p.Shape, to), nil
}

// statisticsOf is the file with a SubNet's statistics, nil when it has no normalisation.
func statisticsOf(net *supernet.Net, s SubNet, w nn.Weights) ([]byte, error) {
	genes, err := net.Parse(s.SubNet)
	if err != nil {
		return nil, err
	}
	g, err := net.Record(genes)
	if err != nil {
		return nil, err
	}
	tensors := map[string]nn.Tensor{}
	for _, p := range supernet.Statistics(g) {
		if tensors[p.Name], err = nn.Fetch(w, p); err != nil {
			return nil, err
		}
	}
	if len(tensors) == 0 {
		return nil, nil
	}
	var file bytes.Buffer
	if err := onnxfile.WriteTensors(&file, "statistics", tensors); err != nil {
		return nil, err
	}
	return file.Bytes(), nil
}
