package pytorch

import (
	"fmt"
	"strings"

	"github.com/autotailor/autotailor/gen/view"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/space"
	runtime "github.com/autotailor/autotailor/runtime/supernet"
)

// spaceFile is space.py: what can be chosen, and what the package belongs to.
func spaceFile(p *view.Package) (string, error) {
	if len(p.Inputs) != 1 || len(p.Outputs) != 1 || p.Inputs[0].Type != nn.Float32 || len(p.Inputs[0].Shape) != 4 {
		return "", fmt.Errorf("it is made for networks with one input, batch x channels x side x side in float32, and one output; this one has %d and %d", len(p.Inputs), len(p.Outputs))
	}
	in := p.Inputs[0].Shape
	batch := "None"
	if _, open := in[0].Batches(); !open {
		batch = fmt.Sprint(in[0].Original())
	}
	var choices []space.Choice
	var w writer
	w.line(0, `"""What can be chosen in %s, and what this package belongs to."""`, docText(p.Title))
	w.line(0, "")
	w.line(0, "from .data import Transform")
	w.line(0, "from .subnet import Choice, Space")
	w.line(0, "")
	w.line(0, "SPACE = Space([")
	for _, c := range p.Choices {
		choices = append(choices, c.Choice)
		live := ""
		if c.Live.Below > 0 {
			live = fmt.Sprintf(", live=(%s, %d)", quote(p.Choices[c.Live.Gene].Name), c.Live.Below)
		}
		was := ""
		if c.Was != "" {
			was = ", was=" + quote(c.Was)
		}
		w.line(1, "Choice(%s, %s, %s%s%s),", quote(c.Name), quote(c.Kind), tuple(quoted(c.Values)), live, was)
	}
	w.line(0, "])")
	w.line(0, "")
	w.line(0, "PACKAGE = %s", quote(p.Name))
	w.line(0, "TITLE = %s", quote(p.Title))
	w.line(0, "SOURCE = %s  # the model", quote(p.Source.File))
	w.line(0, "SHA256 = %s", quote(p.Source.SHA256))
	w.line(0, "DIGEST = %s  # of the choices", quote(runtime.SpaceDigest(&runtime.Net{Choices: choices})))
	w.line(0, "BATCH = %s  # of the model's input, None when it is open", batch)
	w.line(0, "CHANNELS, SIDE = %d, %d", in[1].Original(), in[2].Original())
	w.line(0, "TRANSFORM = Transform(pad=%d, mean=%s, std=%s%s)", p.Data.Pad, tuple(numbers(p.Data.Mean)), tuple(numbers(p.Data.Std)), scaled(p.Data.Resize))
	w.line(0, "TASK, METRIC = %s, %s  # \"\" for the default", quote(p.Task.Name), quote(p.Task.Metric))
	w.line(0, "END = %s  # \"share\" or \"odds\" where outputs are probabilities", quote(p.End()))
	return w.String(), nil
}

// scaled is the argument for pictures that are scaled to another side than that of the input.
func scaled(resize int) string {
	if resize == 0 {
		return ""
	}
	return fmt.Sprintf(", resize=%d", resize)
}

// writer collects lines of Python.
type writer struct{ strings.Builder }

func (w *writer) line(depth int, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if text != "" {
		w.WriteString(strings.Repeat("    ", depth))
	}
	w.WriteString(text + "\n")
}

// quote writes a Python string. JSON-like escapes of ASCII are Python's too.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < 0x20 || r == 0x7f:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		case r > 0x7e:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// docText makes any text safe within a docstring.
func docText(s string) string {
	return strings.NewReplacer(`\`, "/", `"`, "'").Replace(view.Comment(s))
}

func quoted(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = quote(s)
	}
	return out
}

func numbers[T any](list []T) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = fmt.Sprint(v)
	}
	return out
}

// tuple writes a Python tuple.
func tuple(items []string) string {
	if len(items) == 1 {
		return "(" + items[0] + ",)"
	}
	return "(" + strings.Join(items, ", ") + ")"
}

// each writes one number when all are equal, else a tuple.
func each(list []int) string {
	for _, n := range list {
		if n != list[0] {
			return tuple(numbers(list))
		}
	}
	return fmt.Sprint(list[0])
}
