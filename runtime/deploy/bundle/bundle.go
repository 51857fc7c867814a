// Package bundle keeps several SubNets of one SuperNet in a folder: the weights once, and a manifest that tells which SubNets there are
// and what is predicted of them. A SubNet is a slice of the weights, so a bundle is hardly larger than the SuperNet. What serves a bundle
// builds its SubNets with the generated package.
package bundle

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/autotailor/autotailor/internal/onnx"
	"github.com/autotailor/autotailor/internal/outfile"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// Names of what is in a folder.
const (
	ManifestName   = "manifest.json"
	weightsName    = "weights.onnx"
	statisticsName = "statistics-%d.onnx"
)

// format is the version of manifests, and version1 that of version 1.
const (
	format   = "autotailor bundle 2"
	version1 = "autotailor bundle 1"
)

// Manifest describes a bundle.
type Manifest struct {
	Format  string   `json:"format"`
	Package string   `json:"package"`
	Digest  string   `json:"digest"` // of the package's operator table
	Device  string   `json:"device"` // that latencies were measured on
	Engine  string   `json:"engine"`
	Input   string   `json:"input,omitempty"`   // how images became input for the accuracies, see data.Transform.String; "" where that is not known
	Metric  *Metric  `json:"metric,omitempty"`  // what accuracies are of; nil for shares of images that are classified correctly
	Classes []string `json:"classes,omitempty"` // their names by number, where they have names
	Weights File     `json:"weights"`
	SubNets []SubNet `json:"subnets"` // fastest first
}

// Metric says what the qualities of SubNets are of, which files call accuracies.
type Metric struct {
	Task          string  `json:"task"`
	Name          string  `json:"name"`
	Unit          string  `json:"unit"`
	LowerIsBetter bool    `json:"lower_is_better,omitempty"`
	Worst         float64 `json:"worst,omitempty"` // the metric's value at quality 0 where lower values are better: (1 - quality) * worst
}

// File is a file of the folder.
type File struct {
	File   string `json:"file"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// SubNet is one SubNet of a bundle.
type SubNet struct {
	SubNet    string  `json:"subnet"`     // its text form
	LatencyMS float64 `json:"latency_ms"` // predicted
	Accuracy  float64 `json:"accuracy"`   // predicted, from 0 to 1: the quality, where the manifest has a metric
	Memory    int64   `json:"memory_bytes"`
	MACs      int64   `json:"macs"`
	Params    int64   `json:"params"`

	// Statistics are the means and variances of this SubNet's batch normalisations, where they were recalibrated.
	Statistics *File `json:"statistics,omitempty"`

	// Borrowed says that the SubNet has batch normalisations and no statistics of its own, only those of the original. It classifies worse than
	// Accuracy says, often far worse.
	Borrowed bool `json:"borrowed_statistics,omitempty"`
}

// Bounds of what is read.
const (
	maxManifest   = 4 << 20
	maxSubNets    = 1 << 12
	maxWeights    = 2 << 30
	maxStatistics = 64 << 20
)

// Write writes a bundle of SubNets of net into the folder dir, which is made when it is not there. The weights are those of the
// model file at path; recalibrated has the weights with the statistics of each SubNet. With nil the SubNets that need statistics of their own are
// written without, and marked as such. Format, package, digest, weights and statistics of m are set here.
func Write(dir, path string, net *supernet.Net, m Manifest, recalibrated []nn.Weights) (Manifest, error) {
	i, err := os.Stat(path)
	if err != nil {
		return m, err
	}
	if i.Size() > maxWeights {
		return m, fmt.Errorf("%s: %d bytes of weights are too many for a bundle", path, i.Size())
	}
	data, err := onnx.ReadFile(context.Background(), path)
	if err != nil {
		return m, err
	}
	if err := complete(data, net); err != nil {
		return m, fmt.Errorf("%s cannot be the weights of a bundle: %w", path, err)
	}
	m.Format, m.Package, m.Digest = format, net.Package, net.Digest
	m.Weights = File{weightsName, int64(len(data)), sum(data)}
	files := []outfile.Content{{Path: filepath.Join(dir, weightsName), Data: data}}
	m.SubNets = slices.Clone(m.SubNets)
	for k, w := range recalibrated {
		data, err := statisticsOf(net, m.SubNets[k], w)
		if err != nil {
			return m, fmt.Errorf("SubNet %s: %w", m.SubNets[k].SubNet, err)
		}
		if data == nil {
			continue
		}
		name := fmt.Sprintf(statisticsName, k)
		m.SubNets[k].Statistics = &File{name, int64(len(data)), sum(data)}
		files = append(files, outfile.Content{Path: filepath.Join(dir, name), Data: data})
	}
	if err := m.check(net); err != nil {
		return m, err
	}
	if err := m.borrow(net); err != nil {
		return m, err
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return m, err
	}
	if err := outfile.Folder(dir); err != nil {
		return m, err
	}
	return m, outfile.WriteAll(append(files, outfile.Content{Path: filepath.Join(dir, ManifestName), Data: append(text, '\n')})...)
}

// complete tells whether a model file has every parameter of the original in itself.
func complete(data []byte, net *supernet.Net) error {
	w, err := onnxfile.Parse(data)
	if err != nil {
		return err
	}
	if err := w.Check(); err != nil {
		return err
	}
	return net.Fits(w)
}

func sum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}

// check tells whether m is a bundle of net.
func (m *Manifest) check(net *supernet.Net) error {
	var errs []error
	switch m.Format {
	case format:
	case version1:
		return fmt.Errorf("format is %q: version 1 wrote the bundle; convert it with `%s migrate %s`", version1, net.Package, ManifestName)
	default:
		errs = append(errs, fmt.Errorf("format is %.40q, want %q", m.Format, format))
	}
	if m.Package != net.Package || m.Digest != net.Digest {
		errs = append(errs, fmt.Errorf("it is of package %.40q with digest %.12s, not of %q with %.12s: export it again", m.Package, m.Digest, net.Package, net.Digest))
	}
	errs = append(errs, m.Weights.check("weights", maxWeights))
	if n := len(m.SubNets); n < 1 || n > maxSubNets {
		return errors.Join(append(errs, fmt.Errorf("there are %d SubNets, want 1 to %d", n, maxSubNets))...)
	}
	for k, s := range m.SubNets {
		if _, err := net.Parse(s.SubNet); err != nil {
			errs = append(errs, fmt.Errorf("SubNet %d: %w", k, err))
		}
		if s.Statistics != nil {
			errs = append(errs, s.Statistics.check(fmt.Sprintf("statistics of SubNet %d", k), maxStatistics))
		}
		if k > 0 && s.LatencyMS < m.SubNets[k-1].LatencyMS {
			errs = append(errs, fmt.Errorf("SubNet %d is faster than the one before; the fastest comes first", k))
		}
	}
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	if len(errs) > 10 {
		errs = append(errs[:10:10], fmt.Errorf("and %d more mistakes", len(errs)-10))
	}
	return errors.Join(errs...)
}

// borrow marks the SubNets that have no statistics of their own and need them. A manifest of an older release does not say so.
func (m *Manifest) borrow(net *supernet.Net) error {
	for k := range m.SubNets {
		s := &m.SubNets[k]
		s.Borrowed = false
		if s.Statistics != nil {
			continue
		}
		g, err := net.Parse(s.SubNet)
		if err != nil {
			return err
		}
		names, err := net.Borrowed(g)
		if err != nil {
			return err
		}
		s.Borrowed = len(names) > 0
	}
	return nil
}

// Decode reads a manifest of a bundle of net.
func Decode(r io.Reader, net *supernet.Net) (Manifest, error) {
	m, err := decode(r)
	if err != nil {
		return m, err
	}
	return m, m.check(net)
}

func decode(r io.Reader) (m Manifest, err error) {
	text, err := io.ReadAll(io.LimitReader(r, maxManifest+1))
	if err != nil {
		return m, err
	}
	if len(text) > maxManifest {
		return m, fmt.Errorf("a manifest of more than %d bytes", maxManifest)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return m, err
	}
	if d.More() {
		return m, errors.New("there is more text after the manifest")
	}
	return m, nil
}

// check tells whether f can be a file of the bundle's folder.
func (f File) check(what string, most int64) error {
	if f.File != filepath.Base(f.File) || !filepath.IsLocal(f.File) || f.File == "." {
		return fmt.Errorf("%s are in %.60q, want a file of the bundle's own folder", what, f.File)
	}
	if f.Bytes < 0 || f.Bytes > most {
		return fmt.Errorf("%s have %d bytes, want at most %d", what, f.Bytes, most)
	}
	return nil
}
