// Package bundle keeps several SubNets of one SuperNet in a folder: the weights once, and a manifest that tells which SubNets there are
// and what is predicted of them. A SubNet is a slice of the weights, so a bundle is hardly larger than the SuperNet. What serves a bundle
// builds its SubNets with the generated package.
package bundle

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/autotailor/autotailor/internal/rowfile"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// Names of what is in a folder.
const (
	ManifestName = "manifest.json"
	weightsName  = "weights.onnx"
)

// format is the version of manifests.
const format = "autotailor bundle 1"

// Manifest describes a bundle.
type Manifest struct {
	Format  string   `json:"format"`
	Package string   `json:"package"`
	Digest  string   `json:"digest"` // of the package's operator table
	Device  string   `json:"device"` // that latencies were measured on
	Engine  string   `json:"engine"`
	Weights File     `json:"weights"`
	SubNets []SubNet `json:"subnets"` // fastest first
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
	Accuracy  float64 `json:"accuracy"`   // predicted, from 0 to 1
	Memory    int64   `json:"memory_bytes"`
	MACs      int64   `json:"macs"`
	Params    int64   `json:"params"`
}

// Bounds of what is read.
const (
	maxManifest = 4 << 20
	maxSubNets  = 1 << 12
	maxWeights  = 2 << 30
)

// Write writes a bundle of SubNets of net into the folder dir, which is made when it is not there. The weights are those of the
// model file at path. Format, package, digest and weights of m are set here.
func Write(dir, path string, net *supernet.Net, m Manifest) (Manifest, error) {
	i, err := os.Stat(path)
	if err != nil {
		return m, err
	}
	if i.Size() > maxWeights {
		return m, fmt.Errorf("%s: %d bytes of weights are too many for a bundle", path, i.Size())
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return m, err
	}
	m.Format, m.Package, m.Digest = format, net.Package, net.Digest
	m.Weights = File{weightsName, int64(len(data)), sum(data)}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return m, err
	}
	if err := m.check(net); err != nil {
		return m, err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return m, err
	}
	files := []rowfile.Content{{Path: filepath.Join(dir, weightsName), Data: data}, {Path: filepath.Join(dir, ManifestName), Data: append(text, '\n')}}
	if err := rowfile.WriteAll(files...); err != nil {
		return m, err
	}
	if err := complete(files[0].Path, net); err != nil { // without what a model keeps in other files
		return m, errors.Join(fmt.Errorf("%s cannot be the weights of a bundle: %w", path, err), os.Remove(files[0].Path), os.Remove(files[1].Path))
	}
	return m, nil
}

// complete fetches every parameter of the original.
func complete(path string, net *supernet.Net) error {
	w, err := onnxfile.Open(path)
	if err != nil {
		return err
	}
	g, err := nn.Record(func(b nn.Builder) { net.Build(make(space.Genes, len(net.Choices)), b) })
	if err != nil {
		return err
	}
	for _, v := range g.Values {
		if v.Param != nil {
			if _, err := nn.Fetch(w, *v.Param); err != nil {
				return err
			}
		}
	}
	return nil
}

func sum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}

// check tells whether m is a bundle of net.
func (m *Manifest) check(net *supernet.Net) error {
	var errs []error
	if m.Format != format {
		errs = append(errs, fmt.Errorf("format is %.40q, want %q", m.Format, format))
	}
	if m.Package != net.Package || m.Digest != net.Digest {
		errs = append(errs, fmt.Errorf("it is of package %.40q with digest %.12s, not of %q with %.12s: export it again", m.Package, m.Digest, net.Package, net.Digest))
	}
	if f := m.Weights.File; f != filepath.Base(f) || !filepath.IsLocal(f) || f == "." {
		errs = append(errs, fmt.Errorf("weights are in %.60q, want a file of the bundle's own folder", f))
	}
	if n := len(m.SubNets); n < 1 || n > maxSubNets {
		return errors.Join(append(errs, fmt.Errorf("there are %d SubNets, want 1 to %d", n, maxSubNets))...)
	}
	for k, s := range m.SubNets {
		if _, err := space.Parse(net.Choices, s.SubNet); err != nil {
			errs = append(errs, fmt.Errorf("SubNet %d: %w", k, err))
		}
		if k > 0 && s.LatencyMS < m.SubNets[k-1].LatencyMS {
			errs = append(errs, fmt.Errorf("SubNet %d is faster than the one before; the fastest comes first", k))
		}
	}
	if len(errs) > 10 {
		errs = append(errs[:10:10], fmt.Errorf("and %d more mistakes", len(errs)-10))
	}
	return errors.Join(errs...)
}

// Decode reads a manifest of a bundle of net.
func Decode(r io.Reader, net *supernet.Net) (Manifest, error) {
	var m Manifest
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
		return m, errors.New("something follows the manifest")
	}
	return m, m.check(net)
}

// Bundle is an opened folder.
type Bundle struct {
	Manifest
	Model *onnxfile.Model // the weights
}

// Open reads the bundle in the folder dir, and verifies size and checksum of its weights before it uses them.
func Open(dir string, net *supernet.Net) (*Bundle, error) {
	name := filepath.Join(dir, ManifestName)
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	m, err := Decode(f, net)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	path := filepath.Join(dir, m.Weights.File)
	i, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !i.Mode().IsRegular() || i.Size() != m.Weights.Bytes || i.Size() > maxWeights {
		return nil, fmt.Errorf("%s: want a file of %d bytes, as the manifest says; copy the bundle again", path, m.Weights.Bytes)
	}
	w, err := onnxfile.Open(path)
	if err != nil {
		return nil, err
	}
	if w.SHA256 != m.Weights.SHA256 {
		return nil, fmt.Errorf("%s: its SHA-256 is %.12s..., the manifest says %.12s...; copy the bundle again", path, w.SHA256, m.Weights.SHA256)
	}
	return &Bundle{m, w}, nil
}

// Spread picks k positions of a sequence of points, each a latency and an accuracy, so that they lie far apart: both ends, then
// always the point that is farthest from all picked ones, with both measures scaled to their range (the first of several).
func Spread(points [][2]float64, k int) []int {
	n := len(points)
	if n <= k {
		k = n
	}
	if k < 1 {
		return nil
	}
	var scale [2]float64
	for m := range scale {
		lo, hi := points[0][m], points[0][m]
		for _, p := range points {
			lo, hi = min(lo, p[m]), max(hi, p[m])
		}
		if hi > lo {
			scale[m] = 1 / (hi - lo)
		}
	}
	picked := []int{n - 1}
	if k > 1 {
		picked = append(picked, 0)
	}
	for len(picked) < k {
		best, far := -1, -1.0
		for i := range points {
			if slices.Contains(picked, i) {
				continue
			}
			near := -1.0
			for _, j := range picked {
				a, b := (points[i][0]-points[j][0])*scale[0], (points[i][1]-points[j][1])*scale[1]
				if d := a*a + b*b; near < 0 || d < near {
					near = d
				}
			}
			if near > far {
				best, far = i, near
			}
		}
		picked = append(picked, best)
	}
	slices.Sort(picked)
	return picked
}
