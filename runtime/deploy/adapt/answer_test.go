package adapt

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/runtime/nn"
)

// TestAnswers: each task answers with what its outputs mean.
func TestAnswers(t *testing.T) {
	image, tokens := nn.Shape{1, 3, 4, 6}, nn.Shape{1, 3}
	for name, c := range map[string]struct {
		task    string
		classes []string
		bound   float32
		input   nn.Shape
		out     nn.Tensor
		want    string // of the answer, without who computed it
	}{
		"classification":        {"classification", []string{"a", "b"}, 0, image, nn.FromFloat32s(nn.Shape{1, 2}, []float32{-1, 2}), `"class":1,"name":"b","scores":[-1,2],`},
		"an old bundle":         {"", nil, 0, image, nn.FromFloat32s(nn.Shape{1, 2}, []float32{3, 2}), `"class":0,"scores":[3,2],`},
		"labels":                {"labels", []string{"a", "b", "c"}, 0, image, nn.FromFloat32s(nn.Shape{1, 3}, []float32{0.25, -1, 2}), `"scores":[0.25,-1,2],"labels":[{"label":0,"name":"a","score":0.25},{"label":2,"name":"c","score":2}],`},
		"no labels, sigmoid":    {"labels", nil, 0.5, image, nn.FromFloat32s(nn.Shape{1, 2}, []float32{0.25, 0.5}), `"scores":[0.25,0.5],"labels":[],`},
		"regression":            {"regression", nil, 0, image, nn.FromFloat32s(nn.Shape{1, 1}, []float32{7}), `"values":[7],`},
		"embedding":             {"embedding", nil, 0, image, nn.FromFloat32s(nn.Shape{1, 2}, []float32{7, 8}), `"vector":[7,8],`},
		"tokens":                {"token classification", nil, 0, tokens, nn.FromFloat32s(nn.Shape{1, 3, 2}, []float32{0, 1, 1, 0, 5, 6}), `"classes":[1,0,1],"shape":[3],`},
		"language":              {"language model", nil, 0, tokens, nn.FromFloat32s(nn.Shape{1, 3, 2}, []float32{0, 1, 1, 0, 5, 6}), `"scores":[5,6],"classes":[1,0,1],"shape":[3],`},
		"maps":                  {"segmentation", nil, 0, image, nn.FromFloat32s(nn.Shape{1, 2, 2, 3}, []float32{1, 1, 1, 1, 1, 1, 0, 2, 0, 2, 0, 2}), `"classes":[0,1,0,1,0,1],"shape":[2,3],`},
		"classes last":          {"segmentation", nil, 0, nn.Shape{1, 4, 6, 3}, nn.FromFloat32s(nn.Shape{1, 2, 3, 2}, []float32{1, 0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2}), `"classes":[0,1,0,1,0,1],"shape":[2,3],`},
		"one map":               {"segmentation", nil, 0, image, nn.FromFloat32s(nn.Shape{1, 1, 2, 3}, []float32{-1, 1, 0, 2, -3, 4}), `"classes":[0,1,0,1,0,1],"shape":[2,3],`},
		"one map, sigmoid":      {"segmentation", nil, 0.5, image, nn.FromFloat32s(nn.Shape{1, 1, 2, 3}, []float32{0.1, 0.9, 0.5, 0.6, 0, 1}), `"classes":[0,1,0,1,0,1],"shape":[2,3],`},
		"original":              {"original", nil, 0, image, nn.FromFloat32s(nn.Shape{1, 1, 2}, []float32{4, 5}), `"outputs":[{"name":"y","shape":[1,1,2],"data":[4,5]}],`},
		"a scorer":              {"cmd:./map.py", nil, 0, image, nn.FromFloat32s(nn.Shape{1, 2}, []float32{4, 5}), `"outputs":[{"name":"y","shape":[1,2],"data":[4,5]}],`},
		"whole numbers of rows": {"regression", nil, 0, image, nn.FromInt64s(nn.Shape{1, 2}, []int64{4, 5}), `"outputs":[{"name":"y","shape":[1,2],"data":[4,5]}],`},
	} {
		h := handler{s: &Service{task: c.task, classes: c.classes, bound: c.bound, outputs: []string{"y"}, levels: []Level{{Input: c.input}}}}
		p := prediction{SubNet: "original"}
		if err := h.says(&p, Answer{SubNet: "original", Outputs: []nn.Tensor{c.out}}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		text, err := json.Marshal(p)
		if want := `{"subnet":"original","level":0,` + c.want + `"service_ms":0,"total_ms":0}`; err != nil || string(text) != want {
			t.Errorf("%s: %s (%v), want %s", name, text, err, want)
		}
		c.out = nn.FromFloat32s(nn.Shape{1, 1}, []float32{float32(math.NaN())})
		if err := h.says(&p, Answer{SubNet: "original", Outputs: []nn.Tensor{c.out}}); err == nil || !strings.Contains(err.Error(), `number 0 of output "y" of SubNet original is NaN`) {
			t.Errorf("%s: %v of an output that is no number", name, err)
		}
	}
}
