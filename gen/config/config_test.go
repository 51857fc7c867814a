package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

func TestMistakesAreReportedTogether(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	for _, f := range files {
		a, err := txtar.ParseFile(f)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(strings.TrimSuffix(filepath.Base(f), ".txtar"), func(t *testing.T) {
			_, err := Read(a.Files[0].Name, a.Files[0].Data)
			if err == nil {
				t.Fatal("no error")
			}
			want := strings.TrimSpace(string(a.Files[1].Data))
			if got := err.Error(); got != want && !(strings.Count(want, "\n") == 0 && strings.HasPrefix(got, want)) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestAuthorsFilesAreAccepted(t *testing.T) {
	files, err := filepath.Glob("testdata/authors/*.toml")
	if err != nil || len(files) != 7 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		c, err := Read(f, text)
		if err != nil {
			t.Error(err)
		}
		if len(c.Resolution) == 0 || len(c.Vars) == 0 || c.Divisor != 8 {
			t.Errorf("%s: read as %+v", f, c)
		}
	}
}

func TestFieldsOfAuthorsResNet(t *testing.T) {
	text, err := os.ReadFile("testdata/authors/timm_resnet50.toml")
	if err != nil {
		t.Fatal(err)
	}
	c, err := Read("r.toml", text)
	if err != nil {
		t.Fatal(err)
	}
	s := c.Supernet()
	if s.Blocks == nil || len(s.Blocks) != 0 || s.Base("BottleneckResidualBlock") != "out" || len(s.Resolution.List) != 25 {
		t.Errorf("%+v", s)
	}
	if got := s.WidthSkipped; !reflect.DeepEqual(got.List, []float64{1, -3, -2, -1}) || got.Pos != "r.toml:13" {
		t.Errorf("width_mult_skipped %+v", got)
	}
	if got := s.Var("BottleneckResidualBlock", "expand"); !reflect.DeepEqual(got.List, []float64{.15, .2, .25}) || got.Pos != "r.toml:18" {
		t.Errorf("expand_ratio %+v", got)
	}
}

func TestWriteThenRead(t *testing.T) {
	files, _ := filepath.Glob("testdata/authors/*.toml")
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		c, err := Read("x", text)
		if err != nil {
			t.Fatal(err)
		}
		c.Inputs = []Input{{"a b", []int{1, 3, 32, 32}}}
		c.Model, c.Package, c.Fusion, c.DepthKeep = "m.onnx", "p", []string{"ncnn"}, 2
		out := Write(c, Comments{"": {"top"}, "arch": {"table"}, "var.stage_vars.depth": {"key"}})
		again, err := Read("x", out)
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		c.lines, again.lines = nil, nil
		if !reflect.DeepEqual(c, again) {
			t.Errorf("%s: changed\n%+v\n%+v\n%s", f, c, again, out)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("title = 'x'\n[arch]\nblocks = [[1], 'MBBlock', {a = 1}]\n[[var.block_vars]]\nMBBlock.kernel_size = 3"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := Read("f", text)
		if err == nil {
			if _, err := Read("g", Write(c, nil)); err != nil {
				t.Errorf("%v\n%s", err, Write(c, nil))
			}
		}
	})
}
