package operators

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	name     = `[A-Za-z][A-Za-z0-9_]*`
	operand  = regexp.MustCompile(`^` + name + `(:(T[0-9]?|bool|int64|int32|uint8|float|int|list|size|any))?(@[0-9]+)?(\?|\.\.\.)?$`)
	attr     = regexp.MustCompile(`^` + name + `(:?=[^ ]+)?$`)
	changes  = regexp.MustCompile(`^[0-9]+: `)
	bounds   = regexp.MustCompile(`^(X( 0| if positive)?|-?[0-9]+ (-?[0-9]+|\+Inf))$`)
	setting  = regexp.MustCompile(`^(?:[0-9]+|swapped)=(?:[0-9.]+|\{([a-z]+)\})$`)
	operator = regexp.MustCompile(`^` + name + `$`)
)

// TestRows checks that every row can be read: the accessors take that for granted.
func TestRows(t *testing.T) {
	seen := map[key]bool{}
	for _, o := range All() {
		k := key{o.Domain, o.Name}
		if seen[k] || !operator.MatchString(o.Name) || o.Class == 0 || strings.HasPrefix(o.Class.String(), "Class(") {
			t.Errorf("%s: named twice, or without a name or class", o.Name)
		}
		seen[k] = true
		if v := o.Versions(); len(v) == 0 || v[0] < 1 || !slices.IsSorted(v) || len(slices.Compact(slices.Clone(v))) != len(v) {
			t.Errorf("%s: opsets %q are not ascending numbers from 1 on", o.Name, o.Opsets)
		}
		in, out, ok := strings.Cut(o.Sig, "->")
		if !ok || len(o.Results()) == 0 {
			t.Errorf("%s: signature %q has no results", o.Name, o.Sig)
		}
		for _, f := range strings.Fields(in + " " + out) {
			if !operand.MatchString(f) {
				t.Errorf("%s: operand %q cannot be read", o.Name, f)
			}
		}
		for _, f := range strings.Fields(o.Attrs) {
			if !attr.MatchString(f) {
				t.Errorf("%s: attribute %q cannot be read", o.Name, f)
			}
		}
		if o.Changes != "" && !changes.MatchString(o.Changes) {
			t.Errorf("%s: change %q does not say since when", o.Name, o.Changes)
		}
		for k, f := range strings.Fields(o.NCNN) {
			m := setting.FindStringSubmatch(f)
			if k > 0 && (m == nil || m[1] != "" && !o.Has(m[1])) || o.Class != Unary && o.Class != Broadcast && o.Class != Reduction {
				t.Errorf("%s: the layer %q of NCNN cannot be read", o.Name, o.NCNN)
			}
		}
		if o.Range != "" && !bounds.MatchString(o.Range) {
			t.Errorf("%s: range %q cannot be read", o.Name, o.Range)
		}
		if o.Class == Normalisation && o.Norm == 0 {
			t.Errorf("%s: nothing says which elements it takes mean and deviation of", o.Name)
		}
		if o.Activation && o.Class != Unary {
			t.Errorf("%s: an activation is a function of one operand", o.Name)
		}
	}
}

// TestOperands reads the marks of a signature.
func TestOperands(t *testing.T) {
	o := Operator{Sig: "X shape:size@5 lists:T1... -> Y Z:int64?", Attrs: "axis=-1 mode:=constant kernel"}
	in := []Operand{{Name: "X", Kind: T}, {Name: "shape", Kind: Size, Since: 5, Optional: true}, {Name: "lists", Kind: "T1", Variadic: true}}
	if got := o.Operands(); !slices.Equal(got, in) {
		t.Errorf("operands %v, want %v", got, in)
	}
	out := []Operand{{Name: "Y", Kind: T}, {Name: "Z", Kind: Int64, Optional: true}}
	if got := o.Results(); !slices.Equal(got, out) {
		t.Errorf("results %v, want %v", got, out)
	}
	attrs := []Attr{{"axis", "-1", false}, {"mode", "constant", true}, {"kernel", "", false}}
	if got := o.Attributes(); !slices.Equal(got, attrs) {
		t.Errorf("attributes %v, want %v", got, attrs)
	}
	if o.Required() != 1 {
		t.Errorf("%d operands are required, want 1", o.Required())
	}
}

// TestLookup: ai.onnx is the domain without a name, and nobody can change the table through what he is given.
func TestLookup(t *testing.T) {
	if _, ok := Lookup("com.example", "Relu"); ok {
		t.Error("an operator of another domain was found")
	}
	list := All()
	list[0].Name = "changed"
	if o, ok := Lookup("ai.onnx", "Relu"); !ok || o.Since() != 1 || o.Method() != "Act" || o.Function() != "Relu" || All()[0].Name == "changed" {
		t.Errorf("the row of Relu is %+v", o)
	}
}

// TestFoldedBatchNorms: three convolutions with a bias and no normalisation are suspicious, fewer or a normalisation are not.
func TestFoldedBatchNorms(t *testing.T) {
	type node struct {
		name     string
		operands int
	}
	conv, bare := node{"Conv", 3}, node{"Conv", 2}
	for _, c := range []struct {
		nodes []node
		want  int
	}{
		{[]node{conv, conv, bare, conv}, 3},
		{[]node{conv, conv, bare}, 0},
		{[]node{conv, conv, conv, {"BatchNormalization", 5}}, 0},
		{[]node{conv, conv, conv, {"LayerNormalization", 3}}, 0},
		{[]node{conv, conv, conv, {"Softmax", 1}, {"Unknown", 1}}, 3},
		{nil, 0},
	} {
		got := FoldedBatchNorms(func(yield func(string, int) bool) {
			for _, n := range c.nodes {
				if !yield(n.name, n.operands) {
					return
				}
			}
		})
		if got != c.want || (FoldedNote(got) != "") != (got > 0) {
			t.Errorf("%v: %d, want %d", c.nodes, got, c.want)
		}
	}
}
