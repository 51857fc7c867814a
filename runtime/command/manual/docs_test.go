package manual_test

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/command/cli"
)

const module = "github.com/autotailor/autotailor"

// documents are the Markdown files of the repository with their text, by path.
func documents(t *testing.T) map[string]string {
	t.Helper()
	root, out := filepath.Join("..", "..", ".."), map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "build" || d.Name() == "testdata"):
			return filepath.SkipDir
		case filepath.Ext(path) == ".md":
			out[path] = read(t, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// comment is what follows a command: a remark, a pipe, another command's output.
var comment = regexp.MustCompile(`\s+(#|\||>).*$`)

// words splits a command as a shell does, as far as documents need it.
var words = regexp.MustCompile(`'[^']*'|\S+`)

// shellLines are the commands in a document's code: lines that are indented by four blanks.
func shellLines(text string) [][]string {
	var out [][]string
	for _, line := range strings.Split(text, "\n") {
		code, ok := strings.CutPrefix(line, "    ")
		if !ok || strings.HasPrefix(code, " ") {
			continue
		}
		for _, one := range strings.Split(comment.ReplaceAllString(code, ""), " && ") {
			var list []string
			for _, w := range words.FindAllString(one, -1) {
				if len(list) == 0 && strings.Contains(w, "=") { // a variable of the environment
					continue
				}
				list = append(list, strings.Trim(w, "'"))
			}
			if len(list) > 0 {
				out = append(out, list)
			}
		}
	}
	return out
}

// TestDocumentedCommandsExist: every command in a document is one of ours, with flags that it has and values that they take; every target of
// make is there, and so is every file that a link names.
func TestDocumentedCommandsExist(t *testing.T) {
	needs.Time(t)
	needs.Clone(t)
	tool := filepath.Join(t.TempDir(), "autotailor")
	if out, err := exec.Command("go", "build", "-o", tool, module+"/gen/autotailor").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	makefile := read(t, filepath.Join("..", "..", "..", "Makefile"))
	checked := map[string]int{}
	for path, text := range documents(t) {
		for _, line := range shellLines(text) {
			switch full := strings.Join(line, " "); {
			case line[0] == "make":
				checked["make"]++
				for _, target := range line[1:] {
					if !strings.Contains(makefile, "\n"+target+":") && !strings.Contains(target, "=") {
						t.Errorf("%s: %s: there is no target %s", path, full, target)
					}
				}
			case strings.HasPrefix(full, "go tool autotailor"):
				checked["autotailor"]++
				if out, err := exec.Command(tool, append(line[3:], "--help")...).CombinedOutput(); err != nil {
					t.Errorf("%s: %s: %v\n%s", path, full, err, out)
				}
			case strings.HasPrefix(full, "go run ./cmd/"):
				checked["generated"]++
				var out, errs bytes.Buffer
				if code := cli.Run(t.Context(), mobilenetv2.Definition(), append(line[3:], "--help"), &out, &errs, cli.Options{}); code != 0 {
					t.Errorf("%s: %s: exit code %d\n%s", path, full, code, errs.String())
				}
			}
		}
		prose := regexp.MustCompile("(?s)```.*?```").ReplaceAllString(text, "") // f[T](x) is no link
		for _, link := range regexp.MustCompile(`\]\(([^)#:]+)\)`).FindAllStringSubmatch(prose, -1) {
			checked["link"]++
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), link[1])); err != nil {
				t.Errorf("%s: link: %v", path, err)
			}
		}
		for _, target := range regexp.MustCompile("`make ([a-z0-9-]+)`").FindAllStringSubmatch(text, -1) {
			if !strings.Contains(makefile, "\n"+target[1]+":") {
				t.Errorf("%s: there is no target %s", path, target[1])
			}
		}
	}
	for what, least := range map[string]int{"make": 2, "autotailor": 4, "generated": 15, "link": 15} {
		if checked[what] < least {
			t.Errorf("only %d of %s were found: the test has lost sight of them", checked[what], what)
		}
	}
}

// TestFirstScreenOfTheReadme: who opens it sees the two commands that show what this is.
func TestFirstScreenOfTheReadme(t *testing.T) {
	first := strings.Join(strings.SplitAfter(read(t, filepath.Join("..", "..", "..", "README.md")), "\n")[:15], "")
	for _, want := range []string{"    make demo", "    make test"} {
		if !strings.Contains(first, want) {
			t.Errorf("the first screen lacks %q", want)
		}
	}
}
