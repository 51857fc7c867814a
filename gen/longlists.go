package gen

import (
	"bytes"
	"fmt"
	"go/format"
	"slices"
	"strings"
)

// manyLines is from how many lines on a list is laid out here. gofmt prints lists twice, which takes seconds for 100,000 lines. Packages that
// people read have no such lists.
const manyLines = 2000

// formatted is Go source as gofmt lays it out. What jennifer writes has one element or statement on each line; runs of at least least of them that
// are plain, see plain, are taken out before, and put back with the spaces that gofmt gives them.
func formatted(src []byte, least int) ([]byte, error) {
	rest := make([]byte, 0, min(len(src), 1<<20))
	var runs [][]byte
	group, first := "", false // the declaration in brackets that the line is in, and whether it is the first line there
	for len(src) > 0 {
		if run, n := longRun(group, first, src, least); n > 0 {
			if run == nil {
				rest = append(rest, src[:n]...)
			} else {
				rest = append(rest, placeholder(group, src, len(runs))...)
				runs = append(runs, run)
			}
			src, first = src[n:], false
			continue
		}
		line, _, _ := bytes.Cut(src, []byte("\n"))
		line = src[:min(len(line)+1, len(src))]
		rest, src = append(rest, line...), src[len(line):]
		switch text := string(bytes.TrimSpace(line)); {
		case group == "" && slices.Contains([]string{"var (", "const (", "import (", "type ("}, text):
			group, first = text, true
		case text == ")":
			group = ""
		default:
			first = false
		}
	}
	text, err := format.Source(rest)
	if err != nil || len(runs) == 0 {
		return text, err
	}
	return restored(text, runs), nil
}

// mark starts the name that stands for a run.
const mark = "autotailorRun"

// placeholder is a line that is of the kind of a run's lines.
func placeholder(group string, src []byte, n int) string {
	switch {
	case src[0] == '{':
		return fmt.Sprintf("{%s%d},\n", mark, n)
	case group != "":
		return fmt.Sprintf("%s%d = 0\n", mark, n)
	}
	return fmt.Sprintf("%s%d()\n", mark, n)
}

// restored puts runs instead of their marks, as deep as those stand.
func restored(text []byte, runs [][]byte) []byte {
	size := len(text)
	for _, r := range runs {
		size += len(r) + len(r)/8
	}
	out := make([]byte, 0, size)
	for line := range bytes.Lines(text) {
		inner := bytes.TrimLeft(line, "\t")
		tail, marked := strings.CutPrefix(strings.TrimPrefix(string(inner), "{"), mark)
		if !marked {
			out = append(out, line...)
			continue
		}
		var n int
		if _, err := fmt.Sscanf(tail, "%d", &n); err != nil {
			panic("internal error: a mark without a number")
		}
		for l := range bytes.Lines(runs[n]) {
			out = append(append(out, line[:len(line)-len(inner)]...), l...)
		}
	}
	return out
}

// longRun lays out the plain lines that src starts with, and tells how long they are in src. run is nil when they are fewer than least.
func longRun(group string, first bool, src []byte, least int) (run []byte, n int) {
	switch {
	case src[0] == '{':
		return elements(src, least)
	case group == "var (" && first:
		return variables(src, least)
	case group != "":
		return nil, 0
	}
	return statements(src, least)
}

// elements are lines of composite literals, and what stands deeper within them.
func elements(src []byte, least int) (run []byte, n int) {
	var out []byte
	var open []int // brackets that the lines opened within which this one stands
	lines, at, whole, count := 0, 0, 0, 0
	for line := range bytes.Lines(src) {
		body := bytes.TrimSpace(line)
		if len(body) == 0 || body[0] != '{' && body[0] != '}' {
			break
		}
		start, was := len(out), len(open)
		opens, closes := body[len(body)-1] == '{', body[0] == '}'
		if closes && was > 0 {
			was--
		}
		for range was {
			out = append(out, '\t')
		}
		var net int
		var ok bool
		if out, net, ok = plain(out, body); !ok || body[len(body)-1] != ',' && !opens {
			out = out[:start]
			break
		}
		switch {
		case opens && !closes && net > 0:
			open = append(open, net)
		case closes && !opens && len(open) > 0 && net == -open[len(open)-1]:
			open = open[:len(open)-1]
		case opens || closes || net != 0:
			out = out[:start]
			return enough(out, n, whole, count, least)
		}
		out = append(out, '\n')
		lines, at = lines+1, at+len(line)
		if len(open) == 0 {
			n, whole, count = at, len(out), lines
		}
	}
	return enough(out, n, whole, count, least)
}

// enough is what was laid out when it is long enough: whole bytes of it, of count lines, which are n bytes of the source.
func enough(out []byte, n, whole, count, least int) ([]byte, int) {
	if count < least {
		return nil, n
	}
	return out[:whole], n
}

// statements are lines that set a variable.
func statements(src []byte, least int) (run []byte, n int) {
	var out []byte
	count := 0
	for line := range bytes.Lines(src) {
		name, sign, value := assignment(bytes.TrimSpace(line))
		start := len(out)
		out = append(append(append(append(out, name...), ' '), sign...), ' ')
		var ok bool
		var net int
		if out, net, ok = plain(out, value); name == nil || !ok || net != 0 {
			out = out[:start]
			break
		}
		out = append(out, '\n')
		n, count = n+len(line), count+1
	}
	return enough(out, n, len(out), count, least)
}

// variables are the lines of a whole declaration, all with their values, which stand below each other.
func variables(src []byte, least int) (run []byte, n int) {
	longest, count := 0, 0
	for line := range bytes.Lines(src) {
		body := bytes.TrimSpace(line)
		if len(body) == 1 && body[0] == ')' {
			break
		}
		name, sign, value := assignment(body)
		if _, net, ok := plain(nil, value); name == nil || len(sign) != 1 || !ok || net != 0 {
			return nil, 0
		}
		longest, n, count = max(longest, len(name)), n+len(line), count+1
	}
	var out []byte
	for line := range bytes.Lines(src[:n]) {
		name, _, value := assignment(bytes.TrimSpace(line))
		out = append(out, name...)
		for range longest - len(name) {
			out = append(out, ' ')
		}
		out, _, _ = plain(append(out, " = "...), value)
		out = append(out, '\n')
	}
	return enough(out, n, len(out), count, least)
}

// assignment takes a line apart that sets one variable; name is nil when it does not.
func assignment(line []byte) (name, sign, value []byte) {
	end := 0
	for end < len(line) && word(line[end]) {
		end++
	}
	rest := bytes.TrimLeft(line[end:], " ")
	for _, s := range []string{"= ", ":= "} {
		if end > 0 && bytes.HasPrefix(rest, []byte(s)) {
			return line[:end], rest[:len(s)-1], rest[len(s):]
		}
	}
	return nil, nil, nil
}

func word(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// plain appends an expression with the spaces of gofmt. It is plain when it has names, literals, calls and brackets only, no operator but a sign.
// net is how many brackets it opens.
func plain(out, line []byte) (text []byte, net int, ok bool) {
	var open [32]byte
	depth, last := 0, byte('=') // the last byte that is not a space
	for k := 0; k < len(line); k++ {
		c := line[k]
		switch {
		case c == ' ':
			if word(last) && k+1 < len(line) && (word(line[k+1]) || line[k+1] == '"') {
				return out, 0, false
			}
			continue
		case c == '"':
			end := quoted(line[k:])
			if end == 0 {
				return out, 0, false
			}
			out, k = append(out, line[k:k+end]...), k+end-1
		case c == '{' || c == '(' || c == '[':
			if depth == len(open) {
				return out, 0, false
			}
			open[depth] = c
			depth, net, out = depth+1, net+1, append(out, c)
		case c == '}' || c == ')' || c == ']':
			depth, net, out = max(0, depth-1), net-1, append(out, c)
		case c == ',' && k == len(line)-1:
			out = append(out, c)
		case c == ',':
			out = append(out, ", "...)
		case c == ':' && (depth == 0 || open[depth-1] != '['):
			out = append(out, ": "...)
		case c == '-' && (strings.IndexByte(",:({[=", last) >= 0 || exponent(line[:k])):
			out = append(out, c)
		case c == '.' || word(c):
			out = append(out, c)
		default:
			return out, 0, false
		}
		last = c
	}
	return out, net, len(line) > 0
}

// exponent tells whether a number in scientific notation ends before its sign.
func exponent(line []byte) bool {
	return len(line) > 1 && line[len(line)-1] == 'e' && '0' <= line[len(line)-2] && line[len(line)-2] <= '9'
}

// quoted is the length of the string that starts a line, 0 when it does not end.
func quoted(line []byte) int {
	for k := 1; k < len(line); k++ {
		switch line[k] {
		case '\\':
			k++
		case '"':
			return k + 1
		}
	}
	return 0
}
