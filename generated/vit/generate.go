package vit

//go:generate go tool autotailor gen
