// Package report presents results: tables here, plots in package plot.
package report

import (
	"encoding/csv"
	"io"
	"strconv"
	"time"
)

// Point is a SubNet with its predictions.
type Point struct {
	SubNet   string // its text form
	Latency  time.Duration
	Accuracy float64 // share of images
	Label    string  // marks the point in plots; "" for most
}

// CSV writes points as a table with a header: subnet, latency_ms, accuracy.
func CSV(w io.Writer, points []Point) error {
	t := csv.NewWriter(w)
	rows := [][]string{{"subnet", "latency_ms", "accuracy"}}
	for _, p := range points {
		rows = append(rows, []string{
			p.SubNet, strconv.FormatFloat(float64(p.Latency.Nanoseconds())/1e6, 'f', 6, 64), strconv.FormatFloat(p.Accuracy, 'f', 6, 64),
		})
	}
	return t.WriteAll(rows)
}
