package mobilenetv2

//go:generate go tool autotailor gen
