package ir

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/autotailor/autotailor/internal/onnx"
)

// Parse reads the text that Format writes. Constants whose data was left out have none.
func Parse(text string) (*Graph, error) {
	p := &parser{g: &Graph{Values: []*Value{{}}, Opsets: map[string]int{}}, ids: map[string]ValueID{"_": 0}}
	for k, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := p.line(line); err != nil {
			return nil, fmt.Errorf("line %d: %w", k+1, err)
		}
	}
	return p.g, nil
}

type parser struct {
	g    *Graph
	ids  map[string]ValueID
	rest []string // tokens of the line
	err  error
}

func (p *parser) line(text string) error {
	p.rest, p.err = tokens(text)
	parse, ok := parsers[p.word()]
	if !ok && p.err == nil {
		return errors.New("a line starts with graph, producer, doc, opset, meta, input, const, node or output")
	}
	if p.err == nil {
		parse(p)
	}
	if p.err == nil && len(p.rest) > 0 {
		return fmt.Errorf("unexpected %q", p.rest[0])
	}
	return p.err
}

var parsers = map[string]func(p *parser){
	"graph":    func(p *parser) { p.g.Name = p.quoted(); p.expect("ir"); p.g.IRVersion = p.integer() },
	"producer": func(p *parser) { p.g.Producer = p.quoted() },
	"doc":      func(p *parser) { p.g.Doc = p.quoted() },
	"opset":    func(p *parser) { d := p.quoted(); p.g.Opsets[d] = int(p.integer()) },
	"meta":     func(p *parser) { p.g.Meta = append(p.g.Meta, Meta{p.quoted(), p.quoted()}) },
	"input":    func(p *parser) { p.g.Inputs = append(p.g.Inputs, p.define()) },
	"output":   func(p *parser) { p.g.Outputs = append(p.g.Outputs, p.use()) },
	"const":    func(p *parser) { id := p.define(); p.g.Values[id].Const = p.tensor() },
	"node":     (*parser).node,
}

// tokens splits a line into quoted strings, words and single punctuation marks.
func tokens(line string) ([]string, error) {
	var out []string
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimSpace(line) {
		n := 1
		switch {
		case line[0] == '"':
			q, err := strconv.QuotedPrefix(line)
			if err != nil {
				return nil, fmt.Errorf("bad string at %.20s", line)
			}
			n = len(q)
		case !strings.ContainsRune("()[]{},=:.?", rune(line[0])):
			if n = strings.IndexAny(line, " ()[]{},=:?\""); n < 0 {
				n = len(line)
			}
		}
		out, line = append(out, line[:n]), line[n:]
	}
	return out, nil
}

func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format, args...)
	}
	p.rest = nil
}

// peek is the next token, "" at the end.
func (p *parser) peek() string {
	if len(p.rest) == 0 {
		return ""
	}
	return p.rest[0]
}

func (p *parser) word() string {
	if len(p.rest) == 0 {
		p.fail("the line ends too early")
		return ""
	}
	t := p.rest[0]
	p.rest = p.rest[1:]
	return t
}

func (p *parser) expect(want string) {
	if got := p.word(); got != want {
		p.fail("want %q, have %q", want, got)
	}
}

// skip takes the next token if it is want.
func (p *parser) skip(want string) bool {
	if p.peek() == want {
		p.rest = p.rest[1:]
		return true
	}
	return false
}

func (p *parser) quoted() string {
	t := p.word()
	s, err := strconv.Unquote(t)
	if err != nil {
		p.fail("want a quoted string, have %q", t)
	}
	return s
}

// name is a word, quoted when it is no identifier.
func (p *parser) name() string {
	if strings.HasPrefix(p.peek(), `"`) {
		return p.quoted()
	}
	return p.word()
}

func (p *parser) integer() int64 {
	t := p.word()
	n, err := strconv.ParseInt(t, 10, 64)
	if err != nil {
		p.fail("want an integer, have %q", t)
	}
	return n
}

func (p *parser) float() float32 {
	t := p.word()
	v, err := strconv.ParseFloat(t, 32)
	if err != nil {
		p.fail("want a number, have %q", t)
	}
	return float32(v)
}

// list parses [a,b,c] with an element parser.
func (p *parser) list(element func()) {
	for p.expect("["); p.err == nil && !p.skip("]"); p.skip(",") {
		element()
	}
}

func (p *parser) dtype() DType {
	t, err := onnx.ParseDType(p.word())
	if err != nil {
		p.fail("%v", err)
	}
	return t
}

func (p *parser) use() ValueID {
	t := p.word()
	id, ok := p.ids[t]
	if !ok {
		p.fail("value %s is not defined", t)
	}
	return id
}

// define parses %1 "name" f32[1,2].
func (p *parser) define() ValueID {
	t := p.word()
	if t == "_" {
		return 0
	}
	v := &Value{Name: p.quoted(), Type: p.dtype()}
	if p.peek() == "[" {
		v.Shape = Shape{}
		p.list(func() { v.Shape = append(v.Shape, p.dim()) })
	}
	if p.skip("note") {
		v.Note = p.quoted()
	}
	p.g.Values = append(p.g.Values, v)
	id := ValueID(len(p.g.Values) - 1)
	if _, taken := p.ids[t]; taken || !strings.HasPrefix(t, "%") {
		p.fail("%s cannot be defined here", t)
	}
	p.ids[t] = id
	return id
}

func (p *parser) dim() Dim {
	if !p.skip("?") {
		return Dim{Size: int(p.integer())}
	}
	d := Dim{Size: -1}
	if strings.HasPrefix(p.peek(), `"`) {
		d.Sym = p.quoted()
	}
	return d
}

func (p *parser) tensor() *Tensor {
	p.expect("tensor")
	t := &Tensor{Name: p.quoted()}
	t.Type = p.dtype()
	p.list(func() { t.Shape = append(t.Shape, int(p.integer())) })
	switch {
	case p.peek() == "[":
		p.list(func() { t.Strings = append(t.Strings, p.quoted()) })
	case !p.skip("left"):
		t.Raw = p.bytes()
	}
	return t
}

func (p *parser) bytes() []byte {
	digits, ok := strings.CutPrefix(p.word(), "x")
	raw, err := hex.DecodeString(digits)
	if !ok || err != nil {
		p.fail("want x and hexadecimal digits")
	}
	return raw
}

func (p *parser) node() {
	n := &Node{Name: p.quoted()}
	n.Op = p.name()
	if p.skip(".") {
		n.Domain, n.Op = n.Op, p.name()
	}
	for p.expect("("); p.err == nil && !p.skip(")"); {
		n.In = append(n.In, p.use())
	}
	p.expect("->")
	for p.expect("("); p.err == nil && !p.skip(")"); p.skip(",") {
		n.Out = append(n.Out, p.define())
	}
	if p.skip("{") {
		for p.err == nil && !p.skip("}") {
			n.Attrs = append(n.Attrs, p.attr())
		}
	}
	if p.skip("scope") {
		n.Scope = p.quoted()
	}
	for p.err == nil && p.skip("meta") {
		n.Meta = append(n.Meta, Meta{p.quoted(), p.quoted()})
	}
	p.g.Nodes = append(p.g.Nodes, n)
}

func (p *parser) attr() Attr {
	a := Attr{Name: p.quoted()}
	p.expect(":")
	kind := p.word()
	p.expect("=")
	for k, name := range kindNames {
		if name == kind {
			a.Kind = k
		}
	}
	if n, err := strconv.ParseUint(strings.TrimPrefix(kind, "kind"), 10, 8); a.Kind == 0 && err == nil {
		a.Kind = AttrKind(n)
	}
	switch a.Kind {
	case AttrFloat:
		a.Float = p.float()
	case AttrInt:
		a.Int = p.integer()
	case AttrString:
		a.String = p.quoted()
	case AttrFloats:
		p.list(func() { a.Floats = append(a.Floats, p.float()) })
	case AttrInts:
		p.list(func() { a.Ints = append(a.Ints, p.integer()) })
	case AttrStrings:
		p.list(func() { a.Strings = append(a.Strings, p.quoted()) })
	case AttrTensor:
		a = onnx.TensorAttr(a.Name, p.tensor().Tensor)
	default:
		a.Raw = p.bytes()
	}
	return a
}
