// Command autotailor-agent measures networks on the machine that it runs on, for autotailor elsewhere.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"

	"github.com/spf13/pflag"

	"github.com/autotailor/autotailor/internal/release"
	"github.com/autotailor/autotailor/internal/stdout"
	"github.com/autotailor/autotailor/runtime/deploy/ncnn"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/engine/ort"
	"github.com/autotailor/autotailor/runtime/measure/device"
)

// command is one subcommand.
type command struct {
	name, doc string
	examples  []string
	run       func(ctx context.Context, f *pflag.FlagSet, args []string) error
}

func commands() []command {
	return []command{
		{"serve", "serve measuring jobs", []string{
			"serve", "serve --listen :8437 --self-signed --tls-cert agent.crt --tls-key agent.key --token-file token",
			"serve --driver 'sh benchncnn.sh ./benchncnn'", "serve --engine onnxruntime:tensorrt,trt_fp16_enable=1",
			"serve --meter /sys/class/powercap",
		}, serve},
		{"check", "compare the kernels of this machine with plain loops in float64", []string{"check"}, check},
		{"drive", "measure networks that are named on standard input, as serve lets a process of its own do", []string{"drive --threads 1"}, drive},
		{"version", "print versions", []string{"version"}, func(_ context.Context, f *pflag.FlagSet, args []string) error {
			if err := f.Parse(args); err != nil {
				return err
			}
			_, err := fmt.Printf("autotailor-agent %s, %s, %s/%s\n", release.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		}},
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run runs one command line: 0 done, 1 failed, 2 wrong usage.
func run(ctx context.Context, args []string, out, errs io.Writer) int {
	if len(args) == 0 || args[0] == "help" || args[0] == "--help" || args[0] == "-h" {
		w := stdout.New(out)
		if overview(w); w.Err() != nil {
			fmt.Fprintf(errs, "autotailor-agent: %v\n", w.Err())
			return 1
		}
		return 0
	}
	for _, c := range commands() {
		if c.name != args[0] {
			continue
		}
		f := pflag.NewFlagSet(c.name, pflag.ContinueOnError)
		f.SortFlags = false
		f.SetOutput(io.Discard)
		f.Usage = func() {}
		err := c.run(ctx, f, args[1:])
		var wrong usageError
		switch {
		case errors.Is(err, pflag.ErrHelp):
			fmt.Fprintf(out, "autotailor-agent %s: %s\n\nExamples:\n", c.name, c.doc)
			for _, e := range c.examples {
				fmt.Fprintf(out, "  autotailor-agent %s\n", e)
			}
			fmt.Fprintf(out, "\nFlags:\n%s", f.FlagUsages())
		case errors.As(err, &wrong):
			fmt.Fprintf(errs, "autotailor-agent %s: %v\nTry `autotailor-agent %s --help`.\n", c.name, err, c.name)
			return 2
		case err != nil:
			fmt.Fprintf(errs, "autotailor-agent %s: %v\n", c.name, err)
			return 1
		}
		return 0
	}
	fmt.Fprintf(errs, "autotailor-agent: unknown command %q; `autotailor-agent help` lists the commands\n", args[0])
	return 2
}

func overview(out io.Writer) {
	fmt.Fprint(out, "autotailor-agent measures networks on this machine for autotailor elsewhere.\n\nCommands:\n")
	for _, c := range commands() {
		fmt.Fprintf(out, "  %-9s%s\n", c.name, c.doc)
	}
	fmt.Fprint(out, "\n`autotailor-agent COMMAND --help` shows examples and flags.\n")
}

// usageError is a mistake on the command line.
type usageError struct{ error }

// parse reads flags; nothing else may follow.
func parse(f *pflag.FlagSet, args []string) error {
	err := f.Parse(args)
	if err == nil && f.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	if err != nil && !errors.Is(err, pflag.ErrHelp) {
		return usageError{err}
	}
	return err
}

// check compares the kernels of this machine with plain loops.
func check(_ context.Context, f *pflag.FlagSet, args []string) error {
	if err := parse(f, args); err != nil {
		return err
	}
	out := stdout.New(os.Stdout)
	return errors.Join(ncnn.Check(out), out.Err())
}

// embeddedName is the engine that runs networks unless the user names another one.
const embeddedName = "embedded"

// drive is the process in which networks run.
func drive(_ context.Context, f *pflag.FlagSet, args []string) error {
	threads := f.Int("threads", 1, "threads that a network may use, 0 for all processors")
	memory := f.Int64("memory", 0, "`bytes` that the process may have, 0 for any number; for the embedded engine")
	name := f.String("engine", embeddedName, "`engine` that runs networks")
	where := f.String("meter", "", "`file` or folder with the power or energy of this machine")
	if err := parse(f, args); err != nil {
		return err
	}
	var meter *device.Meter
	if *where != "" {
		var err error
		if meter, err = device.OpenMeter(*where); err != nil {
			return usageError{fmt.Errorf("--meter: %w", err)}
		}
	}
	e, err := embedded.Open(*threads)
	switch own, with, more := strings.Cut(*name, ":"); {
	case *name == embeddedName:
		if err := errors.Join(limitMemory(*memory), confine()); err != nil {
			return err
		}
	case *name == "onnxruntime":
		e, err = ort.Open(*threads)
	case own == "onnxruntime" && more:
		e, err = ort.OpenWith(with, *threads)
	default:
		err = usageError{fmt.Errorf("--engine %s: there is no such engine; engines are embedded, onnxruntime and onnxruntime:PROVIDER[,option=value]", *name)}
	}
	if err != nil {
		return err
	}
	return device.Drive(os.Stdin, os.Stdout, e, meter)
}
