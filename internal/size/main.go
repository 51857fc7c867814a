// Command size prints how many hand-written lines each top-level folder has, without tests, with tests, and generated.
package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"text/tabwriter"
)

type lines struct{ code, tests, generated int }

func main() {
	log.SetFlags(0)
	count := map[string]*lines{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "build") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		return add(count, path)
	})
	if err != nil {
		log.Fatal(err)
	}
	print(count)
}

func add(count map[string]*lines, path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	folder, _, _ := strings.Cut(filepath.ToSlash(path), "/")
	if count[folder] == nil {
		count[folder] = &lines{}
	}
	n := bytes.Count(text, []byte("\n"))
	switch {
	case bytes.HasPrefix(text, []byte("// Code generated ")):
		count[folder].generated += n
	case strings.HasSuffix(path, "_test.go"):
		count[folder].tests += n
	default:
		count[folder].code += n
	}
	return nil
}

func print(count map[string]*lines) {
	folders := make([]string, 0, len(count))
	for f := range count {
		folders = append(folders, f)
	}
	sort.Strings(folders)
	w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "folder\tcode\ttests\tgenerated\t")
	var sum lines
	for _, f := range folders {
		l := count[f]
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t\n", f, l.code, l.tests, l.generated)
		sum = lines{sum.code + l.code, sum.tests + l.tests, sum.generated + l.generated}
	}
	fmt.Fprintf(w, "total\t%d\t%d\t%d\t\n", sum.code, sum.tests, sum.generated)
	if err := w.Flush(); err != nil {
		log.Fatal(err)
	}
}
