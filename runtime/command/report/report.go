// Package report presents results: tables here, plots in package plot.
package report

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"strconv"
	"time"
)

// Point is a SubNet with its predictions.
type Point struct {
	SubNet               string // its text form
	Latency              time.Duration
	Accuracy             float64 // value of the page's metric: a share of images, where it has none
	MACs, Params, Memory int64   // of batch 1; bytes of activations; 0 when not known
	Recalibrate          bool    // an export needs recalibration: the model's statistics of normalisations are not this SubNet's
	Label                string  // marks the point in plots; "" for most
}

// MS is the latency in milliseconds.
func (p Point) MS() float64 { return float64(p.Latency.Nanoseconds()) / 1e6 }

// MarshalJSON writes a point as the page reads it, with its latency in milliseconds.
func (p Point) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		SubNet      string  `json:"subnet"`
		MS          float64 `json:"ms"`
		Accuracy    float64 `json:"accuracy"`
		MACs        int64   `json:"macs,omitempty"`
		Params      int64   `json:"params,omitempty"`
		Memory      int64   `json:"memory,omitempty"`
		Recalibrate bool    `json:"recalibrate,omitempty"`
	}{p.SubNet, p.MS(), p.Accuracy, p.MACs, p.Params, p.Memory, p.Recalibrate})
}

// CSV writes points as a table with a header: subnet, latency_ms, accuracy.
func CSV(w io.Writer, points []Point) error {
	t := csv.NewWriter(w)
	rows := [][]string{{"subnet", "latency_ms", "accuracy"}}
	for _, p := range points {
		rows = append(rows, []string{
			p.SubNet, strconv.FormatFloat(p.MS(), 'f', 6, 64), strconv.FormatFloat(p.Accuracy, 'f', 6, 64),
		})
	}
	return t.WriteAll(rows)
}
