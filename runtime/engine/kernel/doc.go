// Package kernel computes the operators of neural networks on []float32, without cgo.
//
// Images are channels-last: an activation of logical shape [n, c, h, w] lies in memory as [n, h, w, c]. Every
// convolution is then a matrix product over rows of the input as they stand (no im2col; "The Indirect Convolution
// Algorithm", Dukhan 2019), the whole batch is one product even when planes are as small as 4x4, and depthwise
// convolutions vectorise over channels. Weights are packed once. Training computes 3x3 convolutions of stride 1 by Winograd's algorithm.
//
// Micro-kernels for AVX2 and AVX-512 are assembly written by the program in folder asm and chosen at run time; the
// portable ones in this package are their oracle. Each output element is summed in a fixed order, so that results
// depend neither on the number of threads nor on the batch that an image is part of.
package kernel

//go:generate go run -C asm . -out ../kernel_amd64.s -stubs ../kernel_amd64.go -pkg kernel
