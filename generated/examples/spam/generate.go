package spam

//go:generate go tool autotailor gen
