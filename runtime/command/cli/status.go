package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/autotailor/autotailor/runtime/accuracy"
	"github.com/autotailor/autotailor/runtime/deploy/bundle"
	"github.com/autotailor/autotailor/runtime/lut"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/train/data"
)

// The states of a file.
const (
	fresh      = "ok"
	unfinished = "unfinished" // the command that writes it can resume
	stale      = "stale"      // of another model, package, or set of weights
	foreign    = "other"      // this package does not read it
)

// fileStatus is the result of `status` for one file.
type fileStatus struct {
	File  string `json:"file"`
	Kind  string `json:"kind"`
	State string `json:"state"`
	Why   string `json:"why"`
}

// folderStatus is the result of `status`.
type folderStatus struct {
	Dir   string       `json:"dir"`
	Files []fileStatus `json:"files"`
	Next  []string     `json:"next"` // command lines, the most useful one first
}

// kinds are the kinds of files that commands write, by the endings of their names. The first matching ending counts.
var kinds = []struct {
	ending, kind string
	look         func(s *surveyor, path string) (state, why string)
}{
	{sampleEnding, "images for statistics", (*surveyor).sample},
	{".checkpoint", "checkpoint of tune", (*surveyor).checkpoint},
	{".onnx", "weights", (*surveyor).model},
	{statsEnding, "statistics of SubNets", (*surveyor).statistics},
	{".lut", "latencies", (*surveyor).latencies},
	{".acc", "sensitivities", (*surveyor).sensitivities},
	{bundle.ManifestName, "bundle", (*surveyor).bundle},
}

// surveyor looks at the files of a folder.
type surveyor struct {
	*call
	weights                   map[string]string // files with weights of this SuperNet, by SHA-256
	counted                   map[string]bool   // SHA-256 of weights that sensitivities were counted with
	lut, acc, tuned, original string
}

func runStatus(c *call) error {
	dir := c.flags.String("dir", ".", "`folder` with the files of this package: weights, latencies, sensitivities, bundles")
	if err := c.parse(); err != nil {
		return err
	}
	r := folderStatus{Dir: *dir, Files: []fileStatus{}}
	list, err := c.found(*dir)
	if err != nil {
		return err
	}
	s := &surveyor{call: c, weights: map[string]string{}, counted: map[string]bool{}}
	for _, k := range kinds {
		for _, path := range list {
			if kindOf(path) != k.kind {
				continue
			}
			if err := c.ctx.Err(); err != nil {
				return err
			}
			state, why := k.look(s, path)
			r.Files = append(r.Files, fileStatus{filepath.ToSlash(path), k.kind, state, why})
		}
	}
	r.Next = s.next()
	if *c.json {
		return c.print(r)
	}
	t := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	for _, f := range r.Files {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", f.File, f.Kind, f.State, f.Why)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "next:\n  %s\n", strings.Join(r.Next, "\n  "))
	return err
}

// found lists the files of a folder, the manifests in the folders below it, and the model.
func (c *call) found(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var list []string
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if manifest := filepath.Join(path, bundle.ManifestName); e.IsDir() && isFile(manifest) {
			list = append(list, manifest)
		} else if isFile(path) {
			list = append(list, path)
		}
	}
	if model := c.opt.Model; model != "" && filepath.Dir(model) != filepath.Clean(dir) && isFile(model) {
		list = append(list, model)
	}
	return list, nil
}

func kindOf(path string) string {
	for _, k := range kinds {
		if strings.HasSuffix(path, k.ending) {
			return k.kind
		}
	}
	return ""
}

func (s *surveyor) model(path string) (state, why string) {
	m, err := onnxfile.OpenContext(s.ctx, path)
	if err != nil {
		return foreign, err.Error()
	}
	if text := m.Metadata["autotailor.subnet"]; text != "" {
		return foreign, "an export: SubNet " + text
	}
	if err := s.net.Fits(m); err != nil {
		return foreign, "it has no weights for this package: " + firstLine(err)
	}
	s.weights[m.SHA256] = path
	if m.SHA256 == s.net.Source.SHA256 {
		s.original = path
		return fresh, "the model that the package was generated from"
	}
	s.tuned = path
	return fresh, "other weights for the same SuperNet, such as tuned ones"
}

func (s *surveyor) latencies(path string) (state, why string) {
	t, err := s.call.latencies(path)
	if err != nil {
		return stale, firstLine(err)
	}
	h := t.Header
	device := fmt.Sprintf("%s on %s, %s", h.Engine, h.Device, h.Date)
	missing, err := t.Missing(s.net)
	var none *lut.MissingError
	switch {
	case err != nil && !errors.As(err, &none):
		return stale, firstLine(err)
	case len(missing) > 0:
		return unfinished, fmt.Sprintf("%d of %d operators have no latency yet; %s", len(missing), len(s.net.Ops), device)
	}
	s.lut = path
	return fresh, device
}

func (s *surveyor) sensitivities(path string) (state, why string) {
	t, err := s.call.accuracies(path)
	var missing *accuracy.MissingError
	switch {
	case errors.As(err, &missing):
		return unfinished, fmt.Sprintf("%d modifications are not counted yet", len(missing.Probes))
	case err != nil:
		return stale, firstLine(err)
	}
	h := t.Header
	file, known := s.weights[h.Weights]
	switch {
	case h.Weights == "":
		why = "it does not say which weights were counted"
	case !known:
		return stale, fmt.Sprintf("counted with other weights (%s, SHA-256 %.12s...) than the files here have", h.Model, h.Weights)
	default:
		why = "counted with " + filepath.ToSlash(file)
	}
	s.counted[h.Weights] = true
	s.acc = path
	return fresh, fmt.Sprintf("%s on %d %s samples; the original: %s", why, h.Images, h.Split, judges(h, t.Value(0), h.Images))
}

func (s *surveyor) sample(path string) (state, why string) {
	set, _, err := data.OpenSample(path)
	if err != nil {
		return stale, firstLine(err)
	}
	return fresh, fmt.Sprintf("%d images, from which export recomputes BatchNorm statistics", set.N)
}

func (s *surveyor) statistics(path string) (state, why string) {
	l, err := bundle.ReadListed(path)
	if err == nil {
		err = l.Match(bundle.Circumstances{Package: s.net.Package, Digest: s.net.Digest})
	}
	if err != nil {
		return stale, firstLine(err)
	}
	file, known := s.weights[l.Of.Weights]
	if !known {
		return stale, fmt.Sprintf("with other weights (%s, SHA-256 %.12s...) than the files here have", l.Of.Model, l.Of.Weights)
	}
	return fresh, fmt.Sprintf("of %d SubNets with the weights of %s, from %d images", l.Len(), filepath.ToSlash(file), l.Of.Images)
}

func (s *surveyor) checkpoint(string) (state, why string) {
	return unfinished, "the same `tune` goes on with it"
}

func (s *surveyor) bundle(path string) (state, why string) {
	b, err := bundle.Open(filepath.Dir(path), s.net)
	if err != nil {
		return stale, firstLine(err)
	}
	if text := borrowing(b.SubNets, "export it again with --recalibrate DIR"); text != "" {
		return stale, text
	}
	return fresh, fmt.Sprintf("%d SubNets", len(b.SubNets))
}

// next lists the commands whose results are missing, in the order in which one runs them.
func (s *surveyor) next() (list []string) {
	say := func(format string, args ...any) { list = append(list, s.net.Package+" "+fmt.Sprintf(format, args...)) }
	if s.lut == "" {
		say("profile --out device.lut")
	}
	weights := s.original
	if s.tuned != "" {
		weights = s.tuned
	}
	if weights == "" {
		return append(list, fmt.Sprintf("(the weights are not here: put %s beside the package, or name them with --model)", s.net.Source.File))
	}
	if s.tuned == "" {
		say("tune --model %s --data DIR --out tuned.onnx", weights)
	}
	for sha, file := range s.weights {
		if file == weights && !s.counted[sha] {
			say("sensitivity --model %s --data DIR --out net.acc", weights)
			return list
		}
	}
	if s.lut != "" {
		say("search --lut %s --accuracy %s", s.lut, s.acc)
		say("export --model %s --lut %s --accuracy %s --front 5 --dir bundle", weights, s.lut, s.acc)
	}
	return list
}

// firstLine is the first line of an error's text.
func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
