// Command table prints what became of a worked example: the original, the largest and the smallest SubNet and some of the front, with qualities and
// latencies as predicted and as measured. It runs the command of the example's package, as a user would.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// example is where the files of an example are.
type example struct {
	command       string // of its package
	judge         string // command that counts on the test split, which may know labels that the package does not
	model, tuned  string // weights before and after tuning
	data          string
	lut, accuracy string
}

func main() {
	var e example
	flag.StringVar(&e.command, "command", "", "the package's command, built")
	flag.StringVar(&e.judge, "judge", "", "command that counts on the test split, instead of the package's")
	flag.StringVar(&e.model, "model", "model.onnx", "the model that the package was generated from")
	flag.StringVar(&e.tuned, "tuned", "tuned.onnx", "its tuned weights")
	flag.StringVar(&e.data, "data", "data", "folder with data")
	flag.StringVar(&e.lut, "lut", "build/device.lut", "table of latencies")
	flag.StringVar(&e.accuracy, "accuracy", "build/net.acc", "table of sensitivities")
	points := flag.Int("points", 5, "SubNets of the front")
	flag.Parse()
	if e.judge == "" {
		e.judge = e.command
	}
	if err := e.print(*points); err != nil {
		fmt.Fprintln(os.Stderr, "table:", err)
		os.Exit(1)
	}
}

// ask runs a command and reads the JSON that it prints.
func ask(command string, answer any, args ...string) error {
	cmd := exec.Command(command, append(args, "--json")...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%s: %w", strings.Join(args, " "), err)
	}
	return json.Unmarshal(out, answer)
}

// metric is what qualities are.
type metric struct {
	Name, Unit    string
	LowerIsBetter bool `json:"lower_is_better"`
}

// found is what `search` prints.
type found struct {
	Points []struct{ SubNet string }
}

// evaluated is what `evaluate` prints.
type evaluated struct {
	Images  int
	Metric  metric
	SubNets []struct {
		SubNet   string
		Accuracy float64
	}
}

// verified is what `verify` prints.
type verified struct {
	Engines []struct {
		Median float64 `json:"median_ms"`
		Spread float64 `json:"spread_ms"`
	}
	Predicted float64 `json:"predicted_ms"`
	Accuracy  *struct {
		Metric              metric
		Predicted, Measured float64
		Images              int
	}
}

// row is a line of the table.
type row struct{ name, subnet, weights string }

// print prints the table as Markdown.
func (e *example) print(points int) error {
	var before, after evaluated
	if err := ask(e.judge, &before, "evaluate", "--model", e.model, "--data", e.data); err != nil {
		return err
	}
	smallest := before.SubNets[1].SubNet // after the original
	var front found
	if err := ask(e.command, &front, "search", "--lut", e.lut, "--accuracy", e.accuracy, "--points", fmt.Sprint(points)); err != nil {
		return err
	}
	rows := []row{{"original", "original", e.model}, {"smallest, not tuned", smallest, e.model}, {"largest", "original", e.tuned}, {"smallest", smallest, e.tuned}}
	args := []string{"evaluate", "--model", e.tuned, "--data", e.data}
	for k, p := range front.Points {
		rows = append(rows, row{fmt.Sprintf("front %d", k+1), p.SubNet, e.tuned})
	}
	for _, r := range rows[2:] {
		args = append(args, "--subnet", r.subnet)
	}
	if err := ask(e.judge, &after, args...); err != nil {
		return err
	}
	quality := map[[2]string]float64{}
	for weights, list := range map[string]evaluated{e.model: before, e.tuned: after} {
		for _, s := range list.SubNets {
			quality[[2]string{weights, s.SubNet}] = s.Accuracy
		}
	}
	return e.table(rows, quality, after)
}

// table measures each row and prints it.
func (e *example) table(rows []row, quality map[[2]string]float64, after evaluated) error {
	var lines []string
	what := ""
	for _, r := range rows {
		args := []string{"verify", "--model", r.weights, "--subnet", r.subnet, "--lut", e.lut}
		if r.weights == e.tuned {
			args = append(args, "--accuracy", e.accuracy, "--data", e.data)
		}
		var v verified
		if err := ask(e.command, &v, args...); err != nil {
			return err
		}
		if len(v.Engines) == 0 {
			return errors.New("verify measured nothing")
		}
		q, ok := quality[[2]string{r.weights, r.subnet}]
		if !ok {
			return fmt.Errorf("evaluate did not count %s", r.subnet)
		}
		predicted, counted := "", ""
		if a := v.Accuracy; a != nil {
			what = fmt.Sprintf("%s of %d samples", a.Metric.Name, a.Images)
			predicted, counted = number(a.Metric, a.Predicted), number(a.Metric, a.Measured)
		}
		lines = append(lines, fmt.Sprintf("| %s | %s | %s | %s | %.3f | %.3f ± %.3f | `%s` |", r.name, number(after.Metric, q), predicted, counted, v.Predicted, v.Engines[0].Median, v.Engines[0].Spread/2, r.subnet))
	}
	fmt.Printf("| SubNet | %s of %d test samples | %s: predicted | counted | latency ms: predicted | measured | choices |\n|---|---|---|---|---|---|---|\n", after.Metric.Name, after.Images, what)
	fmt.Println(strings.Join(lines, "\n"))
	return nil
}

// number is a quality as tables show it: in per cent, or as it is where lower values are better.
func number(m metric, q float64) string {
	if m.LowerIsBetter {
		return fmt.Sprintf("%.3f", q)
	}
	return fmt.Sprintf("%.1f", 100*q)
}
