package gen

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dave/jennifer/jen"
)

// TestLongFunctionsAreInPieces: statements stay in order, those that declare variables stay outside, and short runs stay as they are.
func TestLongFunctionsAreInPieces(t *testing.T) {
	b := &body{sets: map[int]bool{}}
	add := func(n int) {
		b.add(jen.Id("y").Op(":=").Id("x"))
		for range n {
			b.sets[len(b.code)] = true
			b.add(jen.Id("y").Op("=").Id("x"))
		}
	}
	add(10)
	add(2*pieceOf + 1)
	add(2*pieceOf - 1)
	code := b.inPieces()
	if want := 1 + 10 + 1 + 3 + 1 + 2*pieceOf - 1; len(code) != want {
		t.Fatalf("%d statements, want %d", len(code), want)
	}
	if piece := fmt.Sprintf("%#v", jen.Func().Id("f").Params().Block(code[12])); !strings.HasPrefix(piece, "func f() {\n\tfunc() {\n") || strings.Count(piece, "y = x\n") != pieceOf {
		t.Errorf("the first piece is %.40s... of %d statements", piece, strings.Count(piece, "y = x\n"))
	}
}
