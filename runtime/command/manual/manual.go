// Package manual writes help, man pages and shell completion of a command line, all from one table.
package manual

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"
)

// Program is a command line with subcommands.
type Program struct {
	Name     string
	Doc      string // one line, without a full stop
	Commands []Command
	Notes    []string // paragraphs on what all commands share
	Exits    []Exit
}

// Exit is an exit code.
type Exit struct {
	Code int
	Doc  string
}

// Command is a subcommand.
type Command struct {
	Name, Doc string
	Arg       string   // what its one argument is called, "" when it takes none
	Examples  []string // whole command lines
	Flags     *pflag.FlagSet
}

// Help prints a command's examples and flags.
func (c Command) Help(w io.Writer, program string) {
	fmt.Fprintf(w, "%s: %s\n\nExamples:\n  %s\n", strings.TrimSpace(program+" "+c.Name+" "+c.Arg), c.Doc, strings.Join(c.Examples, "\n  "))
	if c.Flags.HasFlags() {
		fmt.Fprintf(w, "\nFlags:\n%s", c.Flags.FlagUsages())
	}
}

// Overview prints what there is.
func (p Program) Overview(w io.Writer) {
	fmt.Fprintf(w, "%s: %s.\n\nCommands:\n", p.Name, p.Doc)
	wide := 0
	for _, c := range p.Commands {
		wide = max(wide, len(c.Name))
	}
	for _, c := range p.Commands {
		fmt.Fprintf(w, "  %-*s  %s\n", wide, c.Name, c.Doc)
	}
	fmt.Fprintf(w, "\n`%s COMMAND --help` shows examples and flags.\n", p.Name)
	for _, n := range p.Notes {
		fmt.Fprintln(w, n)
	}
	var codes []string
	for _, e := range p.Exits {
		codes = append(codes, fmt.Sprintf("%d %s", e.Code, e.Doc))
	}
	fmt.Fprintf(w, "Exit codes: %s.\n", strings.Join(codes, ", "))
}

// flags calls visit for each flag of a command.
func (c Command) flags(visit func(f *pflag.Flag)) {
	if c.Flags != nil {
		c.Flags.VisitAll(visit)
	}
}

// value is what a flag's value is called in its help, "" for switches.
func value(f *pflag.Flag) string {
	name, _ := pflag.UnquoteUsage(f)
	return name
}
