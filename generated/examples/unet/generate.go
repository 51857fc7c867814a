package unet

//go:generate go tool autotailor gen
