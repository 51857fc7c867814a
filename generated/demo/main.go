// Command demo does the whole job on a real model: a MobileNetV2 trained on Fashion-MNIST becomes a SuperNet package, this
// machine is profiled, accuracy is predicted from sensitivities, and the best SubNets are found, measured and exported.
// It needs nothing but Go: the embedded engine runs the networks.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/autotailor/autotailor/gen"
	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/runtime/command/cli"
	"github.com/autotailor/autotailor/runtime/command/report/plot"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/train/data"
)

// The files of the repository that the demo works on.
const (
	model  = "generated/models/mobilenetv2.onnx"
	tuned  = "generated/models/mobilenetv2_tuned.onnx" // by the tune command; mobilenetv2_tuned.log has the settings
	config = "generated/mobilenetv2/autotailor.toml"
	images = "generated/data/fashion-mnist"
)

// transform is how the model's training made input of images.
var transform = data.Transform{Pad: 2, Mean: []float32{0.2860}, Std: []float32{0.3530}}

func main() {
	out := flag.String("out", "build/demo", "`folder` for tables, plot and models")
	n := flag.Int("images", 1000, "test images that accuracy is counted on")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, *out, *n)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out string, n int) error {
	start := time.Now()
	if err := os.MkdirAll(out, 0o777); err != nil {
		return err
	}
	if err := generate(); err != nil {
		return err
	}
	s := session{ctx, out}
	title("2. Profile this machine: every distinct operator once")
	if err := s.command("profile", "--out", s.file("latency.lut")); err != nil {
		return err
	}
	title("3. Count what each single modification of the tuned SuperNet costs in accuracy")
	if err := s.command("sensitivity", "--model", tuned, "--data", images, "--split", "test", "--images", fmt.Sprint(n), "--calibrate", "300", "--out", s.file("accuracy.acc")); err != nil {
		return err
	}
	if err := s.search(n); err != nil {
		return err
	}
	title("5. The whole front, as table and plot")
	if err := s.command("report", "--lut", s.file("latency.lut"), "--accuracy", s.file("accuracy.acc"), "--out", out); err != nil {
		return err
	}
	fmt.Printf("\nAll of it took %v. Next: your own model, see the tutorial in README.md.\n", time.Since(start).Round(time.Second))
	return nil
}

func title(text string) { fmt.Printf("\n== %s\n", text) }

// generate makes the package again in memory: what is committed is what comes out.
func generate() error {
	title("1. Generate the SuperNet package of " + model)
	j := gen.Job{Config: config}
	start := time.Now()
	o, err := j.Run()
	if err != nil {
		return err
	}
	took := time.Since(start)
	changes, err := o.Changes()
	if err != nil {
		return err
	}
	if len(changes) > 0 {
		return fmt.Errorf("the committed package is stale; run make generate:\n%s", strings.Join(gen.Names(changes), "\n"))
	}
	lines := 0
	for _, f := range o.Files {
		lines += strings.Count(string(f.Data), "\n")
	}
	c, err := j.Compile()
	if err != nil {
		return err
	}
	r, err := c.Inspect()
	if err != nil {
		return err
	}
	fmt.Printf("%d files with %d lines of Go in %v: %v SubNets, %d modifications, %d distinct operators, %.0f %% of MACs elastic\n",
		len(o.Files), lines, took.Round(time.Millisecond), r.VariantsDistinct, r.Modifications, r.UniqueOpsTotal["none"], 100*r.Coverage.MACs)
	return nil
}

// session runs commands of the generated package in this process.
type session struct {
	ctx context.Context
	out string
}

func (s session) file(name string) string { return filepath.Join(s.out, name) }

// errCommand is returned for a command that has said itself what went wrong.
var errCommand = errors.New("a command failed")

func (s session) command(args ...string) error {
	fmt.Printf("$ mobilenetv2 %s\n", strings.Join(args, " "))
	code := cli.Run(s.ctx, mobilenetv2.Definition(), args, os.Stdout, os.Stderr, cli.Options{
		Model:     model,
		Transform: transform,
		Engines:   []cli.Engine{{Name: "embedded", Doc: "pure Go", Open: embedded.Open}},
		Plot:      plot.All,
	})
	if code != 0 {
		return errCommand
	}
	return nil
}
