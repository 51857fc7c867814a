package cli

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/autotailor/autotailor/runtime/accuracy"
	"github.com/autotailor/autotailor/runtime/deploy/bundle"
	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/train/data"
	"github.com/autotailor/autotailor/runtime/train/sensitivity"
)

// metricEntry says in JSON what the values are that a command calls accuracies.
type metricEntry struct {
	Task          string `json:"task"`
	Name          string `json:"name"`
	Unit          string `json:"unit"`
	LowerIsBetter bool   `json:"lower_is_better"`
}

func metricOf(h accuracy.Header) metricEntry {
	m := (&accuracy.Table{Header: h}).Metric()
	task := h.Task
	if task == "" {
		task = data.Classification().Name
	}
	return metricEntry{task, m.Name, m.Unit, m.LowerIsBetter}
}

func (m metricEntry) metric() accuracy.Metric {
	return accuracy.Metric{Name: m.Name, Unit: m.Unit, LowerIsBetter: m.LowerIsBetter}
}

// headerOf has what a bundle says of its metric.
func headerOf(m *bundle.Metric) accuracy.Header {
	if m == nil {
		return accuracy.Header{}
	}
	return accuracy.Header{Task: m.Task, Metric: accuracy.Metric{Name: m.Name, Unit: m.Unit, LowerIsBetter: m.LowerIsBetter}, Worst: m.Worst}
}

// judges says in words how good a network is on some samples: of accuracy in the words that everybody knows.
func judges(h accuracy.Header, value float64, n int) string {
	if h.Units == accuracy.PartsOfQuality || h.Metric.Name != "" {
		return fmt.Sprintf("%s on %d samples", (&accuracy.Table{Header: h}).Metric().Format(value), n)
	}
	return fmt.Sprintf("%.2f %% of %d samples correctly classified", 100*value, n)
}

// values names what a command calls accuracies, where the task may have another metric.
func values(h accuracy.Header) string {
	if h.Metric.Name == "" {
		return "accuracies"
	}
	return "values of " + h.Metric.Name
}

// worse writes how much a value is lower or higher than another, which is better by loss. What gains has a loss below 0.
func worse(m accuracy.Metric, loss float64) string {
	text, higher := fmt.Sprintf("%6.2f %%", 100*math.Abs(loss)), loss < 0
	if m.LowerIsBetter {
		text, higher = fmt.Sprintf("%8.4f", math.Abs(loss)), loss > 0
	}
	return text + map[bool]string{false: " less", true: " more"}[higher]
}

// originalFlag names the file that tasks like `original` compare with.
func (c *call) originalFlag() {
	c.originalFile = c.flags.String("original", "", "`file` that the package was generated from, which task \"original\" compares with (default: --model where it is that file, else one of its name beside --model or in this folder)")
}

// openEvaluator returns what judges SubNets with some weights. Its samples are to be set.
func (c *call) openEvaluator(w *onnxfile.Model, e engine.Engine, o sensitivity.Options) (*sensitivity.Evaluator, error) {
	original, err := c.originalWeights(w)
	if err != nil {
		return nil, err
	}
	o.Warn = c.warnOnce()
	return &sensitivity.Evaluator{Net: c.net, Engine: e, Weights: w, Original: original, Task: c.task, Options: o}, nil
}

// warnOnce returns a function that prints each warning once.
func (c *call) warnOnce() func(text string) {
	told := map[string]bool{}
	return func(text string) {
		if !told[text] {
			told[text] = true
			c.warn(text)
		}
	}
}

// originalWeights returns the weights of the model that the package was generated from, where the task compares with it; nil where they are w, or not
// needed.
func (c *call) originalWeights(w *onnxfile.Model) (nn.Weights, error) {
	want := c.net.Source.SHA256
	if !c.task.Original || w.SHA256 == want {
		return nil, nil
	}
	name := filepath.Base(c.net.Source.File)
	list := []string{filepath.Join(filepath.Dir(w.Path), name), name, c.opt.Model}
	if c.originalFile != nil && *c.originalFile != "" {
		list = []string{*c.originalFile}
	}
	for _, path := range list {
		m, err := c.weights(path)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if m.SHA256 == want {
			return m, nil
		}
	}
	return nil, fmt.Errorf("task %q compares with the model that the package was generated from, %s (SHA-256 %.12s...): %s is not there with these weights; give --original FILE", c.task.Name, c.net.Source.File, want, strings.Join(list, ", "))
}

// randomData is the --data of users who have none.
const randomData = "random"

// Numbers of random samples: the training split has the first.
const (
	randomTraining = 2000
	randomTest     = 1000
)

// random makes inputs up, unless there is a folder of that name; nil where the user has data.
func (c *call) random(dir, split string) (data.Samples, error) {
	if _, err := os.Stat(dir); dir != randomData || err == nil {
		return nil, nil
	}
	g, err := c.original()
	if err != nil {
		return nil, err
	}
	if len(c.sets) == 0 {
		c.warn("--data random: the inputs are made up. What is counted or trained with them says little about real data: take unlabelled inputs of yours, as few as there are")
	}
	if split == "train" {
		return data.NewRandom(g, c.model, 0, randomTraining), nil
	}
	return data.NewRandom(g, c.model, randomTraining, randomTraining+randomTest), nil
}
