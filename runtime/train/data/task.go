package data

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/autotailor/autotailor/internal/quality"
	"github.com/autotailor/autotailor/internal/spell"
	"github.com/autotailor/autotailor/runtime/nn"
)

// Task is what a network is for: how good its outputs are, and the loss that makes them better. Classification and the functions beside it have
// those that are built in, see gen/doc/tasks.md; Scored makes one of a function. The zero Task is Classification.
type Task struct {
	Name string // as in autotailor.toml, such as "classification"
	Metric

	// Exact says that each sample is right or wrong, so that right ones are counted. The mean of other qualities is rounded, see Parts.
	Exact bool

	// Original says that outputs are compared with what the original network computes for the same samples, which need no targets.
	Original bool

	// Logits says that softmax or sigmoid makes probabilities of the first output: where a network ends with one of these, that is undone first.
	Logits bool

	// Fit returns how outputs are judged, or an error that says which output or which targets are not those of such a task. Targets of all samples are
	// looked at only where that takes little time.
	Fit func(of Signature, s Samples) (*Judge, error)
}

// Signature describes the inputs and outputs of a network. Axes of size nn.Batch are as long as there are samples.
type Signature struct{ Inputs, Outputs []nn.Info }

// SignatureOf returns that of a network.
func SignatureOf(g *nn.Graph) Signature {
	s := Signature{Inputs: InputsOf(g)}
	for _, v := range g.Outputs {
		s.Outputs = append(s.Outputs, g.Values[v])
	}
	return s
}

// Metric says what values of a task are.
type Metric struct {
	Name          string // such as "accuracy"
	Unit          string // such as "share of images"
	LowerIsBetter bool
}

// Judge judges what one network computes.
type Judge struct {
	// Worst is the metric's value at quality 0 where lower values are better. The value at quality q is (1-q)*Worst, and q where higher ones are
	// better.
	Worst float64

	// Quality returns the quality of each sample of a batch, from 0 to 1, the best. It may return none where Whole is not nil.
	Quality func(b Batch) ([]float64, error)

	// Whole is called when all batches were judged. It returns the mean quality of all samples, where it is known only then; nil where that never is so.
	Whole func() (quality float64, known bool, err error)

	// Loss returns the mean loss of a batch, and its gradients with respect to the outputs: as many numbers as each output has, nil where an output
	// does not matter. A nil Loss says that the task cannot be trained for.
	Loss func(b Batch, r Recipe) (loss float64, gradients [][]float32, err error)

	// Warn is told what cannot be judged, where it is not nil.
	Warn func(text string)

	// Targets replaces those of Samples where it is not nil.
	Targets func(samples []int) (nn.Tensor, error)
}

// Batch returns what a network computed for some samples, with their targets.
func (j *Judge) Batch(s Samples, samples []int, outputs, teacher []nn.Tensor) (b Batch, err error) {
	targets := s.Targets
	if j.Targets != nil {
		targets = j.Targets
	}
	b = Batch{Samples: samples, Outputs: outputs, Teacher: teacher}
	b.Targets, err = targets(samples)
	return b, err
}

// Batch is what a network computed for some samples, and what it should have.
type Batch struct {
	Samples []int       // their numbers
	Outputs []nn.Tensor // of the network
	Targets nn.Tensor   // see Samples; the zero Tensor where there are none
	Teacher []nn.Tensor // outputs of another network that these should be like: the original's where the task says so; nil for none
}

// Recipe are the settings of a training loss.
type Recipe struct {
	Smoothing float64 // of labels: classes share this much of the target
	Distil    float64 // weight of the teacher's outputs, from 0 to 1; targets have the rest
	Alpha     bool    // AlphaNet's adaptive divergence from the teacher in the place of Kullback and Leibler's
}

// Parts is what the mean quality of a task is counted in that is not Exact: 1 is so many.
const Parts = quality.Parts

// Count returns a sum of qualities of n samples as a table has it: right samples of a task that is Exact, else the mean in Parts.
func (t Task) Count(sum float64, n int) int {
	if t.Exact {
		return int(math.Round(sum))
	}
	return int(math.Round(sum / float64(n) * Parts))
}

// Or returns t, or Classification where t is the zero Task.
func (t Task) Or() Task {
	if t.Fit == nil {
		return Classification()
	}
	return t
}

// Judge says how the outputs of a network are judged.
func (t Task) Judge(g *nn.Graph, s Samples) (*Judge, error) {
	j, err := t.Or().Fit(SignatureOf(g), s)
	if err != nil {
		return nil, fmt.Errorf("task %q: %w (`task` in autotailor.toml names another one; \"original\" compares any outputs with the original's, and needs no labels)", t.Or().Name, err)
	}
	if end := ends[EndOf(g)]; end != nil && t.Or().Logits {
		j = end.judge(j, t.Exact)
	}
	return j, nil
}

// TaskConfig is what autotailor.toml says of the task.
type TaskConfig struct {
	Name   string // "" for classification
	Metric string // one of the task's metrics, "" for the first
}

// tasks has all by their names. The metrics of one are what its function takes, the first where none is named.
var tasks = []struct {
	name    string
	metrics []string
	task    func(metric string) Task
}{
	{"classification", []string{"accuracy", "top-5"}, func(metric string) Task { return TopClasses(map[string]int{"accuracy": 1, "top-5": 5}[metric]) }},
	{"labels", []string{"F1"}, func(string) Task { return Labels() }},
	{"regression", []string{"absolute error"}, func(string) Task { return Regression() }},
	{"segmentation", []string{"mean IoU"}, func(string) Task { return Segmentation() }},
	{"token classification", []string{"token accuracy"}, func(string) Task { return TokenClassification() }},
	{"language model", []string{"nats per token"}, func(string) Task { return LanguageModel() }},
	{"embedding", []string{"cosine"}, func(string) Task { return Embedding() }},
	{"original", []string{Agreement, Distance}, Original},
}

// Task returns the task, or an error that says which ones there are.
func (c TaskConfig) Task() (Task, error) {
	if program, ok := strings.CutPrefix(c.Name, commandPrefix); ok {
		return Command(program, c.Metric)
	}
	var names []string
	for _, t := range tasks {
		names = append(names, t.name)
		if t.name != cmp.Or(c.Name, tasks[0].name) {
			continue
		}
		switch {
		case c.Metric == "":
			return t.task(t.metrics[0]), nil
		case !slices.Contains(t.metrics, c.Metric):
			return Task{}, fmt.Errorf("task %q has no metric %q%s; its metrics are %q", t.name, c.Metric, spell.Suggest(c.Metric, t.metrics), t.metrics)
		}
		return t.task(c.Metric), nil
	}
	return Task{}, fmt.Errorf("there is no task %q%s; tasks are %q, or %q and a program that scores", c.Name, spell.Suggest(c.Name, names), names, commandPrefix)
}
