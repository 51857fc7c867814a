package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/autotailor/autotailor/internal/infile"
	"github.com/autotailor/autotailor/internal/outfile"
	"github.com/autotailor/autotailor/runtime/accuracy"
	"github.com/autotailor/autotailor/runtime/deploy/bundle"
	"github.com/autotailor/autotailor/runtime/lut"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// migrated says what happens to a file.
type migrated struct {
	File    string `json:"file"`
	Kind    string `json:"kind"`
	State   string `json:"state"`             // "converted", "to be converted" or "of this version already"
	Missing int    `json:"missing,omitempty"` // operators of this package that the latencies lack
}

// convert converts a file of version 1 to today's form.
type convert func(old []byte, net *supernet.Net) (today []byte, missing int, err error)

// converters are the files that migrate knows, by the name of their format, with the number of version 1.
var converters = []struct {
	name, kind string
	version1   int
	convert    convert
}{
	{"autotailor latencies", "latencies", 5, convertLatencies},
	{"autotailor sensitivities", "sensitivities", 1, convertSensitivities},
	{"autotailor joint accuracies", "joint accuracies", 1, convertJoint},
	{"autotailor bundle", "bundle", 1, convertBundle},
}

func convertLatencies(old []byte, net *supernet.Net) ([]byte, int, error) {
	t, missing, err := lut.FromVersion1(bytes.NewReader(old), net)
	if err != nil {
		return nil, 0, err
	}
	var b bytes.Buffer
	err = t.Write(&b)
	return b.Bytes(), len(missing), err
}

func convertSensitivities(old []byte, net *supernet.Net) ([]byte, int, error) {
	t, err := accuracy.FromVersion1(bytes.NewReader(old), net)
	if err != nil {
		return nil, 0, err
	}
	var b bytes.Buffer
	err = t.Write(&b, net)
	return b.Bytes(), 0, err
}

func convertJoint(old []byte, net *supernet.Net) ([]byte, int, error) {
	b, err := accuracy.JointFromVersion1(bytes.NewReader(old), net)
	return b, 0, err
}

func convertBundle(old []byte, net *supernet.Net) ([]byte, int, error) {
	b, err := bundle.FromVersion1(bytes.NewReader(old), net)
	return b, 0, err
}

// runMigrate converts files of version 1. No file is written before all are converted.
func runMigrate(c *call) error {
	dry := c.flags.Bool("dry-run", false, "write nothing; say what would be done")
	if err := c.parse(); err != nil {
		return err
	}
	var list []migrated
	var contents []outfile.Content
	var errs []error
	for _, path := range c.flags.Args() {
		m, content, err := c.migrate(path, *dry)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", path, err))
			continue
		}
		list = append(list, m)
		if content.Data != nil {
			contents = append(contents, content)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("nothing was written: %w", err)
	}
	if !*dry {
		if err := outfile.WriteAll(contents...); err != nil {
			return fmt.Errorf("nothing was written: %w", err)
		}
	}
	return c.printMigrated(list)
}

// migrate converts one file. The content is nil if there is nothing to convert. A folder is a bundle.
func (c *call) migrate(path string, dry bool) (migrated, outfile.Content, error) {
	var none outfile.Content
	m := migrated{File: path, State: "converted"}
	if i, err := os.Stat(path); err == nil && i.IsDir() {
		path = filepath.Join(path, bundle.ManifestName)
	}
	text, err := infile.Read(path, infile.Table)
	if err != nil {
		return m, none, err
	}
	name := formatOf(text)
	for _, f := range converters {
		number, ok := strings.CutPrefix(name, f.name+" ")
		if !ok {
			continue
		}
		if p := packageOf(text); p != c.net.Package {
			return m, none, fmt.Errorf("it is of package %.40q, this is %q: give it to the command of that package", p, c.net.Package)
		}
		m.Kind = f.kind
		switch number {
		case fmt.Sprint(f.version1 + 1):
			m.State = "of this version already"
			return m, none, nil
		case fmt.Sprint(f.version1):
		default:
			return m, none, fmt.Errorf("%q is neither of version 1, %q, nor of this one; measure or export it again", name, fmt.Sprintf("%s %d", f.name, f.version1))
		}
		if dry {
			m.State = "to be converted"
		}
		var data []byte
		if data, m.Missing, err = f.convert(text, c.net); err != nil {
			return m, none, err
		}
		return m, outfile.Content{Path: path, Data: data}, nil
	}
	return m, none, errors.New("it is not a file of latencies, sensitivities or joint accuracies, nor a manifest of a bundle")
}

// formatOf finds the name of a file's format, and packageOf that of its package: in its first lines, or in the JSON of a manifest.
func formatOf(text []byte) string  { return stated(text, "format") }
func packageOf(text []byte) string { return stated(text, "package") }

func stated(text []byte, key string) string {
	head := string(text[:min(len(text), 4096)])
	for _, line := range strings.Split(head, "\n") {
		if name, ok := strings.CutPrefix(line, key+":"); ok {
			return strings.TrimSpace(name)
		}
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), `"`+key+`": "`); ok {
			return strings.TrimRight(name, `",`)
		}
	}
	return ""
}

func (c *call) printMigrated(list []migrated) error {
	if *c.json {
		return c.print(list)
	}
	for _, m := range list {
		text := fmt.Sprintf("%s: %s, %s", m.File, m.Kind, m.State)
		if m.Missing > 0 {
			text += fmt.Sprintf("; it lacks %d operators of this package, which `%s profile --from %s` measures", m.Missing, c.net.Package, m.File)
		}
		if _, err := fmt.Fprintln(c.out, text); err != nil {
			return err
		}
	}
	return nil
}
