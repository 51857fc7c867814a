package tune_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/train/tune"
)

// short is a run of few steps that uses every part of the state.
func short(t *testing.T) *tune.Tuner {
	r := tuner(t)
	r.Options.Strategy, r.Options.Teacher, r.Options.SubNets = "sandwich", "largest", 3
	r.Options.Steps, r.Options.EMA, r.Options.Erase, r.Every = 60, 0.9, 0.2, 7
	r.Options.Crop, r.Options.Jitter, r.Options.RandAugment, r.Options.Magnitude, r.Options.Mixup, r.Options.CutMix = 0.5, 0.3, 1, 9, 0.4, 1
	return r
}

// TestInterruptedRunsEndAlike: a run that is interrupted after any step, again and again, ends with the same bits as one that is not.
func TestInterruptedRunsEndAlike(t *testing.T) {
	needs.Time(t)
	history, want := result(t, short(t), "")
	path := filepath.Join(t.TempDir(), "c")
	for stop := 1; ; stop = 1 + 3*stop/2 {
		r := short(t)
		ctx, cancel := context.WithCancel(t.Context())
		first := 0
		r.Progress = func(p tune.Progress) {
			if first == 0 {
				first = p.Step
			}
			if p.Step >= stop {
				cancel()
			}
		}
		out, err := r.Run(ctx, path)
		cancel()
		if errors.Is(err, context.Canceled) {
			if first > stop {
				t.Fatalf("it went on with step %d after it was stopped at %d", first, stop)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := file(t, out); !bytes.Equal(got, want) || fmt.Sprint(out.History) != fmt.Sprint(history) {
			t.Errorf("other weights or another history: %v, want %v", out.History, history)
		}
		return
	}
}

// TestCheckpointsOfOtherRuns are refused, with everything that is different; damaged ones too.
func TestCheckpointsOfOtherRuns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c")
	r := short(t)
	r.Options.Steps = 3
	result(t, r, path)
	r = short(t)
	r.Options.Steps, r.Options.Seed = 3, 9
	r.Train = samples(3)
	_, err := r.Run(t.Context(), path)
	if err == nil || !strings.Contains(err.Error(), "--seed is 9, the run was begun with 1") || !strings.Contains(err.Error(), "images is") {
		t.Errorf("a checkpoint of another run: %v", err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 10, len(whole) / 2, len(whole) - 1} {
		broken := bytes.Clone(whole)
		broken[n] ^= 1
		for _, b := range [][]byte{whole[:n], broken} {
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			r := short(t)
			r.Options.Steps = 3
			if _, err := r.Run(t.Context(), path); err == nil || !strings.Contains(err.Error(), "remove it") {
				t.Errorf("damaged at %d: %v", n, err)
			}
		}
	}
}

// TestMain runs a tuner instead of tests when it is told so: see TestKilledRunsEndAlike.
func TestMain(m *testing.M) {
	if path := os.Getenv("AUTOTAILOR_TUNE_CHECKPOINT"); path != "" {
		os.Exit(victim(path))
	}
	os.Exit(m.Run())
}

// victim runs short, says each step, and writes its model beside the checkpoint.
func victim(path string) int {
	t := &testing.T{} // for helpers that fail only when the engine does
	r := short(t)
	r.Progress = func(p tune.Progress) { fmt.Println(p.Step) }
	out, err := r.Run(context.Background(), path)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := os.WriteFile(path+".onnx", file(t, out), 0o600); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// TestKilledRunsEndAlike kills a process that tunes at random moments. Each next one goes on at most one step before the last that was
// said to be done, and the last one's model has the bits of an uninterrupted run.
func TestKilledRunsEndAlike(t *testing.T) {
	needs.Time(t)
	_, want := result(t, short(t), "")
	path := filepath.Join(t.TempDir(), "c")
	rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1)) // every run of the test kills at other moments
	done, kills := 0, 0
	for done < 60 {
		first, last, killed := life(t, path, time.Duration(rng.IntN(80))*time.Millisecond, kills < 8)
		if first > done+1 || first != 0 && first < done {
			t.Fatalf("step %d came after step %d", first, done)
		}
		done = max(done, last)
		if killed {
			kills++
		} else {
			break
		}
	}
	got, err := os.ReadFile(path + ".onnx")
	if err != nil {
		_, _, _ = life(t, path, 0, false) // killed after the last step
		if got, err = os.ReadFile(path + ".onnx"); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d processes were killed", kills)
	if !bytes.Equal(got, want) {
		t.Errorf("after %d kills the model has other bits", kills)
	}
}

// life runs a victim, which is killed some time after its first step if kill is set, and returns the first and the last step that it said.
func life(t *testing.T, path string, after time.Duration, kill bool) (first, last int, killed bool) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "AUTOTAILOR_TUNE_CHECKPOINT="+path)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		step, err := strconv.Atoi(lines.Text())
		if err != nil {
			t.Fatalf("victim: %s", lines.Text())
		}
		if first == 0 {
			first = step
			if kill {
				time.AfterFunc(after, func() { _ = cmd.Process.Kill() }) // it may have ended by then
			}
		}
		last = step
	}
	err = cmd.Wait()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != -1) {
		t.Fatalf("victim: %v\n%s", err, errs.String())
	}
	return first, last, err != nil
}
