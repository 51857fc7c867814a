package main

import (
	"os"
	"slices"
	"testing"

	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/ir/op"
	"github.com/autotailor/autotailor/runtime/deploy/ncnn"
	"github.com/autotailor/autotailor/runtime/engine/autodiff"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// TestPageIsUpToDate: whoever adds an operator to a consumer writes the page anew.
func TestPageIsUpToDate(t *testing.T) {
	got, err := os.ReadFile("../doc/operators.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != page() {
		t.Error("gen/doc/operators.md is out of date: run go generate ./gen/operatordoc")
	}
}

// TestConsumersHaveOperatorsOfTheTable: an operator that a consumer handles has a row. Consumers that no column lists have such a test of their own.
func TestConsumersHaveOperatorsOfTheTable(t *testing.T) {
	for consumer, names := range map[string][]string{
		"runtime/engine/embedded": embedded.Operators(), "runtime/engine/autodiff": autodiff.Operators(), "runtime/deploy/ncnn": ncnn.Operators(),
		"runtime/supernet": supernet.Multiplying(),
	} {
		for _, name := range names {
			domain, name := operators.Split(name)
			if _, ok := operators.Lookup(domain, name); !ok {
				t.Errorf("%s handles %s, which internal/operators has no row of", consumer, name)
			}
		}
	}
}

// TestCosts: the compiler and the runtime, each other's oracles, count the operators that the table says cost something.
func TestCosts(t *testing.T) {
	for _, o := range operators.All() {
		s, _ := op.Lookup(o.Domain, o.Name)
		if o.MACs != (s.MACs != nil) || o.MACs != slices.Contains(supernet.Multiplying(), o.Qualified()) {
			t.Errorf("%s: MACs in the table %v, in the compiler %v, in the runtime %v", o.Name, o.MACs, s.MACs != nil, slices.Contains(supernet.Multiplying(), o.Qualified()))
		}
	}
}
