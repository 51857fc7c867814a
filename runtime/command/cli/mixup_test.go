package cli_test

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/generated/vit"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/accuracy"
	"github.com/autotailor/autotailor/runtime/deploy/bundle"
	"github.com/autotailor/autotailor/runtime/lut"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/train/data"
)

const (
	tunedModel = "../../../generated/models/mobilenetv2_tuned.onnx"
	otherModel = "../../../generated/models/vit.onnx"
	shortRun   = "--steps 20000 --batch 8 --subnets 1 --check 0 --calibrate 8"
)

// bench is a folder with the files of a user, which belong together: latencies, sensitivities that were really counted, and a bundle.
type bench struct {
	t                *testing.T
	dir              string
	lut, acc, bundle string
}

func (b *bench) path(name string) string { return filepath.Join(b.dir, name) }

// copied copies a file, changed by edit, to a new name.
func (b *bench) copied(from, name string, edit func(text string) string) string {
	b.t.Helper()
	raw, err := os.ReadFile(from)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.file(name, []byte(edit(string(raw))))
}

func (b *bench) file(name string, raw []byte) string {
	b.t.Helper()
	path := b.path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(path, raw, 0o666); err != nil {
		b.t.Fatal(err)
	}
	return path
}

// header changes a line of a table's header.
func header(key, value string) func(string) string {
	return func(text string) string {
		head, rows, _ := strings.Cut(text, "\n\n")
		lines := strings.Split(head, "\n")
		for i, l := range lines {
			if strings.HasPrefix(l, key+":") {
				lines[i] = key + ": " + value
			}
		}
		return strings.Join(lines, "\n") + "\n\n" + rows
	}
}

// pictures is a folder of small pictures in the classes of Fashion-MNIST, all of one grey.
func (b *bench) pictures(name string, grey uint8) string {
	b.t.Helper()
	img := image.NewGray(image.Rect(0, 0, 28, 28))
	for k := range img.Pix {
		img.Pix[k] = grey
	}
	img.Set(3, 3, color.White)
	var file bytes.Buffer
	if err := png.Encode(&file, img); err != nil {
		b.t.Fatal(err)
	}
	for class := range 10 {
		for _, split := range []string{"train", "test"} {
			for _, n := range []string{"a", "b", "c", "d"} {
				b.file(filepath.Join(name, split, string(rune('0'+class)), n+".png"), file.Bytes())
			}
		}
	}
	return b.path(name)
}

// newBench makes the files by the commands that users have.
func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, dir: t.TempDir()}
	b.lut, _ = tables(t, t.TempDir(), accuracy.Header{})
	b.lut = b.copied(b.lut, "net.lut", func(s string) string { return s })
	b.acc, b.bundle = b.path("net.acc"), b.path("bundle")
	result(t, "sensitivity", "--model", model, "--data", images, "--images", "20", "--calibrate", "20", "--out", b.acc)
	result(t, "search", "--model", model, "--data", images, "--lut", b.lut, "--accuracy", b.acc, "--verify", "1")
	result(t, "export", "--model", model, "--lut", b.lut, "--accuracy", b.acc, "--front", "3", "--dir", b.bundle)
	return b
}

// digestOf is the SHA-256 of a model file, shortened as messages have it.
func digestOf(t *testing.T, path string) string {
	t.Helper()
	m, err := onnxfile.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return m.SHA256[:12]
}

// otherBundle is the bundle of another folder, in which a file took the place of another one.
func (b *bench) otherBundle(name, from, to string, edit func(string) string) string {
	b.t.Helper()
	if err := os.CopyFS(b.path(name), os.DirFS(b.bundle)); err != nil {
		b.t.Fatal(err)
	}
	if !filepath.IsAbs(from) {
		from = filepath.Join(b.bundle, from)
	}
	b.copied(from, filepath.Join(name, to), edit)
	return b.path(name)
}

// mixups are commands whose files do not belong together, and what each must say: what is mixed, and the remedy.
func (b *bench) mixups() []mixup {
	same := func(s string) string { return s }
	own, tuned := digestOf(b.t, model), digestOf(b.t, tunedModel)
	vitNet := vit.Definition()
	foreign := lut.New(vitNet, lut.HeaderOf(vitNet))
	if err := foreign.WriteFile(b.path("vit.lut")); err != nil {
		b.t.Fatal(err)
	}
	counted := accuracy.New(vitNet, accuracy.Header{Images: 20, Data: "some", Resize: "none", Engine: "none"})
	if err := counted.WriteFile(b.path("vit.acc"), vitNet); err != nil {
		b.t.Fatal(err)
	}
	grey := b.pictures("grey", 90)
	tunedAcc := b.copied(b.acc, "tuned.acc", header("weights", strings.Repeat(tuned, 6)[:64]))
	b.copied(b.acc+".joint", "tuned.acc.joint", same)
	search := []string{"search", "--lut", b.lut, "--accuracy"}
	return []mixup{
		{"latencies of another package", []string{"search", "--lut", b.path("vit.lut"), "--accuracy", b.acc}, []string{"vit", "mobilenetv2", "use the table that was measured for this package"}},
		{"latencies of another configuration", []string{"search", "--accuracy", b.acc, "--lut", b.copied(b.lut, "old.lut", header("digest", "0123456789abcdef"))}, []string{"0123456789ab", mobilenetv2.Definition().Digest[:12], "measure"}},
		{"sensitivities of another package", append(search, b.path("vit.acc")), []string{"vit", "mobilenetv2", "for this package"}},
		{"sensitivities of other choices", append(search, b.copied(b.acc, "choices.acc", header("digest", "0123456789abcdef"))), []string{"0123456789ab", "measure them"}},
		{"sensitivities of another model", append(search, b.copied(b.acc, "source.acc", header("source", "0123456789abcdef"))), []string{"0123456789ab", own, "measure them"}},
		{"sensitivities of another input", append(search, b.copied(b.acc, "input.acc", header("resize", "nearest neighbour; resize 256, pad 0, mean [], std []"))), []string{"resize 256", "pad 2", "count again"}},
		{"joint counts of other weights", append(search, tunedAcc), []string{tuned, own, "move it away"}},
		{"joint counts on other images", append(search, b.otherJoint("images", header("data", "0123+4567"))), []string{"0123+4567", "move it away"}},
		{"search --verify with other weights", []string{"search", "--lut", b.lut, "--accuracy", b.acc, "--verify", "1", "--model", tunedModel, "--data", images}, []string{"mobilenetv2.onnx", own, "mobilenetv2_tuned.onnx", tuned, "count again"}},
		{"search --verify with other images", []string{"search", "--lut", b.lut, "--accuracy", b.acc, "--verify", "1", "--model", model, "--data", grey}, []string{"grey", "net.acc", "samples", "count again"}},
		{"verify with other weights", []string{"verify", "--accuracy", b.acc, "--model", tunedModel, "--data", images, "--runs", "1"}, []string{own, "mobilenetv2_tuned.onnx", tuned, "count again"}},
		{"verify with another engine's latencies", []string{"verify", "--model", model, "--runs", "1", "--lut", b.copied(b.lut, "ort.lut", header("engine", "onnxruntime"))}, []string{"onnxruntime", "embedded", "--engine onnxruntime"}},
		{"export with other weights", []string{"export", "--accuracy", b.acc, "--model", tunedModel, "--out", b.path("x")}, []string{own, "mobilenetv2_tuned.onnx", tuned, "count again"}},
		{"a bundle with other weights", []string{"export", "--front", "2", "--lut", b.lut, "--accuracy", b.acc, "--model", tunedModel, "--dir", b.path("x")}, []string{own, "mobilenetv2_tuned.onnx", tuned, "count again"}},
		{"a sample of other images", []string{"export", "--accuracy", b.otherSample("sampled.acc", grey), "--model", model, "--subnet", "resolution=16", "--out", b.path("x")}, []string{"sampled.acc.sample.tar", "sampled.acc", "count again"}},
		{"listed statistics of other weights", []string{"export", "--model", b.besideStats("w.onnx"), "--subnet", "resolution=16", "--out", b.path("x")}, []string{"w.onnx.stats", "mobilenetv2.onnx", own, "w.onnx", tuned, "count again"}},
		{"a model of another package", []string{"export", "--model", otherModel, "--out", b.path("x")}, []string{"vit.onnx", "mobilenetv2.onnx"}},
		{"an export as the SuperNet", []string{"evaluate", "--model", b.exported("part.onnx", "resolution=16,stage2.depth=2"), "--data", images}, []string{"part.onnx", "resolution=16,stage2.depth=2", "mobilenetv2.onnx", "--model"}},
		{"the original's export with another input as the SuperNet", []string{"evaluate", "--model", b.exported("folded.onnx", "original"), "--data", images}, []string{"folded.onnx", "original", "mobilenetv2.onnx", "--model"}},
		{"a bundle of another package", []string{"serve", "--bundle", b.otherBundle("b1", bundle.ManifestName, bundle.ManifestName, func(s string) string { return strings.Replace(s, `"mobilenetv2"`, `"vit"`, 1) })}, []string{"vit", "mobilenetv2", "export it again"}},
		{"a bundle of another configuration", []string{"serve", "--bundle", b.otherBundle("b2", bundle.ManifestName, bundle.ManifestName, func(s string) string {
			return strings.Replace(s, mobilenetv2.Definition().Digest, strings.Repeat("0", 64), 1)
		})}, []string{strings.Repeat("0", 12), mobilenetv2.Definition().Digest[:12], "export it again"}},
		{"a bundle with other weights in it", []string{"serve", "--bundle", b.otherBundle("b3", absolute(b.t, tunedModel), "weights.onnx", same)}, []string{"weights.onnx", own, "copy the bundle again"}},
		{"a bundle with statistics of another SubNet", []string{"serve", "--bundle", b.otherBundle("b4", "statistics-1.onnx", "statistics-0.onnx", same)}, []string{"statistics-0.onnx", "copy the bundle again"}},
		{"a bundle for another input", []string{"serve", "--bundle", b.otherBundle("b5", bundle.ManifestName, bundle.ManifestName, func(s string) string { return strings.Replace(s, "pad 2", "pad 3", 1) })}, []string{"pad 3", "pad 2", "export"}},
		{"a report with what another package was verified to be", []string{"report", "--lut", b.lut, "--accuracy", b.acc, "--out", b.path("x"), "--verified", b.file("vit.json", []byte(`{"package":"vit","subnet":"original","engines":[{"engine":"embedded","median_ms":1}],"predicted_ms":1}`))}, []string{"vit.json", "vit", "mobilenetv2", "verify"}},
		{"a report with what another table predicted", []string{"report", "--lut", b.lut, "--accuracy", b.acc, "--out", b.path("x"), "--verified", b.file("v.json", []byte(`{"package":"mobilenetv2","subnet":"original","engines":[{"engine":"embedded","median_ms":1}],"predicted_ms":777}`))}, []string{"v.json", "777", "net.lut", "verify"}},
		{"sensitivities begun with other weights", []string{"sensitivity", "--model", tunedModel, "--data", images, "--images", "20", "--calibrate", "20", "--no-sample", "--out", b.copied(b.acc, "begun.acc", same)}, []string{own, tuned, "begun.acc"}},
		{"sensitivities begun on other images", []string{"sensitivity", "--model", model, "--data", grey, "--images", "20", "--calibrate", "20", "--no-sample", "--out", b.copied(b.acc, "begun2.acc", same)}, []string{"data:", "begun2.acc"}},
		{"a checkpoint of other weights", append([]string{"tune", "--model", tunedModel, "--data", images, "--out", b.path("x.onnx"), "--checkpoint", b.checkpoint()}, strings.Fields(shortRun)...), []string{own, tuned, "same settings"}},
		{"a checkpoint of other images", append([]string{"tune", "--model", model, "--data", grey, "--out", b.path("x.onnx"), "--checkpoint", b.checkpoint()}, strings.Fields(shortRun)...), []string{"images", "same settings"}},
		{"latencies begun on another engine", []string{"profile", "--runs", "1", "--out", b.copied(b.lut, "begun.lut", header("engine", "onnxruntime"))}, []string{"onnxruntime", "embedded", "begun.lut"}},
		{"latencies of another device taken over", []string{"profile", "--runs", "1", "--out", b.path("x.lut"), "--from", b.copied(b.lut, "phone.lut", header("device", "a phone"))}, []string{"phone.lut", "a phone", "device"}},
		{"tables of another package migrated", []string{"migrate", b.path("vit.lut"), b.path("vit.acc")}, []string{"vit", "mobilenetv2"}},
	}
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// mixup is one of these commands.
type mixup struct {
	name string
	args []string
	want []string // in what it prints
}

// otherJoint is a copy of the sensitivities, whose joint counts have another header.
func (b *bench) otherJoint(name string, edit func(string) string) string {
	b.copied(b.acc+".joint", name+".acc.joint", edit)
	return b.copied(b.acc, name+".acc", func(s string) string { return s })
}

// otherSample is a copy of the sensitivities, beside which a sample of other images stands.
func (b *bench) otherSample(name, dir string) string {
	b.t.Helper()
	set, err := data.Open(dir, "train", data.Size{Channels: 1, Side: 28})
	if err != nil {
		b.t.Fatal(err)
	}
	var file bytes.Buffer
	if err := data.WriteSample(&file, set); err != nil {
		b.t.Fatal(err)
	}
	b.file(name+".sample.tar", file.Bytes())
	return b.copied(b.acc, name, func(s string) string { return s })
}

// besideStats are the tuned weights beside a list of statistics of the others.
func (b *bench) besideStats(name string) string {
	b.copied(b.acc+".stats", name+".stats", func(s string) string { return s })
	return b.copied(tunedModel, name, func(s string) string { return s })
}

// exported is a SubNet in a file of its own.
func (b *bench) exported(name, subnet string) string {
	b.t.Helper()
	result(b.t, "export", "--model", model, "--accuracy", b.acc, "--subnet", subnet, "--out", b.path(name))
	return b.path(name)
}

// checkpoint is one of an interrupted run on the model and the images.
func (b *bench) checkpoint() string {
	b.t.Helper()
	path := b.path("run.checkpoint")
	if _, err := os.Stat(path); err == nil {
		return path
	}
	ctx, stop := context.WithCancel(b.t.Context())
	go func() {
		defer stop()
		for ctx.Err() == nil {
			if _, err := os.Stat(path); err == nil {
				return // written after every step
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	args := append([]string{"tune", "--model", model, "--data", images, "--out", b.path("x.onnx"), "--checkpoint", path}, strings.Fields(shortRun)...)
	if code, _, errs := invoke(ctx, args...); code != 130 {
		b.t.Fatalf("an interrupted run: exit code %d, %s", code, errs)
	}
	return path
}

// TestMixUps: a command whose files do not belong together refuses them. It names what is mixed and the remedy, and writes nothing.
func TestMixUps(t *testing.T) {
	needs.Time(t)
	needs.Clone(t)
	b := newBench(t)
	list := b.mixups()
	if len(list) < 20 {
		t.Fatalf("%d mix-ups, want 20 or more", len(list))
	}
	for _, m := range list {
		t.Run(m.name, func(t *testing.T) {
			ctx, stop := context.WithTimeout(t.Context(), 20*time.Second) // ends a service, too
			defer stop()
			code, out, errs := invoke(ctx, m.args...)
			if code == 0 {
				t.Fatalf("%v passed: %s%s", m.args, out, errs)
			}
			for _, w := range m.want {
				if !strings.Contains(errs, w) {
					t.Errorf("%q is missing in: %s", w, errs)
				}
			}
			for _, name := range []string{"x", "x.onnx", "x.lut"} {
				if _, err := os.Stat(b.path(name)); err == nil {
					t.Errorf("%s was written", name)
					_ = os.RemoveAll(b.path(name))
				}
			}
		})
	}
}
