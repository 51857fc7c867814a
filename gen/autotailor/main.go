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
	"strings"

	"github.com/spf13/pflag"

	"github.com/autotailor/autotailor/internal/spell"
	"github.com/autotailor/autotailor/runtime/version"
)

// Exit codes.
const (
	ok     = 0
	failed = 1
	usage  = 2
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// command is one subcommand.
type command struct {
	name, doc string
	examples  []string
	run       func(c *call) error
}

func commands() []command {
	return []command{
		{"gen", "write the SuperNet package that a config describes", []string{
			"autotailor gen                                  # autotailor.toml of this folder",
			"autotailor gen --config nets/v2.toml --out nets/v2",
			"autotailor gen --check                          # exit code 1 when the package is stale",
			"autotailor gen --diff                           # show what would change, write nothing",
			"autotailor gen --dump=after:flatten-heads       # print the graph after a pass",
		}, runGen},
		{"init", "propose a config for a model", []string{
			"autotailor init --model model.onnx              # writes autotailor.toml and generate.go",
			"autotailor init --model model.onnx --out -      # print the config only",
			"autotailor init --model open.onnx --input x=1x3x224x224",
		}, runInit},
		{"inspect", "show stages, blocks, choices, coverage and operators of a SuperNet", []string{
			"autotailor inspect",
			"autotailor inspect --config timm_resnet50.toml --model resnet50.onnx --json",
			"autotailor inspect --why fc.weight              # which choice moves each axis, or which node fixes it",
		}, runInspect},
		{"version", "print the version", []string{"autotailor version"}, runVersion},
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
	if len(args) == 0 || args[0] == "help" || args[0] == "--help" || args[0] == "-h" {
		overview(out)
		return ok
	}
	for _, c := range commands() {
		if c.name == args[0] {
			flags := pflag.NewFlagSet(c.name, pflag.ContinueOnError)
			flags.SortFlags = false
			flags.SetOutput(io.Discard)
			return finish(c, c.run(&call{c, args[1:], out, err, flags}), out, err)
		}
	}
	fmt.Fprintf(err, "autotailor: unknown command %q%s; `autotailor help` lists the commands\n", args[0], spell.Suggest(args[0], names()))
	return usage
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
		fmt.Fprintf(c.out, "autotailor %s: %s\n\nExamples:\n  %s\n", c.name, c.doc, strings.Join(c.examples, "\n  "))
		if c.flags.HasFlags() {
			fmt.Fprintf(c.out, "\nFlags:\n%s", c.flags.FlagUsages())
		}
		return err
	}
	if err == nil && c.flags.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q", c.flags.Arg(0))
	}
	if err != nil {
		return usageError{err}
	}
	return nil
}

func overview(out io.Writer) {
	fmt.Fprint(out, "autotailor makes a SuperNet package, static typed Go source, of a trained ONNX model.\n\nCommands:\n")
	for _, c := range commands() {
		fmt.Fprintf(out, "  %-10s%s\n", c.name, c.doc)
	}
	fmt.Fprint(out, "\n`autotailor COMMAND --help` shows examples and flags. Exit codes: 0 done, 1 failed or stale, 2 wrong usage.\n")
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
	if err := c.parse(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(c.out, "autotailor %s, generated code form %d\n", version.Release, version.Generated)
	return err
}
