package browser

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/autotailor/autotailor/generated/levit"
	"github.com/autotailor/autotailor/runtime/command/report"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// hostile is text as only a model that means harm has it.
const hostile = `</script><script>alert(1)</script><img src=x onerror=alert(2)>`

// real is a page of a real SuperNet with attention, and made-up numbers: its front changes one gene after the other.
func real() report.Page { return pageOf(levit.Definition()) }

// pageOf is a page of a SuperNet, with a made-up front.
func pageOf(net *supernet.Net) report.Page {
	p := report.Page{Title: net.Package + " on a test", Package: net.Package, Command: "go run ./cmd/" + net.Package, Model: net.Source.File, LUT: "device.lut"}
	p.Facts = []report.Fact{{Name: "engine", Value: "test 1"}, {Name: "threads", Value: "1"}}
	for _, s := range net.Stages {
		p.Stages = append(p.Stages, report.Stage{Index: s.Index, Width: s.Width, Blocks: append([]string{}, s.Blocks...), Elastic: s.Elastic})
	}
	for _, c := range net.Choices {
		p.Choices = append(p.Choices, report.Choice{Name: c.Name, Kind: c.Kind, Values: c.Values})
	}
	g := make(space.Genes, len(net.Choices))
	for i := range g {
		p.Front = append(p.Front, point(space.Format(net.Choices, g), len(g)-i))
		p.Front[i].Recalibrate = i > 0 // all but the original
		g[i] = uint8(len(net.Choices[i].Values) - 1)
	}
	slices.Reverse(p.Front)
	p.Original = &p.Front[len(p.Front)-1]
	fill(&p)
	return p
}

// point is the i-th point of a front that gets flatter.
func point(subnet string, i int) report.Point {
	return report.Point{
		SubNet: subnet, Latency: time.Duration(1e6 + 4e4*i), Accuracy: 0.95 - 0.3*math.Exp(-float64(i)/9), MACs: int64(1e6 * (i + 1)), Params: int64(1e5 * (i + 1)), Memory: int64(1e4 * (i + 1)),
	}
}

// fill adds tables of made-up numbers.
func fill(p *report.Page) {
	for i, c := range p.Choices {
		row := report.HeatRow{Choice: c.Name}
		for k, v := range c.Values[1:] {
			row.Cells = append(row.Cells, report.Cell{Value: v, Loss: 0.01*float64((i*7+k*3)%11) - 0.01})
		}
		p.Heat = append(p.Heat, row)
	}
	for i, name := range []string{"Conv+Relu", "MatMul", "Gemm", "Softmax", "Add"} {
		p.Kinds = append(p.Kinds, report.Kind{Name: name, Rows: 20 - 3*i, Share: []float64{.5, .25, .15, .07, .03}[i], MS: 2 * []float64{.5, .25, .15, .07, .03}[i], Failed: i / 4})
	}
	p.Groups = []report.Kind{{Name: "Conv | Relu", Rows: 12}, {Name: "MatMul | Add | Softmax", Rows: 4}}
	for i, q := range p.Front {
		if i%5 == 0 {
			p.Checked = append(p.Checked, report.Checked{SubNet: q.SubNet, Predicted: q.MS(), Measured: q.MS() * (1 + 0.02*float64(i%7-3))})
		}
	}
	p.Cliffs = []report.Cliff{{Choice: p.Choices[0].Name, Value: "0.75", Wider: "1", MS: 2, WiderMS: 1.9}}
}

// big is a net of 10 stages with 10 blocks each and a front of 1,000 points; its names mean harm.
func big() report.Page {
	p := report.Page{Title: "big " + hostile, Package: "big", Command: "go run ./cmd/big", Model: "big.onnx", LUT: "big.lut", Facts: []report.Fact{{Name: "device", Value: hostile}}}
	for s := range 10 {
		stage := report.Stage{Index: s, Width: 64 << (s / 2)}
		p.Choices = append(p.Choices, report.Choice{Name: fmt.Sprintf("stage%d.depth", s), Kind: "depth", Values: []string{"10", "9", "8", "7"}})
		for b := range 10 {
			stage.Blocks = append(stage.Blocks, "InvertedResidual")
			p.Choices = append(p.Choices, report.Choice{Name: fmt.Sprintf("stage%d.%d.expand", s, b), Kind: "expand", Values: []string{"6", "4", "3", hostile}})
		}
		p.Stages = append(p.Stages, stage)
	}
	for i := range 1000 {
		var parts []string
		for k, c := range p.Choices {
			if v := (i*(k+1)/97 + k) % 3; v > 0 {
				parts = append(parts, c.Name+"="+c.Values[v])
			}
		}
		q := point(strings.Join(parts, ","), i)
		q.Latency, q.Accuracy = time.Duration(1e6+5e3*i), 0.95-0.4*math.Exp(-float64(i)/200)
		p.Front = append(p.Front, q)
	}
	fill(&p)
	return p
}
