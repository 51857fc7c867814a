package accuracy_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/runtime/accuracy"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// small returns a net whose third choice goes away with the depth.
func small() *supernet.Net {
	return &supernet.Net{
		Package: "small",
		Source:  supernet.Source{SHA256: "abc"},
		Choices: []space.Choice{
			{Name: "resolution", Values: []string{"32", "28", "24"}},
			{Name: "depth", Values: []string{"2", "1"}},
			{Name: "expand", Values: []string{"6", "3"}, Live: space.Need{Gene: 1, Below: 1}},
		},
	}
}

// measured returns a complete table; expand=3 is better than the original.
func measured(n *supernet.Net) *accuracy.Table {
	t := accuracy.New(n, accuracy.Header{Images: 1000, Data: "d1 d2", Recalibration: 64, Seed: 3, Resize: "bilinear", Engine: "e 1", Date: "2026-01-02"})
	t.Base = 900
	t.Correct[0][1], t.Correct[0][2], t.Correct[1][1], t.Correct[2][1] = 890, 850, 800, 905
	return t
}

func text(t *testing.T, table *accuracy.Table, n *supernet.Net) string {
	t.Helper()
	var b bytes.Buffer
	if err := table.Write(&b, n); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestFilesRoundTrip(t *testing.T) {
	n := small()
	want := measured(n)
	file := text(t, want, n)
	got, err := accuracy.Read(strings.NewReader(file), n)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("got %+v, %v from\n%s", got, err, file)
	}
	if !strings.HasSuffix(file, "\n\noriginal 900\nresolution=28 890\nresolution=24 850\ndepth=1 800\nexpand=3 905\n") {
		t.Errorf("unexpected rows in\n%s", file)
	}
	if err := got.WriteFile(filepath.Join(t.TempDir(), "a"), n); err != nil {
		t.Error(err)
	}
}

func TestPenaltyCountsLiveChoicesOnly(t *testing.T) {
	n := small()
	table := measured(n)
	penalty, err := table.Penalty(n)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		genes   []uint8
		penalty int64
		percent float64
	}{{[]uint8{0, 0, 0}, 0, 90}, {[]uint8{0, 0, 1}, 0, 90}, {[]uint8{2, 0, 1}, 50, 85}, {[]uint8{0, 1, 1}, 100, 80}} { // expand=3 gains 5 by chance
		p := penalty.At(c.genes)
		if got := fmt.Sprintf("%.4f", 100*table.Accuracy(p)); p != c.penalty || got != fmt.Sprintf("%.4f", c.percent) {
			t.Errorf("%v: penalty %d, accuracy %s, want %d, %v", c.genes, p, got, c.penalty, c.percent)
		}
	}
}

// TestLossesGrow: whatever was counted, a smaller candidate is predicted to lose at least what a larger one does, and never less than nothing; what
// was counted so already stays, and the sum over a choice whose losses are positive does, too.
func TestLossesGrow(t *testing.T) {
	n := small()
	rng := rand.New(rand.NewPCG(5, 5))
	for range 2000 {
		table := measured(n)
		counted := make([]int, len(table.Correct[0]))
		for v := 1; v < len(counted); v++ {
			counted[v] = rng.IntN(60) - 10
			table.Correct[0][v] = table.Base - counted[v]
		}
		penalty, err := table.Penalty(n)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]int, len(counted))
		for v := range got {
			got[v] = int(penalty.At([]uint8{uint8(v), 0, 0}))
		}
		if !slices.IsSorted(got) || got[0] != 0 {
			t.Fatalf("counted %v, predicted %v", counted, got)
		}
		if slices.IsSorted(counted) && !slices.Equal(got, counted) {
			t.Fatalf("counted %v, which may stay, predicted %v", counted, got)
		}
		sum := func(list []int) (s int) {
			for _, v := range list {
				s += v
			}
			return s
		}
		if d := sum(got) - sum(counted); slices.Min(counted) >= 0 && (d > len(got) || d < -len(got)) { // rounding
			t.Fatalf("counted %v, predicted %v", counted, got)
		}
	}
}

func TestReadRefusesTablesOfOthers(t *testing.T) {
	file := text(t, measured(small()), small())
	for reason, change := range map[string]func(*supernet.Net){
		"package": func(n *supernet.Net) { n.Package = "other" },
		"digest":  func(n *supernet.Net) { n.Choices[0].Values[2] = "20" },
		"source":  func(n *supernet.Net) { n.Source.SHA256 = "abd" },
	} {
		n := small()
		change(n)
		_, err := accuracy.Read(strings.NewReader(file), n)
		var mismatch *accuracy.MismatchError
		if !errors.As(err, &mismatch) || mismatch.Reason != reason {
			t.Errorf("%s: %v", reason, err)
		}
	}
}

func TestReadListsMissingProbes(t *testing.T) {
	n := small()
	table := measured(n)
	table.Base, table.Correct[2][1] = accuracy.Unknown, accuracy.Unknown
	_, err := accuracy.Read(strings.NewReader(text(t, table, n)), n)
	var missing *accuracy.MissingError
	if !errors.As(err, &missing) || fmt.Sprint(missing.Probes) != "[original expand=3]" {
		t.Errorf("got %v", err)
	}
	if _, err := table.Penalty(n); !errors.As(err, &missing) {
		t.Errorf("penalty of an incomplete table: %v", err)
	}
}

func TestReadListsAllMistakesWithLines(t *testing.T) {
	n := small()
	header, _, _ := strings.Cut(text(t, measured(n), n), "\n\n")
	rows := []string{"original 900", "original 901", "resolution=30 1", "resolution=28 1001", "resolution=24,depth=1 5", "depth=2 7", "expand=3 x"}
	_, err := accuracy.Read(strings.NewReader(header+"\n\n"+strings.Join(rows, "\n")), n)
	if err == nil {
		t.Fatal("no error")
	}
	for _, line := range []int{15, 16, 17, 18, 19, 20} {
		if !strings.Contains(err.Error(), fmt.Sprintf("line %d: ", line)) {
			t.Errorf("no mistake in line %d:\n%v", line, err)
		}
	}
}

func TestJournalResumes(t *testing.T) {
	n := small()
	want := measured(n)
	path := filepath.Join(t.TempDir(), "a")
	for left := 5; left > 0; left-- {
		j, table, err := accuracy.OpenJournal(path, n, want.Header)
		if err != nil {
			t.Fatal(err)
		}
		missing := table.Missing(n)
		if len(missing) != left {
			t.Fatalf("%d missing, want %d", len(missing), left)
		}
		correct := map[string]int{"original": 900, "resolution=28": 890, "resolution=24": 850, "depth=1": 800, "expand=3": 905}
		if err := errors.Join(j.Add(missing[0], correct[space.Format(n.Choices, missing[0])]), j.Close()); err != nil {
			t.Fatal(err)
		}
	}
	j, got, err := accuracy.OpenJournal(path, n, want.Header)
	if err != nil || j.Close() != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
}

// TestTheModelsNameDoesNotMatter: a file of an older release has no name of the model, and a model may be moved. The digest of its weights must be the
// same when a journal goes on.
func TestTheModelsNameDoesNotMatter(t *testing.T) {
	n := small()
	old := measured(n)
	old.Header.Weights = "f00"
	path := filepath.Join(t.TempDir(), "a")
	if err := old.WriteFile(path, n); err != nil {
		t.Fatal(err)
	}
	h := old.Header
	h.Model = "models/tuned.onnx"
	j, got, err := accuracy.OpenJournal(path, n, h)
	if err != nil || j.Close() != nil || len(got.Missing(n)) > 0 {
		t.Errorf("%+v, %v", got, err)
	}
	named := *old
	named.Header.Model = "models/tuned.onnx"
	if back, err := accuracy.Read(strings.NewReader(text(t, &named, n)), n); err != nil || back.Header.Model != named.Header.Model {
		t.Errorf("%+v, %v", back, err)
	}
	h.Weights = "f01"
	if _, _, err := accuracy.OpenJournal(path, n, h); err == nil {
		t.Error("other weights were counted into the same table")
	}
}

func FuzzRead(f *testing.F) {
	n := small()
	var b bytes.Buffer
	if err := measured(n).Write(&b, n); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := accuracy.Read(bytes.NewReader(data), n)
		if err != nil {
			return
		}
		again, err := accuracy.Read(strings.NewReader(text(t, got, n)), n)
		if err != nil || !reflect.DeepEqual(got, again) {
			t.Fatalf("%+v, then %+v (%v)", got, again, err)
		}
	})
}
