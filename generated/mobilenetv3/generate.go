package mobilenetv3

//go:generate go tool autotailor gen
