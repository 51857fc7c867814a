//go:build !unix

package httpguard

import "math"

// files is how many files the process may open: any number.
func files() int { return math.MaxInt32 }
