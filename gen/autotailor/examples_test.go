package main

import (
	"regexp"
	"strings"
	"testing"
)

// TestExamplesParse: every command says what it does and has examples, whose flags exist and take the values that they are given.
func TestExamplesParse(t *testing.T) {
	rest := regexp.MustCompile(`\s+(#|\||>).*$`)
	for _, k := range commands() {
		if k.doc == "" || len(k.examples) == 0 {
			t.Errorf("%s: doc %q, %d examples", k.name, k.doc, len(k.examples))
		}
		for _, e := range k.examples {
			args := strings.Fields(rest.ReplaceAllString(e, ""))
			code, out, errs := invoke(append(args[1:], "--help")...)
			if code != ok || args[0] != "autotailor" || args[1] != k.name || !strings.Contains(out, e) {
				t.Errorf("%s: exit code %d, %s", e, code, errs)
			}
		}
	}
	for _, args := range []string{"man", "completion bash", "completion zsh", "completion fish"} {
		if code, out, errs := invoke(strings.Fields(args)...); code != ok || !strings.Contains(out, "inspect") || !strings.Contains(out, "why") {
			t.Errorf("%s: exit code %d, %s\n%s", args, code, errs, out)
		}
	}
}
