package adapt

import (
	"fmt"
	"math"

	"github.com/autotailor/autotailor/internal/quality"
	"github.com/autotailor/autotailor/runtime/nn"
)

// prediction is the answer to POST /predict: what the bundle's task makes of the outputs, and who computed them.
type prediction struct {
	SubNet string `json:"subnet"`
	Level  int    `json:"level"`

	Class   *int        `json:"class,omitempty"`   // classification: of the highest score
	Name    string      `json:"name,omitempty"`    // of that class, where classes have names
	Scores  []float32   `json:"scores,omitempty"`  // classification, labels, and the last position of a language model: as the network computes them
	Labels  *[]labelled `json:"labels,omitempty"`  // labels: those that the sample has
	Classes []int       `json:"classes,omitempty"` // of each token or position, row by row; language model: the token with the highest score after each
	Shape   nn.Shape    `json:"shape,omitempty"`   // of classes
	Values  []float32   `json:"values,omitempty"`  // regression
	Vector  []float32   `json:"vector,omitempty"`  // embedding
	Outputs []outputOf  `json:"outputs,omitempty"` // any other task: all that the network computes

	ServiceMS float64 `json:"service_ms"`
	TotalMS   float64 `json:"total_ms"`
}

// labelled is a label that a sample has.
type labelled struct {
	Label int     `json:"label"`
	Name  string  `json:"name,omitempty"`
	Score float32 `json:"score"`
}

// outputOf is one output of a network for one sample.
type outputOf struct {
	Name  string    `json:"name"`
	Shape nn.Shape  `json:"shape"`
	Data  []float64 `json:"data"`
}

// answers say what a task makes of the first output of a batch of one.
var answers = map[string]func(h handler, p *prediction, out nn.Tensor){
	"": classOf, "classification": classOf, // bundles of older versions name no task
	"labels":               labelsOf,
	"regression":           func(_ handler, p *prediction, out nn.Tensor) { p.Values = out.Float32s() },
	"embedding":            func(_ handler, p *prediction, out nn.Tensor) { p.Vector = out.Float32s() },
	"token classification": tokensOf,
	"segmentation":         mapOf,
	"language model":       nextOf,
}

// says fills in what the task makes of the outputs.
func (h handler) says(p *prediction, a Answer) error {
	for i, t := range a.Outputs {
		for k, v := range t.Numbers() {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return fmt.Errorf("number %d of output %q of SubNet %s is %g", k, h.s.outputs[i], a.SubNet, v)
			}
		}
	}
	if f := answers[h.s.task]; f != nil && a.Outputs[0].Type == nn.Float32 {
		f(h, p, a.Outputs[0])
		return nil
	}
	for i, t := range a.Outputs {
		p.Outputs = append(p.Outputs, outputOf{h.s.outputs[i], t.Shape, t.Numbers()})
	}
	return nil
}

// named is the name of a class, "" where classes of so many have none.
func (h handler) named(class, of int) string {
	if len(h.s.classes) != of {
		return ""
	}
	return h.s.classes[class]
}

func classOf(h handler, p *prediction, out nn.Tensor) {
	p.Scores = out.Float32s()
	best := quality.Best(p.Scores, len(p.Scores))[0]
	p.Class, p.Name = &best, h.named(best, len(p.Scores))
}

// labelsOf tells the labels whose logit is above 0, or whose probability is above 1/2 where the network computes probabilities.
func labelsOf(h handler, p *prediction, out nn.Tensor) {
	p.Scores = out.Float32s()
	has := []labelled{}
	for k, v := range p.Scores {
		if v > h.s.bound {
			has = append(has, labelled{k, h.named(k, len(p.Scores)), v})
		}
	}
	p.Labels = &has
}

// mapOf tells the class of each position of maps [1, classes, height, width], or [1, height, width, classes] where only these extents are those of the
// input. One map is of class 1 where it is above 0, or 1/2 as a probability.
func mapOf(h handler, p *prediction, out nn.Tensor) {
	v, n := out.Float32s(), len(out.Shape)
	p.Shape = out.Shape[2:]
	classes, each, step := out.Shape[1], 1, p.Shape.Count()
	if in := h.s.levels[p.Level].Input; !alike(p.Shape, in) && alike(out.Shape[1:n-1], in) {
		p.Shape, classes = out.Shape[1:n-1], out.Shape[n-1]
		each, step = classes, 1
	}
	p.Classes = make([]int, p.Shape.Count())
	for i := range p.Classes {
		for k := range classes {
			if at := i * each; classes == 1 && v[at] > h.s.bound {
				p.Classes[i] = 1
			} else if v[at+k*step] > v[at+p.Classes[i]*step] {
				p.Classes[i] = k
			}
		}
	}
}

// alike tells whether extents of maps are in the proportion of an image's, [1, channels, height, width] or [1, height, width, channels].
func alike(maps, image nn.Shape) bool {
	for _, from := range []int{1, 2} {
		if to := from + len(maps); to <= len(image) {
			same := true
			for k, n := range maps {
				same = same && n*image[from] == maps[0]*image[from+k]
			}
			if same {
				return true
			}
		}
	}
	return false
}

// tokensOf tells the class of each token, or the token after it.
func tokensOf(_ handler, p *prediction, out nn.Tensor) {
	last := len(out.Shape) - 1
	p.Shape, p.Classes = out.Shape[1:last], quality.Best(out.Float32s(), out.Shape[last])
}

// nextOf is tokensOf with the scores of the token after the last one.
func nextOf(h handler, p *prediction, out nn.Tensor) {
	tokensOf(h, p, out)
	all := out.Float32s()
	p.Scores = all[len(all)-out.Shape[len(out.Shape)-1]:]
}
