package axis_test

import (
	"testing"

	"github.com/autotailor/autotailor/ir/axis"
)

// TestRepeats: what an Expand repeats is free and takes part in a product of heads; a Tile repeats whole axes, as often as the model says.
func TestRepeats(t *testing.T) {
	for _, tc := range []struct {
		name, graph string
		want        []string
	}{
		{"grouped queries", `
input x Nx6x32
q = MatMul x [32,64]
k = MatMul x [32,32]
qh = Reshape q {0,6,4,16}
kh = Reshape k {0,6,2,16}
qt = Transpose qh perm=0,2,1,3
kt = Transpose kh perm=0,2,1,3
ku = Unsqueeze kt {2}
ke = Expand ku {1,1,2,1,1}
kr = Reshape ke {-1,4,6,16}
kk = Transpose kr perm=0,1,3,2
s = MatMul qt kk
output s`, []string{"qt:1 = kt:1 * ke:2", "qt:1 == kr:1", "qt:3 == kt:3"}},
		{"a mask for all heads", `
input x Nx4x6x6
input m Nx1x1x6
w = Conv x [8,4,1,1]
e = Expand m {-1,8,1,6}
y = Add w e
z = Relu y
output z`, []string{"e:1 == w:1"}},
		{"a tile", "input x Nx3x8x8\nc = Conv x [4,3,1,1]\nt = Tile c {1,3,1,1}\nd = Conv t [5,12,1,1]\noutput d", []string{"c:1 free", "d.1:1 == t:1"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := couple(t, tc.graph)
			for _, s := range tc.want {
				c.check(t, s)
			}
		})
	}
}

// TestPlacesStayPlaces: the windows of a map that was rolled are not what was rolled, but they are positions, and what is added to them has positions, too.
func TestPlacesStayPlaces(t *testing.T) {
	c := couple(t, `
input x Nx4x8x8
a = Slice x {2} {8} {2}
b = Slice x {0} {2} {2}
m = Concat a b axis=2
w = Reshape m {-1,4,2,4,8}
s = Mul w [4,1,4,8]
output s`)
	for _, ref := range []string{"w:2", "w:3", "s.1:2"} {
		if !c.Is(c.at(t, ref), axis.Spatial) {
			t.Errorf("%s is not a position", ref)
		}
	}
	if c.Is(c.at(t, "w:1"), axis.Spatial) {
		t.Error("channels are positions")
	}
}
