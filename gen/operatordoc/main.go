// Command operatordoc writes gen/doc/operators.md: the operator table, and what each of its consumers can do.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/autotailor/autotailor/internal/outfile"
)

//go:generate go run . -out ../doc/operators.md

func main() {
	out := flag.String("out", "", "file to write; standard output without it")
	flag.Parse()
	if err := write(*out, page()); err != nil {
		fmt.Fprintln(os.Stderr, "operatordoc:", err)
		os.Exit(1)
	}
}

func write(path, text string) error {
	if path == "" {
		_, err := os.Stdout.WriteString(text)
		return err
	}
	return outfile.Write(path, []byte(text))
}
