package convnext

//go:generate go tool autotailor gen
