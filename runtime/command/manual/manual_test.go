package manual_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/autotailor/autotailor/runtime/command/manual"
)

// program has texts that shells and roff could take for their own.
func program() manual.Program {
	flags := pflag.NewFlagSet("go", pflag.ContinueOnError)
	flags.String("out", "", "`folder` to write; it's $HOME, `a` or [b]: c\\d")
	flags.String("in", "x", "`file` to read")
	flags.Bool("dry", false, "'quoted'")
	return manual.Program{
		Name: "tool", Doc: "does what it's told",
		Commands: []manual.Command{
			{Name: "go", Doc: ".go with $(care) and 'quotes'", Examples: []string{"tool go --dry", ".tool go --in a\\b"}, Flags: flags},
			{Name: "shell", Doc: "one of", Arg: "bash|fish", Examples: []string{"tool shell bash"}, Flags: pflag.NewFlagSet("", 0)},
		},
		Notes: []string{"'Note' -- with a dash"},
		Exits: []manual.Exit{{Code: 0, Doc: "done"}},
	}
}

// script writes a completion script to a file.
func script(t *testing.T, shell string) string {
	t.Helper()
	var b bytes.Buffer
	if err := program().Completion(&b, shell); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func look(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("no %s here", name)
	}
	return path
}

// TestBash runs the script in bash and asks for completions as the shell does.
func TestBash(t *testing.T) {
	bash, file := look(t, "bash"), script(t, "bash")
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "folder"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ line, want string }{
		{"tool ''", "go help shell"},
		{"tool s", "shell"},
		{"tool go --", "--dry --help --in --out"},
		{"tool go --d", "--dry"},
		{"tool go --out ''", "folder"},
		{"tool go --in f", "file folder"},
		{"tool shell b", "bash"},
	} {
		cmd := exec.Command(bash, "--norc", "-c", `source `+file+`; COMP_WORDS=(`+c.line+`); COMP_CWORD=$((${#COMP_WORDS[@]}-1)); _tool; printf '%s\n' "${COMPREPLY[@]}"`)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		got := strings.Fields(string(out))
		slices.Sort(got)
		if err != nil || strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v, %v, want %s", c.line, got, err, c.want)
		}
	}
}

// TestZshAndFish: the scripts are well-formed for their shells.
func TestZshAndFish(t *testing.T) {
	for _, shell := range []string{"zsh", "fish"} {
		t.Run(shell, func(t *testing.T) {
			file := script(t, shell)
			if out, err := exec.Command(look(t, shell), "-n", file).CombinedOutput(); err != nil || len(out) > 0 {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	if err := program().Completion(&bytes.Buffer{}, "tcsh"); err == nil || !strings.Contains(err.Error(), "bash, fish, zsh") {
		t.Errorf("an unknown shell: %v", err)
	}
}

// TestManPage is rendered by groff without warnings, and says everything as it stands in the table.
func TestManPage(t *testing.T) {
	var b bytes.Buffer
	if err := program().Man(&b); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(look(t, "groff"), "-man", "-Tascii", "-ww", "-P-c", "-P-b", "-P-u", "-P-o")
	cmd.Stdin = &b
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil || errs.Len() > 0 {
		t.Fatalf("%v\n%s", err, errs.String())
	}
	text := strings.Join(strings.Fields(string(out)), " ")
	for _, want := range []string{
		"TOOL(1)", "tool - does what it's told", ".go with $(care) and 'quotes'", "--out folder folder to write; it's $HOME, `a` or [b]: c\\d", "--in file file to read (default x)",
		"'Note' -- with a dash", ".tool go --in a\\b", "shell bash|fish", "EXIT STATUS 0 done",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q:\n%s", want, out)
		}
	}
}
