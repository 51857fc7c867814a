package plot

import (
	"errors"
	"fmt"
	"image/color"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// Series is a quantity over time, drawn as steps.
type Series struct {
	Label string
	X, Y  []float64
	Limit float64 // drawn as a line, 0 for none
}

// Stack plots quantities over the same time below each other, as a PNG file.
func Stack(path, title, x string, series []Series) error {
	if strings.ToLower(filepath.Ext(path)) != ".png" {
		return fmt.Errorf("%s: this plot is a .png file", path)
	}
	if len(series) == 0 {
		return errors.New("there is nothing to plot")
	}
	rows := make([][]*plot.Plot, len(series))
	for i, s := range series {
		p, err := s.draw()
		if err != nil {
			return err
		}
		if i == 0 {
			p.Title.Text = title
		}
		if i == len(series)-1 {
			p.X.Label.Text = x
		}
		rows[i] = []*plot.Plot{p}
	}
	img := vgimg.New(18*vg.Centimeter, vg.Length(5*len(series))*vg.Centimeter)
	tiles := draw.Tiles{Rows: len(series), Cols: 1, PadY: vg.Points(6), PadTop: vg.Points(4), PadRight: vg.Points(8), PadBottom: vg.Points(4), PadLeft: vg.Points(4)}
	for i, c := range plot.Align(rows, tiles, draw.New(img)) {
		rows[i][0].Draw(c[0])
	}
	return write(path, vgimg.PngCanvas{Canvas: img})
}

func (s Series) draw() (*plot.Plot, error) {
	p := plot.New()
	p.Y.Label.Text = s.Label
	p.Y.Min = 0
	p.Add(plotter.NewGrid())
	points := make(plotter.XYs, len(s.X))
	for i := range points {
		points[i].X, points[i].Y = s.X[i], s.Y[i]
	}
	line, err := plotter.NewLine(points)
	if err != nil {
		return nil, err
	}
	line.StepStyle, line.Color, line.Width = plotter.PostStep, color.RGBA{R: 38, G: 94, B: 168, A: 255}, vg.Points(1.2)
	p.Add(line)
	if s.Limit > 0 {
		limit := plotter.NewFunction(func(float64) float64 { return s.Limit })
		limit.Color, limit.Dashes = color.RGBA{R: 200, G: 40, B: 40, A: 255}, []vg.Length{vg.Points(4), vg.Points(3)}
		p.Add(limit)
		p.Y.Max = max(p.Y.Max, 1.1*s.Limit)
	}
	return p, nil
}
