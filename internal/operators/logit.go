package operators

// Logit says how logits come from the probabilities p that an operator has made of them. Its text is what generated PyTorch packages call it.
type Logit string

// The logits of probabilities.
const (
	LogShare Logit = "share" // log p, of shares of a whole
	LogOdds  Logit = "odds"  // log(p/(1-p)), of what is or is not
)

// moving are operators that leave numbers as they are, which may stand after the one that made probabilities.
var moving = map[string]bool{"Identity": true, "Reshape": true, "Transpose": true, "Flatten": true, "Squeeze": true, "Unsqueeze": true}

// End walks back from an output to the operator that made its numbers, and returns its Logit, "" where it makes no probabilities. from returns the
// operator that a value is a result of and its first operand, "" where no operator made it.
func End[V any](output V, from func(V) (name string, operand V)) Logit {
	name, at := from(output)
	for moving[name] {
		name, at = from(at)
	}
	o, _ := Lookup("", name)
	return o.Logit
}
