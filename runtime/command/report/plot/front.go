// Package plot draws plots. It is the only package that needs a plotting library.
package plot

import (
	"errors"
	"fmt"
	"image/color"
	"io"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"github.com/autotailor/autotailor/internal/outfile"
	"github.com/autotailor/autotailor/runtime/command/report"
)

// Front plots accuracy, or what m says, over latency as a PNG or SVG file, whichever the name's extension says. Points with a label are marked.
func Front(path, title string, m report.Metric, points []report.Point) error {
	if len(points) == 0 {
		return errors.New("there is nothing to plot")
	}
	p := plot.New()
	p.Title.Text = title
	p.X.Label.Text, p.Y.Label.Text = "predicted latency, ms", "predicted "+m.Axis()
	p.Add(plotter.NewGrid())
	all := make(plotter.XYs, len(points))
	marked := plotter.XYLabels{}
	for i, q := range points {
		all[i].X, all[i].Y = q.MS(), m.Shown(q.Accuracy)
		if q.Label != "" {
			marked.XYs, marked.Labels = append(marked.XYs, all[i]), append(marked.Labels, " "+q.Label)
		}
	}
	line, dots, err := plotter.NewLinePoints(all)
	if err != nil {
		return err
	}
	line.StepStyle = plotter.PostStep
	line.Color, dots.Color, dots.Radius = blue, blue, vg.Points(2)
	p.Add(line, dots)
	if len(marked.XYs) > 0 {
		stars, err := plotter.NewScatter(marked.XYs)
		if err != nil {
			return err
		}
		stars.Color, stars.Radius = red, vg.Points(4)
		labels, err := plotter.NewLabels(marked)
		if err != nil {
			return err
		}
		p.Add(stars, labels)
	}
	return save(p, path, 16*vg.Centimeter, 11*vg.Centimeter)
}

// save writes the file at once, in the format that its name says.
func save(p *plot.Plot, path string, width, height vg.Length) error {
	ext := strings.ToLower(filepath.Ext(path))
	if ext != ".png" && ext != ".svg" {
		return fmt.Errorf("%s: plots are .png or .svg files", path)
	}
	p.Title.Padding = vg.Points(8)
	p.X.Label.Padding, p.Y.Label.Padding = vg.Points(4), vg.Points(4)
	p.BackgroundColor = color.White
	w, err := p.WriterTo(width, height, ext[1:])
	if err != nil {
		return err
	}
	return write(path, w)
}

func write(path string, plot io.WriterTo) error {
	return outfile.WriteAll(outfile.Content{Path: path, Write: func(dst io.Writer) error {
		_, err := plot.WriteTo(dst)
		return err
	}})
}
