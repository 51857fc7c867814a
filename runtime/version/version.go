// Package version makes generated code and this module refuse each other at compile time when they are too far apart,
// in the manner of protobuf-go's protoimpl.
//
// When the form of generated code changes:
//  1. raise Generated;
//  2. raise Max to it;
//  3. raise Min only when the runtime stops serving older code.
package version

// The forms of generated code: the one that the generator writes, and those that the runtime serves.
const (
	Generated = 2
	Min       = 2
	Max       = 2
)

// Enforce is for constant expressions that must not be negative: converting a negative constant to it does not compile.
type Enforce uint
