// Command enginebench times training and inference of the embedded engine beside PyTorch and ONNX Runtime, in one run and interleaved:
//
//	engine MODEL train=.. infer=.. torch_train=.. torch_infer=.. ort_infer=..     images per second
//	gemm peak=.. ours=.. share=..                                                 GFLOP/s of one core
//
// PyTorch runs the recorded network operator by operator (torch.py), with random weights, in the faster of its two memory formats.
// A field is - where a peer is not there; the reason follows on standard error.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strings"
	"time"

	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/generated/resnet50"
	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/supernet"
)

type options struct {
	batch, threads, rounds int
	models, only, python   string
	profile                string
}

func main() {
	var o options
	flag.IntVar(&o.batch, "batch", 64, "images at a time")
	flag.IntVar(&o.threads, "threads", 2, "threads")
	flag.IntVar(&o.rounds, "rounds", 7, "turns; the median is printed")
	flag.StringVar(&o.models, "models", filepath.Join("generated", "models"), "folder of the ONNX files")
	flag.StringVar(&o.only, "only", "", "measure this model only")
	flag.StringVar(&o.python, "python", "/usr/bin/python3", "Python with PyTorch")
	flag.StringVar(&o.profile, "cpuprofile", "", "measure our training only, and write its profile to this file")
	flag.Parse()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "enginebench:", err)
		os.Exit(1)
	}
}

func run(o options) error {
	fmt.Println(gemm())
	for _, net := range nets() {
		if o.only != "" && o.only != net.Package {
			continue
		}
		if err := measure(o, net); err != nil {
			return fmt.Errorf("%s: %w", net.Package, err)
		}
	}
	return nil
}

func nets() []*supernet.Net {
	return []*supernet.Net{mobilenetv2.Definition(), resnet50.Definition()}
}

// load records the largest network of net and opens its weights.
func load(o options, net *supernet.Net) (*nn.Graph, nn.Weights, error) {
	g, err := net.Record(make([]uint8, len(net.Choices)))
	if err != nil {
		return nil, nil, err
	}
	w, err := onnxfile.Open(filepath.Join(o.models, net.Source.File))
	return g, w, err
}

// measure prints one model's line.
func measure(o options, net *supernet.Net) error {
	g, w, err := load(o, net)
	if err != nil {
		return err
	}
	if o.profile != "" {
		return profile(o, g, w)
	}
	all := []*runner{}
	for _, open := range []func(options, *nn.Graph, nn.Weights) ([]*runner, error){openOurs, openTorch, openORT} {
		rs, err := open(o, g, w)
		if err != nil {
			fmt.Fprintf(os.Stderr, "enginebench: %s: %v\n", net.Package, err)
		}
		all = append(all, rs...)
	}
	for range o.rounds {
		for _, r := range all {
			time.Sleep(rest)
			if err := r.turn(); err != nil {
				return err
			}
		}
	}
	line := []string{"engine", net.Package}
	for _, field := range []string{"train", "infer", "torch_train", "torch_infer", "ort_infer"} {
		best := 0.0
		for _, r := range all {
			if r.field == field {
				best = max(best, r.rate(o.batch))
			}
		}
		text := "-"
		if best > 0 {
			text = fmt.Sprintf("%.0f", best)
		}
		line = append(line, field+"="+text)
	}
	fmt.Println(strings.Join(line, " "))
	for _, r := range all {
		if r.close != nil {
			if err := r.close(); err != nil {
				return err
			}
		}
	}
	return nil
}

// profile writes where our training's time goes.
func profile(o options, g *nn.Graph, w nn.Weights) error {
	ours, err := openOurs(o, g, w)
	if err != nil {
		return err
	}
	if err := ours[0].turn(); err != nil {
		return err
	}
	f, err := os.Create(o.profile)
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return err
	}
	ours[0].each *= 8
	err = ours[0].turn()
	pprof.StopCPUProfile()
	slices.Reverse(ours[0].times)
	fmt.Printf("train %v\n", ours[0].times[0])
	return errors.Join(err, f.Close())
}

// runner is one thing that is timed.
type runner struct {
	field string
	run   func(n int) (time.Duration, error) // n iterations
	close func() error
	each  int // iterations of a turn
	times []time.Duration
}

// rest is how long nothing runs before a turn: threads of the library that had the turn before, which look for work for a while, sleep then.
const rest = 300 * time.Millisecond

// turnTime is how long a turn takes, about.
const turnTime = 400 * time.Millisecond

// turn measures some iterations; the first turn finds out how many. Before them one runs that does not count: after a rest all threads
// sleep and the caches have what others left there, which training and inference for long do not see.
func (r *runner) turn() error {
	if _, err := r.run(1); err != nil {
		return err
	}
	if r.each == 0 {
		d, err := r.run(1)
		if err != nil {
			return err
		}
		r.each = max(1, int(turnTime/max(d, 1)))
	}
	d, err := r.run(r.each)
	r.times = append(r.times, d/time.Duration(r.each))
	return err
}

// rate is the median turn's, in images per second.
func (r *runner) rate(batch int) float64 {
	slices.Sort(r.times)
	return float64(batch) / r.times[len(r.times)/2].Seconds()
}

// gemm compares a matrix product on one core, with the packing of its right-hand side, with the fastest loop of multiply-accumulates.
func gemm() string {
	const n = 768
	u, team := kernel.Best(), kernel.NewTeam(1)
	x, y, z := make([]float32, n*n), make([]float32, n*n), make([]float32, n*n)
	for i := range x {
		x[i], y[i] = float32(i%7)-3, float32(i%5)-2
	}
	layout := kernel.Layout{Taps: 1, K: n, N: n, KStride: n, NStride: 1}
	peak, ours := 0.0, 0.0
	for range 20 {
		start := time.Now()
		done := u.Peak(n * n * n)
		peak = max(peak, 2*float64(done)/time.Since(start).Seconds())
		start = time.Now()
		u.Pack(y, layout, nil, kernel.NoLimits()).Mul(team, n, x, n, z, n)
		ours = max(ours, 2*n*n*n/time.Since(start).Seconds())
	}
	if peak == 0 {
		return fmt.Sprintf("gemm peak=- ours=%.1f share=-", ours/1e9)
	}
	return fmt.Sprintf("gemm peak=%.1f ours=%.1f share=%.2f", peak/1e9, ours/1e9, ours/peak)
}
