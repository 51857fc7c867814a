// Package conform holds the tests of whole packages against independent oracles: the original model in ONNX Runtime with
// the weights of removed channels set to zero and removed blocks bypassed.
package conform
