package manual

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"
)

// Man writes a manual page, section 1, in the man macros of roff.
func (p Program) Man(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, ".TH %s 1\n.SH NAME\n%s \\- %s\n.SH SYNOPSIS\n.B %s\n.I COMMAND\n[flags]\n.SH DESCRIPTION\n", strings.ToUpper(roff(p.Name)), roff(p.Name), roff(p.Doc), roff(p.Name))
	for _, n := range p.Notes {
		fmt.Fprintf(b, ".PP\n%s\n", roff(n))
	}
	fmt.Fprint(b, ".SH COMMANDS\n")
	for _, c := range p.Commands {
		fmt.Fprintf(b, ".SS %s\n%s\n", roff(strings.TrimSpace(c.Name+" "+c.Arg)), roff(c.Doc))
		c.flags(func(f *pflag.Flag) {
			name, usage := pflag.UnquoteUsage(f)
			fmt.Fprintf(b, ".TP\n\\fB%s\\fR", roff("--"+f.Name))
			if name != "" {
				fmt.Fprintf(b, " \\fI%s\\fR", roff(name))
			}
			fmt.Fprintf(b, "\n%s\n", roff(usage+standard(f)))
		})
		fmt.Fprint(b, ".PP\nExamples:\n.PP\n.nf\n")
		for _, e := range c.Examples {
			fmt.Fprintf(b, "  %s\n", roff(e))
		}
		fmt.Fprint(b, ".fi\n")
	}
	fmt.Fprint(b, ".SH EXIT STATUS\n")
	for _, e := range p.Exits {
		fmt.Fprintf(b, ".TP\n.B %d\n%s\n", e.Code, roff(e.Doc))
	}
	return b.Flush()
}

// standard is a flag's default, as help shows it.
func standard(f *pflag.Flag) string {
	switch f.DefValue {
	case "", "false", "0", "0s", "[]":
		return ""
	}
	return fmt.Sprintf(" (default %s)", f.DefValue)
}

// roff escapes text: nothing in it is a request or an escape sequence.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, "\n.", "\n\\&.", "\n'", "\n\\&'").Replace(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	return text
}
