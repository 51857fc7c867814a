// Command imagenet drills what ImageNet asks for: as many images and classes in tar shards, of synthetic content and real sizes, of which a
// hundredth is on disk and repeated. PyTorch's tools under torchrun and the Go tuner index them, train, are killed, resume to the same bits,
// and evaluate a stratified subset. It prints what it measures; the first thing that does not hold ends it.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// drill is what is done.
type drill struct {
	set
	source  string // folder of this command
	dir     string // of the shards and results
	python  string
	name    string // of the package
	torch   string // folder of its PyTorch package
	program string // its Go command
	model   string

	steps, kill           int // steps, and the step after which a run is killed
	batch                 int // images of a step
	subset, calibrate     int // images that are counted, and for statistics
	evalBatch, throughput int
	limit                 int // bytes that evaluating may have resident
	poll                  time.Duration
	out                   io.Writer
	part                  string // of the names of what is done, "" for all
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	dir := flag.String("dir", "build/imagenet", "folder for 1.6 GB of shards, and results")
	part := flag.String("part", "", "do only what has this in its name: measure, torch tune, go tune, torch evaluate, go evaluate")
	python := flag.String("python", "python3", "interpreter that has torch, numpy and PIL")
	flag.Parse()
	if err := full(ctx, *dir, *python, *part); err != nil {
		fmt.Fprintln(os.Stderr, err)
		stop()
		os.Exit(1)
	}
}

// full drills a model of 224 pixels and 1,000 classes.
func full(ctx context.Context, dir, python, part string) error {
	dir, err := filepath.Abs(dir)
	source, err2 := filepath.Abs("generated/bench/imagenet")
	if err := errors.Join(err, err2); err != nil {
		return err
	}
	d := drill{
		set: imageNet(), source: source, dir: dir, python: python, name: "imagenet", torch: filepath.Join(dir, "pytorch"), program: filepath.Join(dir, "program"), model: filepath.Join(dir, "model.onnx"),
		steps: 20, kill: 8, batch: 16, subset: 5000, calibrate: 512, evalBatch: 32, throughput: 960, limit: 1.5e9, poll: 200 * time.Millisecond, out: os.Stdout, part: part,
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	if err := d.build(ctx); err != nil {
		return err
	}
	return d.run(ctx)
}

// build makes the model and its packages.
func (d drill) build(ctx context.Context) error {
	root, tool := filepath.Join(d.source, "../../.."), filepath.Join(d.dir, "autotailor")
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	mod := "module example.com/imagenet\n\ngo 1.26\n\nrequire github.com/autotailor/autotailor v0.0.0\n\nreplace github.com/autotailor/autotailor => " + root + "\n"
	if err := errors.Join(err, os.WriteFile(filepath.Join(d.dir, "go.mod"), []byte(mod), 0o666), os.WriteFile(filepath.Join(d.dir, "go.sum"), sums, 0o666)); err != nil {
		return err
	}
	for _, args := range [][]string{
		{d.python, filepath.Join(d.source, "model.py"), d.model},
		{"go", "build", "-C", d.source, "-o", tool, "github.com/autotailor/autotailor/gen/autotailor"},
		{tool, "init", "--model", "model.onnx", "--force"},
		{tool, "gen", "--pytorch", "pytorch"},
		{"go", "build", "-mod=mod", "-o", d.program, "./cmd/imagenet"},
	} {
		if _, err := d.command(ctx, d.dir, nil, args...); err != nil {
			return err
		}
	}
	return nil
}

func (d drill) say(format string, args ...any) { fmt.Fprintf(d.out, format+"\n", args...) }

// run does all parts whose names have the part that is asked for.
func (d drill) run(ctx context.Context) error {
	data := filepath.Join(d.dir, "shards")
	if err := d.write(data); err != nil {
		return err
	}
	d.say("%d processors, %s", runtime.NumCPU(), runtime.Version())
	for _, p := range []struct {
		name string
		do   func(ctx context.Context, data string) error
	}{
		{"measure", d.measure}, {"torch tune", d.tunePyTorch}, {"go tune", d.tuneGo}, {"torch evaluate", d.evaluatePyTorch}, {"go evaluate", d.evaluateGo},
	} {
		if !strings.Contains(p.name, d.part) {
			continue
		}
		if err := p.do(ctx, data); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}

// measure measures indexing and decoding by the PyTorch package.
func (d drill) measure(ctx context.Context, data string) error {
	u, err := d.command(ctx, d.torch, nil, d.python, filepath.Join(d.source, "measure.py"), d.name, data, fmt.Sprint(d.subset), fmt.Sprint(d.throughput))
	if err == nil {
		d.say("%s", strings.TrimSpace(u.output))
	}
	return err
}

// torchrun starts a program on two processes, at a free port. The redirections are for PyTorch 1.13 with Python 3.11.
func (d drill) torchrun(args ...string) []string {
	return append([]string{d.python, "-m", "torch.distributed.run", "--rdzv_backend", "c10d", "--rdzv_endpoint", "localhost:0", "--nproc_per_node", "2", "--redirects", "9:1", "--tee", "9:1"}, args...)
}

// tunePyTorch trains in peace, and again, killed and resumed.
func (d drill) tunePyTorch(ctx context.Context, data string) error {
	args := func(out string) []string {
		return d.torchrun("tune.py", "--model", d.model, "--data", data, "--out", out, "--steps", fmt.Sprint(d.steps), "--batch", fmt.Sprint(d.batch/2), "--subnets", "2",
			"--test", "-1", "--recalibrate", fmt.Sprint(2*d.batch), "--eval-batch", fmt.Sprint(d.evalBatch), "--print-every", "1", "--save-every", "1", "--workers", "1", "--log", out+".log")
	}
	return d.twice(ctx, "tune.py, two processes", "torch", d.torch, args, func(out string) int {
		b, err := os.ReadFile(out + ".log")
		if err != nil {
			return 0
		}
		return bytes.Count(b, []byte(`"loss"`))
	})
}

// tuneGo does the same with the Go tuner.
func (d drill) tuneGo(ctx context.Context, data string) error {
	args := func(out string) []string {
		return []string{d.program, "tune", "--model", d.model, "--data", data, "--out", out, "--steps", fmt.Sprint(d.steps), "--batch", fmt.Sprint(d.batch), "--subnets", "2",
			"--check", "0", "--calibrate", fmt.Sprint(2 * d.batch), "--no-sample", "--force"}
	}
	return d.twice(ctx, "the Go tuner", "tuner", d.dir, args, func(out string) int { return checkpointStep(out + ".checkpoint") })
}

// twice runs a tuner in peace, and again, killed after some steps and resumed: both must end with the same bytes.
func (d drill) twice(ctx context.Context, what, kind, dir string, args func(out string) []string, step func(out string) int) error {
	peace, killed := filepath.Join(d.dir, kind+".peace.onnx"), filepath.Join(d.dir, kind+".killed.onnx")
	old, err := filepath.Glob(filepath.Join(d.dir, kind+".*"))
	if err != nil {
		return err
	}
	for _, name := range old {
		if err := os.Remove(name); err != nil {
			return err
		}
	}
	whole, err := d.command(ctx, dir, nil, args(peace)...)
	if err != nil {
		return err
	}
	at := 0
	first, err := d.command(ctx, dir, func() bool { at = step(killed); return at >= d.kill }, args(killed)...)
	if !errors.Is(err, errKilled) {
		return fmt.Errorf("%s: it should have been killed, but: %w\n%s", what, err, first.output)
	}
	if _, err := d.command(ctx, dir, nil, args(killed)...); err != nil {
		return err
	}
	a, err := os.ReadFile(peace)
	b, err2 := os.ReadFile(killed)
	if err := errors.Join(err, err2); err != nil {
		return err
	}
	if !bytes.Equal(a, b) {
		return fmt.Errorf("%s: killed after step %d and resumed it ends with other weights than in peace", what, at)
	}
	d.say("%s: %d steps of %d images in %v; killed after step %d and resumed: the same %d bytes", what, d.steps, d.batch, whole, at, len(a))
	return nil
}

// evaluatePyTorch counts a subset with PyTorch's tool, on two processes.
func (d drill) evaluatePyTorch(ctx context.Context, data string) error {
	list, out := filepath.Join(d.dir, "list.txt"), filepath.Join(d.dir, "torch.counts")
	if err := errors.Join(os.WriteFile(list, []byte("original\n"), 0o666), os.RemoveAll(out)); err != nil {
		return err
	}
	return d.evaluate(ctx, "evaluate.py, two processes", d.torch, d.torchrun("evaluate.py", "--model", d.model, "--data", data, "--out", out, "--subnets", list,
		"--images", fmt.Sprint(d.subset), "--calibrate", fmt.Sprint(d.calibrate), "--batch", fmt.Sprint(d.evalBatch), "--workers", "1"))
}

// evaluateGo does the same with the Go command.
func (d drill) evaluateGo(ctx context.Context, data string) error {
	return d.evaluate(ctx, "the Go evaluate", d.dir, []string{
		d.program, "evaluate", "--model", d.model, "--data", data, "--subnet", "original", "--images", fmt.Sprint(d.subset), "--calibrate", fmt.Sprint(d.calibrate),
	})
}

func (d drill) evaluate(ctx context.Context, what, dir string, args []string) error {
	u, err := d.command(ctx, dir, nil, args...)
	if err != nil {
		return err
	}
	d.say("%s: %d images (%d for statistics) in %v", what, d.subset, d.calibrate, u)
	if u.largest > d.limit {
		return fmt.Errorf("%s: more than %.1f GB resident", what, float64(d.limit)/1e9)
	}
	return nil
}
