package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// TestExamplesParse: every command says what it does and has examples, whose flags exist and take the values that they are given.
func TestExamplesParse(t *testing.T) {
	net := &supernet.Net{Package: "net", Choices: []space.Choice{{Name: "width", Values: []string{"4", "2"}}}}
	for _, k := range commands() {
		if k.doc == "" || len(k.examples) == 0 {
			t.Errorf("%s: doc %q, %d examples", k.name, k.doc, len(k.examples))
		}
		for _, e := range k.examples {
			line, _, _ := strings.Cut(e, " > ")
			line, _, _ = strings.Cut(line, " | ")
			args := strings.Fields(line)
			var out, errs bytes.Buffer
			if code := Run(t.Context(), net, append(args, "--help"), &out, &errs, Options{}); code != ok || args[0] != k.name {
				t.Errorf("%s: exit code %d, %s", e, code, errs.String())
			}
			if !strings.Contains(out.String(), "Examples:\n  net "+k.name) {
				t.Errorf("%s --help:\n%s", k.name, out.String())
			}
		}
	}
}

// TestManualAndCompletionKnowEveryFlag: both have all commands and the flags of each.
func TestManualAndCompletionKnowEveryFlag(t *testing.T) {
	net := &supernet.Net{Package: "net"}
	for _, args := range [][]string{{"man"}, {"completion", "bash"}, {"completion", "zsh"}, {"completion", "fish"}} {
		var out, errs bytes.Buffer
		if code := Run(t.Context(), net, args, &out, &errs, Options{}); code != ok {
			t.Fatalf("%v: exit code %d, %s", args, code, errs.String())
		}
		text := strings.ReplaceAll(out.String(), `\-`, "-")
		for _, want := range []string{"recalibrate", "sensitivity", "max-latency", "dry-run"} {
			if !strings.Contains(text, want) {
				t.Errorf("%v lacks %s", args, want)
			}
		}
	}
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"completion", usage, "bash|fish|zsh"}, {"completion tcsh", usage, "bash, fish, zsh"}, {"help search", ok, ""}, {"--version", ok, ""}, {"man x", usage, "unexpected argument"},
		{"serach", usage, "did you mean search"},
	} {
		var out, errs bytes.Buffer
		if code := Run(t.Context(), net, strings.Fields(c.args), &out, &errs, Options{}); code != c.code || !strings.Contains(errs.String(), c.want) {
			t.Errorf("%s: exit code %d, %s", c.args, code, errs.String())
		}
	}
}
