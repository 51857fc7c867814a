// Command autotailor turns a trained ONNX model into a SuperNet package. It is meant for go:generate:
//
//	go get -tool github.com/autotailor/autotailor/gen/autotailor
//	go tool autotailor init --model model.onnx
//	go generate ./...
//
// To see why an axis cannot change, look at the end of `autotailor inspect` for frozen axes, ask `autotailor inspect --why NAME` about
// a weight, value or node, and print the graph with `autotailor gen --dump=after:PASS`; Example_frozenAxis does it step by step.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/pflag"

	"github.com/autotailor/autotailor/internal/release"
	"github.com/autotailor/autotailor/internal/spell"
	"github.com/autotailor/autotailor/internal/stdout"
	"github.com/autotailor/autotailor/runtime/command/manual"
	"github.com/autotailor/autotailor/runtime/version"
)

// Exit codes.
const (
	ok     = 0
	failed = 1
	usage  = 2
)

func main() {
	debug.SetGCPercent(garbage)
	debug.SetMemoryLimit(memory)
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// A compiler lives for seconds, so that collecting garbage often saves nothing. From memory on it is collected as often as need be, so that large
// models do not take several times what they need. The environment's GOGC and GOMEMLIMIT have no say here.
const (
	garbage = 200     // percent of what is in use
	memory  = 3 << 30 // bytes
)

// command is one subcommand.
type command struct {
	name, doc string
	examples  []string
	run       func(c *call) error
	arg       string // what its one argument is called, "" when it takes none
}

func commands() []command {
	return []command{
		{"gen", "write the SuperNet package that a config describes", []string{
			"autotailor gen                                  # autotailor.toml of this folder",
			"autotailor gen --config nets/v2.toml --out nets/v2",
			"autotailor gen --pytorch pytorch                # also a PyTorch package, to tune on GPUs",
			"autotailor gen --check                          # exit code 1 when the package is stale",
			"autotailor gen --diff                           # show what would change, write nothing",
			"autotailor gen --dump=after:flatten-heads       # print the graph after a pass",
		}, runGen, ""},
		{"init", "propose a config for a model", []string{
			"autotailor init --model model.onnx              # writes autotailor.toml and generate.go",
			"autotailor init --model model.onnx --data DIR   # with how images of DIR become input",
			"autotailor init --model model.onnx --out -      # print the config only",
			"autotailor init --model model.onnx --out nets/mynet/autotailor.toml",
			"autotailor init --model open.onnx --input x=1x3x224x224",
		}, runInit, ""},
		{"inspect", "show stages, blocks, choices, coverage and operators of a SuperNet", []string{
			"autotailor inspect",
			"autotailor inspect --config timm_resnet50.toml --model resnet50.onnx --json",
			"autotailor inspect --why fc.weight              # which choice moves each axis, or which node fixes it",
			"autotailor inspect --why-not Bottleneck --at conv3   # which node keeps the region of conv3 from being such a block",
		}, runInspect, ""},
		{"renormalise", "put the BatchNorms back that an exporter folded, so that SubNets can be recalibrated and tuned", []string{
			"autotailor renormalise --data DIR --out model.bn.onnx",
			"autotailor renormalise --model folded.onnx --data DIR --images 500 --out model.bn.onnx",
		}, runRenormalise, ""},
		{"version", "print the version", []string{"autotailor version", "autotailor version --json"}, runVersion, ""},
		{"completion", "print a script that completes commands and flags in a shell", []string{
			"autotailor completion bash > /etc/bash_completion.d/autotailor",
			"autotailor completion zsh > ~/.zfunc/_autotailor",
			"autotailor completion fish > ~/.config/fish/completions/autotailor.fish",
		}, runCompletion, strings.Join(manual.Shells(), "|")},
		{"man", "print the manual page", []string{"autotailor man | man -l -"}, runMan, ""},
	}
}

// call is one invocation of a command.
type call struct {
	command
	args     []string
	out, err io.Writer
	flags    *pflag.FlagSet
}

// usageError is a mistake on the command line.
type usageError struct{ error }

// errStale ends gen --check when files are out of date; what is stale has been printed.
var errStale = errors.New("stale")

func run(args []string, out, err io.Writer) int {
	w := stdout.New(out)
	code := runCommand(args, w, err)
	if code == ok && w.Err() != nil {
		fmt.Fprintf(err, "autotailor: %v\n", w.Err())
		return failed
	}
	if code == usage && w.Err() != nil {
		return failed // what is wrong is the output
	}
	return code
}

func runCommand(args []string, out, err io.Writer) int {
	if len(args) == 0 || args[0] == "help" || args[0] == "--help" || args[0] == "-h" {
		if len(args) < 2 || args[0] != "help" {
			program().Overview(out)
			return ok
		}
		args = []string{args[1], "--help"}
	}
	if args[0] == "--version" {
		args = []string{"version"}
	}
	for _, k := range commands() {
		if k.name == args[0] {
			return finish(k, k.run(newCall(k, args[1:], out, err)), out, err)
		}
	}
	fmt.Fprintf(err, "autotailor: unknown command %q%s; `autotailor help` lists the commands\n", args[0], spell.Suggest(args[0], names()))
	return usage
}

func newCall(k command, args []string, out, err io.Writer) *call {
	flags := pflag.NewFlagSet(k.name, pflag.ContinueOnError)
	flags.SortFlags = false
	flags.SetOutput(io.Discard)
	return &call{k, args, out, err, flags}
}

func finish(c command, e error, out, err io.Writer) int {
	var u usageError
	switch {
	case e == nil, errors.Is(e, pflag.ErrHelp):
		return ok
	case errors.Is(e, errStale):
		return failed
	case errors.As(e, &u):
		fmt.Fprintf(err, "autotailor %s: %v\nTry `autotailor %s --help`.\n", c.name, e, c.name)
		return usage
	}
	fmt.Fprintf(err, "autotailor %s: %v\n", c.name, e)
	return failed
}

// parse reads the flags; --help prints them.
func (c *call) parse() error {
	c.flags.Usage = func() {}
	err := c.flags.Parse(c.args)
	if errors.Is(err, pflag.ErrHelp) {
		c.manual().Help(c.out, "autotailor")
		return err
	}
	switch n := c.flags.NArg(); {
	case err != nil:
	case c.arg == "" && n > 0:
		err = fmt.Errorf("unexpected argument %q", c.flags.Arg(0))
	case c.arg != "" && n != 1:
		err = fmt.Errorf("want one argument, %s", c.arg)
	}
	if err != nil {
		return usageError{err}
	}
	return nil
}

// manual describes the command. Its flags are those that its run defines before it parses them.
func (c *call) manual() manual.Command {
	return manual.Command{Name: c.name, Doc: c.doc, Arg: c.arg, Examples: c.examples, Flags: c.flags}
}

// program describes all commands.
func program() manual.Program {
	p := manual.Program{
		Name: "autotailor", Doc: "makes a SuperNet package, static typed Go source, of a trained ONNX model",
		Exits: []manual.Exit{{Code: ok, Doc: "done"}, {Code: failed, Doc: "failed or stale"}, {Code: usage, Doc: "wrong usage"}},
	}
	for _, k := range commands() {
		c := newCall(k, []string{"--help"}, io.Discard, io.Discard)
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

func runVersion(c *call) error {
	asJSON := c.flags.Bool("json", false, "print JSON")
	if err := c.parse(); err != nil {
		return err
	}
	if *asJSON {
		return c.json(map[string]any{"autotailor": release.Version, "generated": version.Generated, "go": runtime.Version()})
	}
	_, err := fmt.Fprintf(c.out, "autotailor %s, generated code form %d, %s\n", release.Version, version.Generated, runtime.Version())
	return err
}

func runCompletion(c *call) error {
	if err := c.parse(); err != nil {
		return err
	}
	if err := program().Completion(c.out, c.flags.Arg(0)); err != nil {
		return usageError{err}
	}
	return nil
}

func runMan(c *call) error {
	if err := c.parse(); err != nil {
		return err
	}
	return program().Man(c.out)
}
