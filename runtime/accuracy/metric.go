package accuracy

import (
	"fmt"
	"math"
)

// Metric says what the values are that a task is judged by.
type Metric struct {
	Name          string // such as "accuracy"
	Unit          string // such as "share of images"
	LowerIsBetter bool
}

// Better tells whether a is a better value than b.
func (m Metric) Better(a, b float64) bool {
	if m.LowerIsBetter {
		a, b = b, a
	}
	return a > b
}

// Column heads a column of Numbers.
func (m Metric) Column() string {
	if m.LowerIsBetter {
		return m.Name
	}
	return m.Name + " %"
}

// Number writes a value without its unit: one from 0 to 1 in percent.
func (m Metric) Number(v float64) string {
	if m.LowerIsBetter {
		return fmt.Sprintf("%.4f", v)
	}
	return fmt.Sprintf("%.2f", 100*v)
}

// Format writes a value with the metric's name; of nats the perplexity, too.
func (m Metric) Format(v float64) string {
	switch {
	case m.Name == "nats per token":
		return fmt.Sprintf("%s nats per token (perplexity %.2f)", m.Number(v), math.Exp(v))
	case m.LowerIsBetter:
		return m.Name + " " + m.Number(v)
	}
	return fmt.Sprintf("%s %s %%", m.Name, m.Number(v))
}

// Metric says what Value returns.
func (t *Table) Metric() Metric { return t.Header.metric() }
