// Package cli is the command of a generated SuperNet package: info, profile, sensitivity, search, export, serve, verify, prove, report.
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/pflag"

	"github.com/autotailor/autotailor/internal/spell"
	"github.com/autotailor/autotailor/internal/stdout"
	"github.com/autotailor/autotailor/runtime/command/manual"
	"github.com/autotailor/autotailor/runtime/command/report"
	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/model"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/search"
	"github.com/autotailor/autotailor/runtime/supernet"
	"github.com/autotailor/autotailor/runtime/train/data"
)

// Options has everything that a generated command needs beside its SuperNet.
type Options struct {
	Model     string                                            // default of --model
	Transform data.Transform                                    // how images become input
	Columns   data.Columns                                      // what rows of other data mean
	Task      func() (data.Task, error)                         // the network's task; nil for classification. data.TaskConfig reads it from autotailor.toml
	Engines   []Engine                                          // the first is the default
	Plot      func(dir string, p report.Page) ([]string, error) // draws the report's plots and returns their files; nil for none
}

// Engine is an engine that can be chosen by name.
type Engine struct {
	Name, Doc string
	Open      func(threads int) (engine.Engine, error)
	// With opens it for what follows its name after a colon, NAME[,option=value...]; nil where nothing may follow.
	With func(with string, threads int) (engine.Engine, error)
}

// Exit codes.
const (
	ok          = 0
	failed      = 1
	usage       = 2
	infeasible  = 3
	interrupted = 130
)

// Main runs the command line of this process and exits.
func Main(net *supernet.Net, o Options) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := Run(ctx, net, os.Args[1:], os.Stdout, os.Stderr, o)
	stop()
	os.Exit(code)
}

// command is one subcommand.
type command struct {
	name, doc string
	examples  []string // arguments, without the program's name
	run       func(c *call) error
	arg       string // what its one argument is called, "" when it takes none; NAME... for one or several
}

func commands() []command {
	return []command{
		{"info", "describe the SuperNet, or one SubNet", []string{"info", "info --subnet resolution=24 --json"}, runInfo, ""},
		{"profile", "measure the latency of every distinct operator on this device", []string{
			"profile --out device.lut", "profile --engine onnxruntime --threads 1 --out ort.lut", "profile --dry-run",
			"profile --engine agent:http://board:8437 --out board.lut", "profile --engine 'cmd:sh drivers/benchncnn.sh benchncnn' --out ncnn.lut",
			"profile --engine onnxruntime --method isolated --out alone.lut", "profile --from old.lut --out new.lut",
			"profile --engine onnxruntime:cuda,device_id=0 --out gpu.lut", "profile --engine onnxruntime:tensorrt,trt_fp16_enable=1 --out trt.lut",
			"profile --meter /sys/class/powercap --out device.lut",
		}, runProfile, ""},
		{"sensitivity", "count what each single modification costs in accuracy", []string{
			"sensitivity --model MODEL.onnx --data DIR --out net.acc", "sensitivity --model MODEL.onnx --data DIR --images 500 --calibrate 200 --out quick.acc",
		}, runSensitivity, ""},
		{"evaluate", "count the accuracy of SubNets", []string{
			"evaluate --model tuned.onnx --data DIR", "evaluate --model tuned.onnx --data DIR --subnet resolution=24 --random 24",
		}, runEvaluate, ""},
		{"tune", "train the weights so that SubNets are accurate; writes the same model with other weights", []string{
			"tune --model MODEL.onnx --data DIR --out tuned.onnx", "tune --model MODEL.onnx --data DIR --out tuned.onnx --strategy sandwich --teacher largest --steps 5000 --batch 128",
			"tune --model MODEL.onnx --data DIR --dry-run", "tune --model MODEL.onnx --check-gradients 200",
		}, runTune, ""},
		{"search", "find the best SubNets for a latency budget, or the whole Pareto front", []string{
			"search --lut device.lut --accuracy net.acc", "search --lut device.lut --accuracy net.acc --budget 2ms --json",
			"search --lut device.lut --accuracy net.acc --budget 2ms --method genetic --seed 7",
			"search --lut device.lut --accuracy net.acc --objective energy --power 3.5W --max-latency 2ms --max-memory 3MB --max-params 1e6 --json",
			"search --accuracy net.acc --objective flops --max-memory 3MB",
			"search --lut device.lut --accuracy net.acc --budget 2ms --verify 10 --model MODEL.onnx --data DIR",
		}, runSearch, ""},
		{"export", "write a SubNet as a stand-alone ONNX or NCNN model, or its weights", []string{
			"export --model MODEL.onnx --subnet resolution=24 --recalibrate DIR --out small.onnx", "export --model MODEL.onnx --subnet original --out folded.onnx",
			"export --model MODEL.onnx --subnet resolution=24 --recalibrate DIR --format ncnn --fp16 --out small",
			"export --model MODEL.onnx --subnet resolution=24 --recalibrate DIR --format safetensors --out small.safetensors",
			"export --model MODEL.onnx --lut device.lut --accuracy net.acc --front 5 --recalibrate DIR --dir bundle",
		}, runExport, ""},
		{"serve", "answer requests over HTTP with the SubNets of a bundle, and change between them under load", []string{
			"serve --bundle bundle", "serve --bundle bundle --target 20ms --addr :8080",
		}, runServe, ""},
		{"verify", "run a SubNet and compare it with what was predicted", []string{
			"verify --model MODEL.onnx --subnet resolution=24 --lut device.lut", "verify --model MODEL.onnx --engine embedded,onnxruntime --json",
			"verify --model MODEL.onnx --subnet resolution=24 --engine onnx-go",
			"verify --model MODEL.onnx --subnet resolution=24 --accuracy net.acc --data DIR",
		}, runVerify, ""},
		{"prove", "run SubNets and compare them with the model with the missing weights set to zero", []string{
			"prove --model MODEL.onnx", "prove --model tuned.onnx --engine onnxruntime --full --json",
		}, runProve, ""},
		{"check", "measure random SubNets and compare them with predictions", []string{
			"check --lut device.lut", "check --lut ort.lut --plain alone.lut --subnets 200 --out measured.txt --json",
		}, runCheck, ""},
		{"fusion", "tell which operators a device was seen to run as one kernel", []string{"fusion --lut ort.lut", "fusion --lut ort.lut --json"}, runFusion, ""},
		{"cliffs", "find candidates that a wider one is not slower than on a device", []string{"cliffs --lut device.lut"}, runCliffs, ""},
		{"report", "write an HTML page of table, front, fusion and sensitivities, and the front as table and plot", []string{
			"report --lut device.lut --accuracy net.acc --out report", "report --lut device.lut --accuracy net.acc --verified small.json,large.json --out report",
		}, runReport, ""},
		{"status", "tell which files are there, which are stale and why, and what to run next", []string{"status", "status --dir results --json"}, runStatus, ""},
		{"migrate", "convert files that version 1 wrote: latencies, sensitivities, joint accuracies and bundles", []string{
			"migrate device.lut net.acc net.acc.joint bundle", "migrate --dry-run device.lut",
		}, runMigrate, "FILE..."},
		{"version", "print versions", []string{"version", "version --json"}, runVersion, ""},
		{"completion", "print a script that completes commands and flags in a shell", []string{
			"completion bash > /etc/bash_completion.d/PROGRAM", "completion fish > ~/.config/fish/completions/PROGRAM.fish",
		}, runCompletion, strings.Join(manual.Shells(), "|")},
		{"man", "print the manual page", []string{"man | man -l -"}, runMan, ""},
	}
}

// call is one invocation of a command.
type call struct {
	command
	ctx          context.Context
	net          *supernet.Net
	opt          Options
	args         []string
	out, err     io.Writer
	flags        *pflag.FlagSet
	json         *bool
	task         data.Task
	model        nn.Weights                 // the last model that was opened; nil before
	originalFile *string                    // see originalFlag
	sets         map[[2]string]data.Samples // open samples, by folder and split, so that pictures are decoded once
	reading      data.Reading               // how files are read
}

// usageError is a mistake on the command line.
type usageError struct{ error }

// Run runs one command line and returns its exit code: 0 done, 1 failed, 2 wrong usage, 3 no SubNet is within the budget,
// 130 interrupted.
func Run(ctx context.Context, net *supernet.Net, args []string, out, err io.Writer, o Options) int {
	w := stdout.New(out)
	code := runLine(ctx, net, args, w, err, o)
	if code == ok && w.Err() != nil {
		fmt.Fprintf(err, "%s: %v\n", net.Package, w.Err())
		return failed
	}
	if code == usage && w.Err() != nil {
		return failed // what is wrong is the output
	}
	return code
}

func runLine(ctx context.Context, net *supernet.Net, args []string, out, err io.Writer, o Options) int {
	if len(args) == 0 || args[0] == "help" || args[0] == "--help" || args[0] == "-h" {
		if len(args) < 2 || args[0] != "help" {
			program(net, o).Overview(out)
			return ok
		}
		args = []string{args[1], "--help"}
	}
	if args[0] == "--version" {
		args = []string{"version"}
	}
	for _, k := range commands() {
		if k.name == args[0] {
			c := newCall(ctx, k, net, args[1:], out, err, o)
			if e := c.setTask(); e != nil {
				return c.finish(e)
			}
			return c.finish(k.run(c))
		}
	}
	fmt.Fprintf(err, "%s: unknown command %q%s; `%s help` lists the commands\n", net.Package, args[0], spell.Suggest(args[0], names()), net.Package)
	return usage
}

func newCall(ctx context.Context, k command, net *supernet.Net, args []string, out, err io.Writer, o Options) *call {
	c := &call{command: k, ctx: ctx, net: net, opt: o, args: args, out: out, err: err, flags: pflag.NewFlagSet(k.name, pflag.ContinueOnError)}
	c.flags.SortFlags = false
	c.flags.SetOutput(io.Discard)
	c.json = c.flags.Bool("json", false, "print JSON")
	return c
}

// setTask takes the task of the options.
func (c *call) setTask() (err error) {
	if c.task = data.Classification(); c.opt.Task != nil {
		c.task, err = c.opt.Task()
	}
	return err
}

func (c *call) finish(e error) int {
	var u usageError
	var none *search.InfeasibleError
	var limits *search.LimitsError
	var quality *model.QualityError
	switch {
	case e == nil, errors.Is(e, pflag.ErrHelp):
		return ok
	case errors.Is(e, context.Canceled):
		fmt.Fprintf(c.err, "%s %s: interrupted; the same command goes on where this one stopped\n", c.net.Package, c.name)
		return interrupted
	case errors.As(e, &u):
		fmt.Fprintf(c.err, "%s %s: %v\nTry `%s %s --help`.\n", c.net.Package, c.name, e, c.net.Package, c.name)
		return usage
	case errors.As(e, &none), errors.As(e, &limits), errors.As(e, &quality):
		fmt.Fprintf(c.err, "%s %s: %v\n", c.net.Package, c.name, e)
		return infeasible
	}
	fmt.Fprintf(c.err, "%s %s: %v\n", c.net.Package, c.name, e)
	return failed
}

// parse reads the flags; --help prints them with examples. All required flags that are missing are named at once.
func (c *call) parse(required ...string) error {
	c.flags.Usage = func() {}
	err := c.flags.Parse(c.args)
	if errors.Is(err, pflag.ErrHelp) {
		c.help()
		return err
	}
	switch n := c.flags.NArg(); {
	case err != nil:
	case strings.HasSuffix(c.arg, "..."):
		if n == 0 {
			err = fmt.Errorf("want at least one argument, %s", c.arg)
		}
	case c.arg == "" && n > 0:
		err = fmt.Errorf("unexpected argument %q", c.flags.Arg(0))
	case c.arg != "" && n != 1:
		err = fmt.Errorf("want one argument, %s", c.arg)
	}
	if err != nil {
		return usageError{err}
	}
	return c.require(required...)
}

// require names all flags that are missing.
func (c *call) require(names ...string) error {
	var missing []string
	for _, name := range names {
		if c.flags.Lookup(name).Value.String() == "" {
			missing = append(missing, "--"+name)
		}
	}
	if len(missing) > 0 {
		return usageError{fmt.Errorf("missing %s", strings.Join(missing, ", "))}
	}
	return nil
}

func (c *call) help() { c.manual().Help(c.out, c.net.Package) }

// manual describes the command. Its flags are those that its run defines before it parses them.
func (c *call) manual() manual.Command {
	m := manual.Command{Name: c.name, Doc: c.doc, Arg: c.arg, Flags: c.flags}
	for _, e := range c.examples {
		m.Examples = append(m.Examples, c.net.Package+" "+strings.ReplaceAll(e, "PROGRAM", c.net.Package))
	}
	return m
}

// program describes all commands.
func program(net *supernet.Net, o Options) manual.Program {
	p := manual.Program{
		Name: net.Package, Doc: "works with the SuperNet of " + net.Source.File,
		Notes: []string{"A SubNet is written as what differs from the original: resolution=24,stage3.depth=2,stage3.1.expand=3; the original is `original`."},
		Exits: []manual.Exit{{Code: ok, Doc: "done"}, {Code: failed, Doc: "failed"}, {Code: usage, Doc: "wrong usage"}, {Code: infeasible, Doc: "no SubNet is within the budget"}, {Code: interrupted, Doc: "interrupted"}},
	}
	for _, k := range commands() {
		c := newCall(context.Background(), k, net, []string{"--help"}, io.Discard, io.Discard, o)
		_ = k.run(c) // ends with pflag.ErrHelp, when all flags are defined
		p.Commands = append(p.Commands, c.manual())
	}
	return p
}

// names lists the commands.
func names() []string {
	var out []string
	for _, c := range commands() {
		out = append(out, c.name)
	}
	return out
}

// print writes a result as JSON.
func (c *call) print(v any) error {
	e := json.NewEncoder(c.out)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
