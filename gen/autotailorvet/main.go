// Command autotailorvet finds mistakes in programs that use generated SuperNet packages. It is run by go vet:
//
//	go install github.com/autotailor/autotailor/gen/autotailorvet@latest
//	go vet -vettool=$(which autotailorvet) ./...
//
// Package gen/vet says what it looks for.
package main

import (
	"golang.org/x/tools/go/analysis/unitchecker"

	"github.com/autotailor/autotailor/gen/vet"
)

func main() { unitchecker.Main(vet.New()) }
