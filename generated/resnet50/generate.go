package resnet50

//go:generate go tool autotailor gen
