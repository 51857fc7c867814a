package levit

//go:generate go tool autotailor gen
