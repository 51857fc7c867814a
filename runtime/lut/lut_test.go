package lut_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/autotailor/autotailor/runtime/lut"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// small returns a net of one choice whose unfused sites need operators 0 to 3; 4 is for a fused site.
func small() *supernet.Net {
	n := &supernet.Net{Package: "small", Choices: []space.Choice{{Name: "width", Values: []string{"1", "0.5"}}}}
	for i := range 5 {
		n.Ops = append(n.Ops, supernet.Op{Steps: "Conv kernel_shape=1,1", In: "1x3x8x8", Params: fmt.Sprintf("%dx3x1x1", i+1), Out: fmt.Sprintf("1x%dx8x8", i+1)})
	}
	n.Rules = []supernet.Rules{
		{Name: "none", Sites: []supernet.Site{
			{Name: "a", Deps: []uint8{0}, Ops: []supernet.ID{1, 0}},
			{Name: "b", Deps: []uint8{0}, Ops: []supernet.ID{3, 2}},
		}},
		{Name: "fused", Sites: []supernet.Site{{Name: "a", Ops: []supernet.ID{4}}}},
	}
	n.Digest = supernet.Digest(n)
	return n
}

// measured returns a table for small with all operators but 4.
func measured(n *supernet.Net) *lut.Table {
	h := lut.HeaderOf(n)
	h.Device, h.Engine, h.Version, h.Threads, h.Precision, h.Protocol, h.Date = "cpu", "engine", "1.2", 2, "fp32", "5 warm-up runs", "2026-01-02"
	t := lut.New(n, h)
	for id := range 4 {
		r := &t.Rows[id]
		r.N, r.Min, r.Median, r.Spread = 10, time.Duration(90+id), time.Duration(100+id), 5
	}
	return t
}

func text(t *testing.T, table *lut.Table) string {
	t.Helper()
	var b bytes.Buffer
	if err := table.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestFilesRoundTrip(t *testing.T) {
	n := small()
	want := measured(n)
	want.Rows[3].Energy = 1234567
	want.Rows[4].Failed = "out of \"memory\"\nsorry"
	file := text(t, want)
	got, err := lut.Read(strings.NewReader(file), n)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("got %+v, %v from\n%s", got, err, file)
	}
	path := filepath.Join(t.TempDir(), "t.lut")
	if err := got.WriteFile(path); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(file, "\n2 10 92 102 5 - Conv kernel_shape=1,1 ") {
		t.Errorf("unexpected row form in\n%s", file)
	}
}

func TestSumAddsMedians(t *testing.T) {
	n := small()
	s, err := measured(n).Sum(n)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := s.At([]uint8{0}), s.At([]uint8{1}); a != 101+103 || b != 100+102 {
		t.Errorf("got %d and %d", a, b)
	}
}

func TestSumRefusesMissingAndFailedRowsThatItNeeds(t *testing.T) {
	n := small()
	table := measured(n)
	table.Rows[4].Failed = "not needed"
	table.Rows[1] = lut.Row{Key: table.Rows[1].Key}
	table.Rows[2] = lut.Row{Key: table.Rows[2].Key, Failed: "too big"}
	_, err := table.Sum(n)
	var missing *lut.MissingError
	if !errors.As(err, &missing) || fmt.Sprint(missing.IDs) != "[1 2]" || !strings.Contains(err.Error(), "too big") || !strings.Contains(err.Error(), "2x3x1x1") {
		t.Errorf("got %v", err)
	}
	table.Header.Rules = "ncnn"
	if _, err := table.Sum(n); err == nil || !strings.Contains(err.Error(), `"ncnn"`) {
		t.Errorf("unknown rules: %v", err)
	}
}

func TestReadRefusesOtherPackagesAndDigests(t *testing.T) {
	n := small()
	file := text(t, measured(n))
	for _, reason := range []string{"package", "digest"} {
		other := small()
		if reason == "package" {
			other.Package = "big"
		} else {
			other.Digest = "0"
		}
		_, err := lut.Read(strings.NewReader(file), other)
		var mismatch *lut.MismatchError
		if !errors.As(err, &mismatch) || mismatch.Reason != reason || !strings.Contains(err.Error(), reason) {
			t.Errorf("%s: %v", reason, err)
		}
	}
}

func TestReadListsAllMistakesWithLines(t *testing.T) {
	n := small()
	table := measured(n)
	key := table.Rows[0].Key
	header, _, _ := strings.Cut(text(t, table), "\n\n")
	file := header + "\n\n" + strings.Join([]string{
		"x 1 1 1 1 - " + key,
		"9 1 1 1 1 - " + key,
		"1 1 1 1 1 - " + key,
		"0 1 1 1 1 - " + key,
		"0 1 1 1 1 - " + key,
		"0 1 -1 1 1 - " + key,
		"0 1 1 1 1 7",
		"0 0 1 1 1 - " + key,
		"0 failed why " + key,
	}, "\n")
	_, err := lut.Read(strings.NewReader(file), n)
	if err == nil {
		t.Fatal("no error")
	}
	for _, line := range []int{14, 15, 16, 18, 19, 20, 21, 22} {
		if !strings.Contains(err.Error(), fmt.Sprintf("line %d: ", line)) {
			t.Errorf("no mistake in line %d:\n%v", line, err)
		}
	}
	if strings.Contains(err.Error(), "line 17:") {
		t.Errorf("line 17 is right:\n%v", err)
	}
}

func TestMigrateMatchesByKey(t *testing.T) {
	n := small()
	old, err := lut.Parse(strings.NewReader(text(t, measured(n))))
	if err != nil {
		t.Fatal(err)
	}
	grown := small()
	grown.Ops = append([]supernet.Op{{Steps: "Relu", In: "1", Out: "1"}}, grown.Ops...)
	grown.Digest = "new"
	table, missing := lut.Migrate(old, grown)
	if fmt.Sprint(missing) != "[0 5]" || table.Rows[3].Median != 102 || table.Match(grown) != nil || table.Header.Device != "cpu" {
		t.Errorf("missing %v, table %+v", missing, table)
	}
}

func TestJournalResumes(t *testing.T) {
	n := small()
	full := measured(n)
	path := filepath.Join(t.TempDir(), "t.lut")
	for id := range 4 {
		full.Header.Date = fmt.Sprint(id)
		j, table, err := lut.OpenJournal(path, n, full.Header)
		if err != nil {
			t.Fatal(err)
		}
		missing, err := table.Missing(n)
		if err != nil || len(missing) != 4-id {
			t.Fatalf("step %d: %v missing, %v", id, missing, err)
		}
		if err := errors.Join(j.Add(supernet.ID(id), lut.Row{Failed: "first"}), j.Add(supernet.ID(id), full.Rows[id]), j.Close()); err != nil {
			t.Fatal(err)
		}
	}
	j, table, err := lut.OpenJournal(path, n, full.Header)
	if err != nil || j.Close() != nil || !reflect.DeepEqual(table, full) {
		t.Errorf("got %+v, %v", table, err)
	}
	full.Header.Device = "other"
	if _, _, err := lut.OpenJournal(path, n, full.Header); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("other device: %v", err)
	}
}

func FuzzRead(f *testing.F) {
	n := small()
	var b bytes.Buffer
	table := covered(n)
	if err := table.Write(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	rng := rand.New(rand.NewPCG(1, 1))
	for range 20 {
		mutant := bytes.Clone(b.Bytes())
		mutant[rng.IntN(len(mutant))] = byte(rng.IntN(128))
		f.Add(mutant)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := lut.Read(bytes.NewReader(data), n)
		if err != nil {
			return
		}
		again, err := lut.Read(strings.NewReader(text(t, got)), n)
		if err != nil || !reflect.DeepEqual(got, again) {
			t.Fatalf("%+v, then %+v (%v)", got, again, err)
		}
	})
}

// TestEnergyIsWhatRowsSayOrAConstantPower: a table without an energy that is needed says so.
func TestEnergyIsWhatRowsSayOrAConstantPower(t *testing.T) {
	n := small()
	table := measured(n)
	for id := range 4 {
		table.Rows[id].Energy = int64(1000 + id)
	}
	s, err := table.Energy(n, 0)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := s.At([]uint8{0}), s.At([]uint8{1}); a != 1001+1003 || b != 1000+1002 {
		t.Errorf("got %d and %d", a, b)
	}
	if s, err = table.Energy(n, 2.5); err != nil {
		t.Fatal(err)
	}
	if a := s.At([]uint8{0}); a != 253+258 {
		t.Errorf("at 2.5 W: %d nJ", a)
	}
	table.Rows[2].Energy = 0
	var lacking *lut.NoEnergyError
	if _, err := table.Energy(n, 0); !errors.As(err, &lacking) || len(lacking.Keys) != 1 || !strings.Contains(err.Error(), table.Rows[2].Key) {
		t.Errorf("no energy: %v", err)
	}
	for _, watts := range []float64{-1, 1e6} {
		if _, err := table.Energy(n, watts); err == nil {
			t.Errorf("%v W was accepted", watts)
		}
	}
}

// covered is a table with all kinds of rows and a calibration.
func covered(n *supernet.Net) *lut.Table {
	t := measured(n)
	t.Header.Method, t.Header.Reference, t.Header.Kernels, t.Header.Tool = lut.Covering, "width=0.5 1234", "12 Conv Relu; 3 Gemm / Relu", "0.1.0"
	t.Header.Calibration = lut.Calibration{Scale: 1.25, Constant: -40, Networks: 10}
	t.Rows[1].Layout = lut.Layout{N: 8, Min: 15, Median: 20, Spread: 3}
	t.Rows[2] = lut.Row{Key: t.Rows[2].Key, N: 9, Elided: true, Layout: lut.Layout{N: 9, Min: 1, Median: 2, Spread: 3}}
	t.Rows[4].Failed = "why"
	return t
}

// TestAllKindsOfRowsRoundTrip through both readers.
func TestAllKindsOfRowsRoundTrip(t *testing.T) {
	n := small()
	want := covered(n)
	file := text(t, want)
	for _, line := range []string{"\ncalibration: 1.250000 -40 10\n", "\n1 layout 8 15 20 3 Conv", "\n2 elided 9 Conv", "\n2 layout 9 1 2 3 Conv"} {
		if !strings.Contains(file, line) {
			t.Errorf("no %q in\n%s", line, file)
		}
	}
	got, err := lut.Read(strings.NewReader(file), n)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v (%v)", got, want, err)
	}
	parsed, err := lut.Parse(strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	migrated, missing := lut.Migrate(parsed, n)
	for id := range 4 {
		if migrated.Rows[id] != want.Rows[id] {
			t.Errorf("%+v, want %+v", migrated.Rows[id], want.Rows[id])
		}
	}
	if len(missing) != 1 || missing[0] != 4 {
		t.Errorf("missing %v, want the failed row", missing)
	}
}

// TestSumIsCalibrated: scale times rows and layout changes, plus a constant; energy of a constant power follows.
func TestSumIsCalibrated(t *testing.T) {
	n := small()
	table := covered(n)
	sum, err := table.Sum(n)
	if err != nil {
		t.Fatal(err)
	}
	// width 1: operators 1 (101 ns and 20 ns of layout) and 3 (103 ns); width 0.5: operators 0 (100 ns) and 2, of which the layout counts only.
	for v, want := range map[uint8]int64{0: 151 + 129 - 40, 1: 125 + 3 - 40} {
		if got := sum.At([]uint8{v}); got != want {
			t.Errorf("%d: %d ns, want %d", v, got, want)
		}
	}
	energy, err := table.Energy(n, 2)
	if err != nil {
		t.Fatal(err)
	}
	if got := energy.At([]uint8{0}); got < 479 || got > 481 {
		t.Errorf("%d nJ at 2 W, want twice the latency", got)
	}
	table.Header.Calibration.Constant = -200 // of 128 and 280 ns
	if _, err := table.Sum(n); err == nil || !strings.Contains(err.Error(), "profile again") {
		t.Errorf("a SubNet that takes no time: %v", err)
	}
}

// TestReadRefusesBadRows of the kinds that covering measurements have.
func TestReadRefusesBadRows(t *testing.T) {
	n := small()
	file := text(t, covered(n))
	key := n.Ops[0].Key()
	for name, change := range map[string][2]string{
		"scale 0":                {"calibration: 1.250000", "calibration: 0.000000"},
		"no scale":               {"calibration: 1.250000", "calibration: x"},
		"layout without its row": {"\n1 10 ", "\n9 10 "},
		"elided in no run":       {"2 elided 9", "2 elided 0"},
		"layout in no run":       {"1 layout 8", "1 layout 0"},
		"a minimum above":        {"layout 8 15", "layout 8 99"},
		"no key":                 {"0 10 90 100 5 - " + key, "0 10 90 100 5 -"},
	} {
		if !strings.Contains(file, change[0]) {
			t.Fatalf("%s: no %q", name, change[0])
		}
		if _, err := lut.Read(strings.NewReader(strings.Replace(file, change[0], change[1], 1)), n); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestReadSaysWhatToDoAboutOtherFormats and units of files that other versions wrote.
func TestReadSaysWhatToDoAboutOtherFormats(t *testing.T) {
	n := small()
	for was, is := range map[string]string{"latencies 6": "latencies 4", "units: ns nJ": "units: us"} {
		old := strings.Replace(text(t, measured(n)), was, is, 1)
		if _, err := lut.Read(strings.NewReader(old), n); err == nil || !strings.Contains(err.Error(), "run profile again") {
			t.Errorf("%s: got %v", is, err)
		}
	}
}
