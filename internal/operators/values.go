package operators

import (
	"strconv"
	"strings"
)

// Zeros says which operands make results zero. A SubNet of which the original with zeroed weights is the reference, and a residual block that
// goes, both ask for it.
type Zeros uint8

// The kinds of operators by how they treat zeros.
const (
	ZeroAsFirst     Zeros = iota + 1 // zero where the first operand is
	ZeroAsAll                        // zero where all operands are
	ZeroAsFactors                    // zero where one operand is
	ZeroAsThird                      // zero where the third operand is, as the values of an attention
	ZeroAsStates                     // zero where the weights are, and the states that it begins with
	ZeroAddsNothing                  // zero where the first operand is, and zeros among other elements change nothing
	NeverZero                        // something else of zeros, or not known
)

// zerosOf are how the operators of a class treat zeros.
var zerosOf = [...]Zeros{
	Unary: ZeroAsFirst, Broadcast: ZeroAsAll, Rows: ZeroAsFirst, Reduction: ZeroAsFirst, Window: ZeroAsFirst, Product: ZeroAsFactors,
	Layout: ZeroAsFirst, Access: ZeroAsFirst, Sampling: ZeroAsFirst, Spectrum: ZeroAsFirst, Source: NeverZero, Control: NeverZero,
}

// OfZeros says which operands make the results zero, 0 where neither the row nor the class says so.
func (o Operator) OfZeros() Zeros {
	if o.Zeros == 0 && int(o.Class) < len(zerosOf) {
		return zerosOf[o.Class]
	}
	return o.Zeros
}

// Bounds is what the column Range says of the results. A row writes "0 1" or "0 +Inf" for numbers; "X" for elements of the first operand, or what
// lies between them; "X 0" for those, or zero; and "X if positive" for those of a first operand that has no negative elements.
func (o Operator) Bounds() (b Bounds, known bool) {
	b.Picks = strings.HasPrefix(o.Range, "X")
	b.OrZero, b.IfPositive = o.Range == "X 0", o.Range == "X if positive"
	if low, high, numbers := strings.Cut(o.Range, " "); numbers && !b.Picks {
		b.Low, _ = strconv.ParseFloat(low, 64) // a test reads every row
		b.High, _ = strconv.ParseFloat(high, 64)
	}
	return b, o.Range != ""
}

// Bounds are what results lie between.
type Bounds struct {
	Low, High  float64 // where Picks does not hold
	Picks      bool    // elements of the first operand, or what lies between those
	OrZero     bool    // or zero
	IfPositive bool    // as long as the first operand has no negative elements
}
