package supernet

import (
	"reflect"
	"testing"

	"github.com/autotailor/autotailor/runtime/nn"
)

// TestShapes: shapes come back from their text.
func TestShapes(t *testing.T) {
	for want, s := range map[string]Shapes{
		"":                     {},
		"1x3x8x8":              {Dims: []nn.Shape{{1, 3, 8, 8}}},
		"32x3x3x3 32":          {Dims: []nn.Shape{{32, 3, 3, 3}, {32}}},
		"() 4":                 {Dims: []nn.Shape{{}, {4}}},
		"4 i64:2 bool:() t19:": {},
		"4 i64:2 bool:()":      {Dims: []nn.Shape{{4}, {2}, {}}, Types: []nn.DType{nn.Float32, nn.Int64, nn.Bool}},
	} {
		got, err := ParseShapes(want)
		if want == "4 i64:2 bool:() t19:" {
			if err == nil {
				t.Errorf("%q is %+v", want, got)
			}
			continue
		}
		if err != nil || !reflect.DeepEqual(got, s) || s.String() != want {
			t.Errorf("%q is %+v, %v; %+v is %q", want, got, err, s, s.String())
		}
	}
}

// TestOps: the operators of kernels stand in order and have the keys of operators that were written out.
func TestOps(t *testing.T) {
	shapes := []Shapes{{}, {Dims: []nn.Shape{{1, 4}, {4}}}, {Dims: []nn.Shape{{1, 4}}}, {Dims: []nn.Shape{{8, 4}, {8}}}, {Dims: []nn.Shape{{1, 8}}}}
	got := Ops(shapes, []Kernel{
		{Steps: "Add", Rows: []Row{{In: 1, Out: 2}}},
		{Steps: "Gemm transB=1", Rows: []Row{{In: 2, Params: 3, Out: 4, MACs: 32}, {In: 4, Params: 3, Out: 2}}},
	})
	want := []Op{
		{Steps: "Add", In: "1x4 4", Out: "1x4"},
		{Steps: "Gemm transB=1", In: "1x4", Params: "8x4 8", Out: "1x8", MACs: 32},
		{Steps: "Gemm transB=1", In: "1x8", Params: "8x4 8", Out: "1x4"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if key := got[1].Key(); key != "Gemm transB=1 (1x4; 8x4 8) -> 1x8" {
		t.Error(key)
	}
}
