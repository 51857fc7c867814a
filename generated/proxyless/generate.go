package proxyless

//go:generate go tool autotailor gen
