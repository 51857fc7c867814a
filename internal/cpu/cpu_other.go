//go:build !amd64

package cpu

func brand() string { return "" }
