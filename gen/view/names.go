package view

import (
	"fmt"
	"go/doc"
	"go/token"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/mod/module"
)

// Reserved are the package-level names that every generated package declares itself.
var Reserved = []string{
	"SubNet", "ParseSubNet", "NumGenes", "OpID", "NumOps", "LUT", "ReadLUT", "Accuracy", "ReadAccuracy", "Point", "Front", "Best",
	"Genetic", "Definition", "Build", "Search", "Limits", "Smallest", "Random", "ExportOptions",
	"net", "context", "io", "model", "rand", "search", "space", // of all files: a package that one file imports cannot be a function of another file
}

// scope hands out each identifier once.
type scope map[string]bool

func newScope() scope {
	s := scope{}
	for _, r := range Reserved {
		s[r] = true
	}
	return s
}

// first claims the first free name; when all are taken, the last one with a number.
func (s scope) first(names ...string) string {
	for _, n := range names {
		if !s[n] && !token.IsKeyword(n) {
			s[n] = true
			return n
		}
	}
	last := names[len(names)-1]
	for k := 2; ; k++ {
		if n := fmt.Sprintf("%s%d", last, k); !s[n] {
			s[n] = true
			return n
		}
	}
}

// ident turns the text of a number into a part of an identifier.
func ident(text string) string {
	return strings.NewReplacer(".", "_", "-", "Minus", "+", "", ",", "_").Replace(text)
}

// Exported turns any text into an exported Go identifier. Letters and digits stay. Every other run of characters starts a new word. A text without letters gives "Block".
func Exported(text string) string {
	var b strings.Builder
	up := true
	for _, r := range text {
		switch {
		case r >= utf8Max || !unicode.IsLetter(r) && !unicode.IsDigit(r):
			up = true
		case b.Len() == 0 && unicode.IsDigit(r):
			b.WriteString("Block")
			b.WriteRune(r)
		case up:
			b.WriteRune(unicode.ToUpper(r))
			up = false
		default:
			b.WriteRune(r)
		}
	}
	if b.Len() == 0 {
		return "Block"
	}
	return b.String()
}

// utf8Max bounds identifiers to ASCII: names that look alike are no help to readers.
const utf8Max = 0x80

// unexported lowers the first word: FFN becomes ffn, SEResidual seResidual.
func unexported(name string) string {
	n := Unexported(name)
	if token.IsKeyword(n) || predeclared[n] {
		return n + "At"
	}
	return n
}

// Unexported is an identifier with its first word in lower case, for use in front of others.
func Unexported(name string) string {
	upper := 0
	for upper < len(name) && unicode.IsUpper(rune(name[upper])) {
		upper++
	}
	if upper > 1 && upper < len(name) && unicode.IsLower(rune(name[upper])) {
		upper--
	}
	return strings.ToLower(name[:upper]) + name[upper:]
}

// predeclared are names that must keep their meaning in emitted functions.
var predeclared = map[string]bool{"len": true, "int": true, "string": true, "append": true, "uint8": true, "float64": true, "error": true, "genes": true, "nn": true}

// Comment turns any text into one line: control characters and line ends become spaces, so that a name from a model cannot end the comment that it is written in.
func Comment(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == '\ufeff' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	return strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "*/", "* /")
}

// PackageName turns the name of a model's file into the name of a Go package: its ASCII letters and digits up to the first dot, in lower case.
func PackageName(file string) string {
	base, _, _ := strings.Cut(file, ".")
	name := strings.Map(func(r rune) rune {
		if r < utf8Max && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			return unicode.ToLower(r)
		}
		return -1
	}, base)
	if name == "" || unicode.IsDigit(rune(name[0])) || CheckPackageName(name) != nil {
		return "net" + name
	}
	return name
}

// CheckPackageName says why a generated package cannot be called name; nil when it can.
func CheckPackageName(name string) error {
	why := ""
	switch {
	case !token.IsIdentifier(name) || name != strings.ToLower(name) || strings.HasPrefix(name, "_") || module.CheckImportPath("cmd/"+name) != nil:
		why = "want lower case letters of English and digits, and no keyword"
	case len(name) > maxPackageName:
		why = fmt.Sprintf("want at most %d letters", maxPackageName)
	case slices.Contains(special, name) || strings.HasSuffix(name, "_test"):
		why = "for the go command this name means something else"
	case predeclared[name] || doc.IsPredeclared(name):
		why = "Go, or generated code, has a meaning for it"
	default:
		return nil
	}
	return fmt.Errorf("%q cannot be the name of a Go package: %s", name, why)
}

// maxPackageName keeps the paths of a package's files legal on all systems.
const maxPackageName = 100

// special are names of packages and folders that the go command treats in its own way: it ignores files of package documentation.
var special = []string{"main", "init", "documentation", "vendor", "testdata"}
