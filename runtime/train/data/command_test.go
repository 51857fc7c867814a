package data_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/train/data"
)

// scorerMode tells a process of this test that it is a scorer, and which kind.
const scorerMode = "AUTOTAILOR_TEST_SCORER"

// TestMain is a scorer where scorerMode says so: its quality is the first number of each sample's output. One of kind "end" tells the mean in the end,
// one of kind "bad" no JSON, one of kind "null" no quality of the second sample, "silent" does not answer a batch, "closed" closes its standard output,
// and "dead" ends with exit status 3.
func TestMain(m *testing.M) {
	kind := os.Getenv(scorerMode)
	if kind == "" {
		os.Exit(m.Run())
	}
	in, sum, n := bufio.NewScanner(os.Stdin), 0.0, 0
	for in.Scan() {
		var l struct {
			Type           string
			Samples        []int
			Outputs, Names []string
			Targets        string
		}
		if err := json.Unmarshal(in.Bytes(), &l); err != nil {
			panic(err)
		}
		switch {
		case l.Type == "hello":
			fmt.Println(`{"type":"hello","version":1}`)
		case kind == "null":
			fmt.Println(`{"quality":[0.5,null]}`)
		case kind == "silent":
			fmt.Fprintln(os.Stderr, "thinking")
		case kind == "closed":
			os.Stdout.Close()
		case kind == "dead":
			os.Exit(3)
		case kind == "bad":
			fmt.Fprintln(os.Stderr, "cannot load the ground truth")
			fmt.Println("oops")
		case l.Type == "end" && kind == "end":
			fmt.Printf("{\"quality\":[%g]}\n", sum/float64(n))
			sum, n = 0, 0
		case l.Type == "end":
			fmt.Println(`{}`)
		default:
			list := firsts(l.Outputs[0], len(l.Samples))
			for _, q := range list {
				sum, n = sum+q, n+1
			}
			if kind == "end" {
				list = nil
			}
			text, _ := json.Marshal(map[string]any{"quality": list})
			fmt.Println(string(text))
		}
	}
}

// firsts reads the first number of each sample of an npy file.
func firsts(path string, n int) []float64 {
	raw, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	t := nn.Tensor{Type: nn.Float32, Shape: nn.Shape{n, 2}, Raw: raw[len(raw)-n*8:]}
	var out []float64
	for i := range n {
		out = append(out, t.Numbers()[2*i])
	}
	return out
}

// TestCommand: a program scores each sample, or all of them in the end; one that answers nonsense is an error with what it wrote.
func TestCommand(t *testing.T) {
	for _, kind := range []string{"each", "end", "bad"} {
		t.Setenv(scorerMode, kind)
		task, err := data.TaskConfig{Name: "cmd:'" + os.Args[0] + "'", Metric: "mAP"}.Task()
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // networks
			j, err := task.Fit(data.Signature{Outputs: []nn.Info{{Name: "y", Type: nn.Float32, Shape: nn.Shape{-1, 2}}}}, made{nil, nn.Tensor{}, 2})
			if err != nil {
				t.Fatal(err)
			}
			b := data.Batch{Samples: []int{0, 1}, Outputs: []nn.Tensor{reals(nn.Shape{2, 2}, 0.25, 9, 0.75, 9)}, Targets: whole(nn.Shape{2}, 1, 1)}
			list, err := j.Quality(b)
			if kind == "bad" {
				if err == nil || !strings.Contains(err.Error(), "ground truth") || !strings.Contains(err.Error(), "oops") {
					t.Errorf("%v", err)
				}
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			q, known, err := j.Whole()
			if err != nil || known != (kind == "end") || known && q != 0.5 {
				t.Errorf("%s: %g, %t, %v", kind, q, known, err)
			}
			if kind == "each" && fmt.Sprint(list) != "[0.25 0.75]" {
				t.Errorf("qualities %v", list)
			}
		}
	}
	if _, err := (data.TaskConfig{Name: "cmd:"}).Task(); err == nil {
		t.Error("no error without a program")
	}
	task, err := data.TaskConfig{Name: "cmd:/nowhere/scorer"}.Task()
	if err != nil {
		t.Fatal(err)
	}
	j, _ := task.Fit(data.Signature{}, made{})
	if _, err := j.Quality(data.Batch{}); err == nil || !strings.Contains(err.Error(), "/nowhere/scorer") {
		t.Errorf("%v", err)
	}
}

// TestBrokenScorers: a program that does not tell each quality, does not answer, or ends is an error that says so, and is asked no more.
func TestBrokenScorers(t *testing.T) {
	for kind, want := range map[string]string{
		"null": "quality 1 of the answer to samples [4 7] is null", "silent": "has not answered the line \"batch\" for 300ms", "closed": "closed its standard output",
		"dead": "exit status 3",
	} {
		t.Setenv(scorerMode, kind)
		task, err := data.CommandWithin("'"+os.Args[0]+"'", "", 300*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		j, err := task.Fit(data.Signature{Outputs: []nn.Info{{Name: "y", Type: nn.Float32, Shape: nn.Shape{-1, 2}}}}, made{nil, nn.Tensor{}, 2})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			_, err := j.Quality(data.Batch{Samples: []int{4, 7}, Outputs: []nn.Tensor{reals(nn.Shape{2, 2}, 0.25, 9, 0.75, 9)}})
			if err == nil || !strings.Contains(err.Error(), want) || kind == "silent" && !strings.Contains(err.Error(), "thinking") {
				t.Errorf("%s: %v, want %q", kind, err, want)
			}
		}
	}
}
