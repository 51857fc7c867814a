package rows

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/autotailor/autotailor/internal/onnx"
)

// column is what is known of one column of a CSV file, or of one key of JSON lines.
type column struct {
	name      string
	text      bool
	fractions bool // in one of the numbers
}

// number reads a finite number.
func number(text string) (float64, error) {
	text = strings.TrimSpace(text)
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(v, 0) || math.IsNaN(v) || strings.ContainsAny(text, "xXpP_") {
		return 0, fmt.Errorf("%.40q is no number", text)
	}
	return v, nil
}

// see notes one of the column's values, or says why it is none.
func (c *column) see(text string) error {
	if c.text {
		return nil
	}
	if _, err := strconv.ParseInt(text, 10, 64); err == nil {
		return nil
	}
	v, err := number(text)
	if err == nil && (v != math.Trunc(v) || math.Abs(v) >= 1<<63) {
		c.fractions = true
	}
	return err
}

// kind is the type of the column's elements.
func (c column) kind() onnx.DType {
	switch {
	case c.text:
		return onnx.Uint8
	case c.fractions:
		return onnx.Float64
	}
	return onnx.Int64
}

// field is the column, whose numbers have a shape.
func (c column) field(shape []int) Field {
	if c.text {
		shape = []int{Open}
	}
	return Field{c.name, c.kind(), shape, c.text}
}

// append writes a number as the column has it.
func (c column) append(raw []byte, text string) ([]byte, error) {
	if !c.fractions {
		if n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64); err == nil {
			return binary.LittleEndian.AppendUint64(raw, uint64(n)), nil
		}
	}
	v, err := number(text)
	if err != nil {
		return nil, err
	}
	if c.fractions {
		return binary.LittleEndian.AppendUint64(raw, math.Float64bits(v)), nil
	}
	return binary.LittleEndian.AppendUint64(raw, uint64(int64(v))), nil // such as 1e3
}
