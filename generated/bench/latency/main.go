// Command latency measures how well latencies of SubNets are predicted on ONNX Runtime, for the paper's models at full size, and on the embedded
// engine, for two committed packages. For each it generates the package, profiles the device, measures random SubNets end to end, and prints a line.
//
// What is done stands in a folder and is not done again, so that a run that was stopped goes on where it was.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// model is what is measured.
type model struct {
	name, file string
	config     string // below generated/bench/latency/testdata or internal/conform/testdata; "" for a committed package
	engine     string
	subset     bool // measured where not all are asked for: less than 20 minutes together
}

// models are those on ONNX Runtime, whose files are below the folder of models, and those of committed packages.
func models() []model {
	const ort, conform = "onnxruntime", "internal/conform/testdata/"
	return []model{
		{"mobilenetv2", "mobilenetv2_100.tr.onnx", conform + "timm_mobilenetv2w10.toml", ort, true},
		{"resnet50", "resnet50.ts.onnx", conform + "timm_resnet50.toml", ort, false},
		{"mobilenetv3", "ofa_mbv3.tr.onnx", conform + "ofa_mobilenetv3w10.toml", ort, false},
		{"convnext", "convnext_tiny.dy.onnx", conform + "convnexttiny.toml", ort, false},
		{"vit", "vit_base_patch16_224.dy.onnx", conform + "vit_example.toml", ort, false},
		{"levit", "levit_256.dy.onnx", "generated/bench/latency/testdata/levit.toml", ort, false},
		{"mobilenetv2", "generated/models/mobilenetv2.onnx", "", "embedded", true},
		{"resnet50", "generated/models/resnet50.onnx", "", "embedded", true},
	}
}

// title names a model in what is printed and written.
func (m model) title() string {
	if m.config == "" {
		return m.name + "_" + m.engine
	}
	return m.name
}

type options struct {
	models, dir string // folders
	only        string
	full        bool
	subnets     int
	plain       bool
	fresh       bool
	window      time.Duration
}

func main() {
	var o options
	flag.StringVar(&o.models, "models", os.Getenv("AUTOTAILOR_MODELS"), "folder of the full-size models")
	flag.StringVar(&o.dir, "dir", "build/_latency", "folder for packages and measurements")
	flag.StringVar(&o.only, "only", "", "models to measure, separated by commas, instead of a subset")
	flag.BoolVar(&o.full, "full", false, "measure all models")
	flag.IntVar(&o.subnets, "subnets", 100, "random SubNets of each model")
	flag.BoolVar(&o.plain, "plain", true, "also predict without fusion")
	flag.BoolVar(&o.fresh, "fresh", false, "forget what was measured before")
	flag.DurationVar(&o.window, "window", 0, "stop after this time, 0 for never; the next run goes on")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	if o.window > 0 {
		ctx, stop = context.WithTimeout(ctx, o.window)
	}
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "latency:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	for _, m := range models() {
		switch {
		case o.only != "" && !strings.Contains(","+o.only+",", ","+m.title()+","):
			continue
		case o.only == "" && !o.full && !m.subset:
			continue
		}
		b := bench{model: m, file: m.file, dir: filepath.Join(o.dir, m.title()), o: o}
		if m.config != "" {
			if o.models == "" {
				return errors.New("AUTOTAILOR_MODELS does not name the folder of the full-size models")
			}
			b.file = filepath.Join(o.models, m.file)
		}
		if err := b.run(ctx); err != nil {
			return fmt.Errorf("%s: %w", m.title(), err)
		}
	}
	return nil
}

// bench is the work on one model.
type bench struct {
	model
	file, dir string
	o         options
}

func (b *bench) path(name string) string { return filepath.Join(b.dir, name) }

func (b *bench) run(ctx context.Context) error {
	if b.o.fresh {
		if err := os.RemoveAll(b.dir); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(b.dir, 0o777); err != nil {
		return err
	}
	if err := b.build(ctx); err != nil {
		return err
	}
	spent, err := b.profile(ctx, "fused", "--contexts", "0")
	if err != nil {
		return err
	}
	if b.o.plain {
		if _, err := b.profile(ctx, "plain", "--method", "isolated", "--rules", "none", "--runs", "8"); err != nil {
			return err
		}
	}
	return b.check(ctx, spent)
}

// build generates the package and its command, both within this module's build folder so that they use its source.
func (b *bench) build(ctx context.Context) error {
	if b.config == "" {
		return command(ctx, "go", "build", "-o", b.path("command"), "./generated/"+b.name+"/cmd/"+b.name)
	}
	if _, err := os.Stat(b.path("net")); err != nil {
		if err := command(ctx, "go", "run", "./gen/autotailor", "gen", "--config", b.config, "--model", b.file, "--package", b.name, "--out", b.path("net")); err != nil {
			return err
		}
	}
	return command(ctx, "go", "build", "-o", b.path("command"), "./"+filepath.ToSlash(b.path(filepath.Join("net", "cmd", b.name))))
}

// profile fills a table and returns the seconds that it took, over all runs.
func (b *bench) profile(ctx context.Context, table string, args ...string) (float64, error) {
	record := b.path(table + ".seconds")
	text, err := os.ReadFile(record)
	spent, _ := strconv.ParseFloat(strings.TrimSpace(string(text)), 64)
	if err == nil && !b.begun(table) {
		return spent, nil
	}
	start := time.Now()
	args = append([]string{"profile", "--engine", b.engine, "--threads", "1", "--model", b.file, "--out", b.path(table + ".lut")}, args...)
	failed := command(ctx, b.path("command"), args...)
	spent += time.Since(start).Seconds()
	if err := os.WriteFile(record, fmt.Appendf(nil, "%.1f\n", spent), 0o666); err != nil {
		return spent, errors.Join(failed, err)
	}
	state := b.path(table + ".begun")
	if failed != nil {
		return spent, errors.Join(failed, os.WriteFile(state, nil, 0o666))
	}
	if err := os.Remove(state); err != nil && !errors.Is(err, os.ErrNotExist) {
		return spent, err
	}
	return spent, nil
}

// begun tells whether a table's profile was stopped.
func (b *bench) begun(table string) bool {
	_, err := os.Stat(b.path(table + ".begun"))
	return err == nil
}

// agreement is what the command says about a table.
type agreement struct {
	N        int
	Within10 float64
	Within5  float64
	Tau      float64
	Small10  float64
	Large10  float64
	Small5   float64
	Large5   float64
	Bias     float64
	Worst    float64
	Noise    float64
	Drift    float64
	Plain    *agreement
	Uniform  *agreement
}

func (b *bench) check(ctx context.Context, spent float64) error {
	args := []string{"check", "--lut", b.path("fused.lut"), "--model", b.file, "--subnets", strconv.Itoa(b.o.subnets), "--out", b.path("measured"), "--json"}
	if b.o.plain {
		args = append(args, "--plain", b.path("plain.lut"))
	}
	cmd := exec.CommandContext(ctx, b.path("command"), args...)
	cmd.Stderr, cmd.Cancel, cmd.WaitDelay = os.Stderr, func() error { return cmd.Process.Signal(os.Interrupt) }, time.Minute
	out, err := cmd.Output()
	if err != nil {
		return err
	}
	if err := os.WriteFile(b.path("check.json"), out, 0o666); err != nil {
		return err
	}
	var a agreement
	if err := json.Unmarshal(out, &a); err != nil {
		return err
	}
	plain := "-"
	if a.Plain != nil {
		plain = fmt.Sprintf("%.3f nofusion_within5=%.3f nofusion_tau=%.3f", a.Plain.Within10, a.Plain.Within5, a.Plain.Tau)
	}
	fmt.Printf("latency %s n=%d within10=%.3f within5=%.3f tau=%.3f uniform_within5=%.3f uniform_tau=%.3f nofusion_within10=%s lut_s=%.0f noise=%.3f drift=%.2f small10=%.3f large10=%.3f small5=%.3f large5=%.3f bias=%+.3f worst=%.3f\n",
		b.title(), a.N, a.Within10, a.Within5, a.Tau, a.Uniform.Within5, a.Uniform.Tau, plain, spent, a.Noise, a.Drift, a.Small10, a.Large10, a.Small5, a.Large5, a.Bias, a.Worst)
	return nil
}

// command runs a program that ends by itself when it is interrupted.
func command(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	cmd.Cancel, cmd.WaitDelay = func() error { return cmd.Process.Signal(os.Interrupt) }, time.Minute
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s %s: %w", filepath.Base(name), args[0], err)
	}
	return nil
}
