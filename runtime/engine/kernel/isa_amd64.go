package kernel

import (
	"unsafe"

	"github.com/autotailor/autotailor/internal/cpu"
)

// detect returns the assembly sets that the processor and the operating system support
// (Intel SDM volume 1, chapters 14.3 and 15.2).
func detect() []*ISA {
	const (
		fma, osxsave, avx              = 1 << 12, 1 << 27, 1 << 28
		avx2, avx512f, avx512dq        = 1 << 5, 1 << 16, 1 << 17
		saveYMM, saveZMM        uint32 = 0x06, 0xe6
	)
	top, _, _, _ := cpu.ID(0, 0)
	_, _, c1, _ := cpu.ID(1, 0)
	if top < 7 || c1&fma == 0 || c1&osxsave == 0 || c1&avx == 0 {
		return nil
	}
	saved, _ := cpu.Saved()
	_, b7, _, _ := cpu.ID(7, 0)
	var found []*ISA
	if b7&avx512f != 0 && b7&avx512dq != 0 && saved&saveZMM == saveZMM {
		found = append(found, &setAVX512)
	}
	if b7&avx2 != 0 && saved&saveYMM == saveYMM {
		found = append(found, &setAVX2)
	}
	return found
}

var setAVX2 = ISA{
	name: "avx2", width: 8, rows: 6,
	tile:      func(rows, vecs int, t *tile) { tilesAVX2[vecs-1][rows-1]((*byte)(unsafe.Pointer(t))) },
	cross:     func(rows, vecs int, c *cross) { crossesAVX2[vecs-1][rows-1]((*byte)(unsafe.Pointer(c))) },
	depthwise: func(d *dwRow) { depthwiseAVX2((*byte)(unsafe.Pointer(d))) },
	add:       addAVX2, mul: mulAVX2, max: maxAVX2, affine: affineAVX2,
	peak: peakAVX2, gate: gateAVX2,
	moments:         func(c *columns) { momentsAVX2((*byte)(unsafe.Pointer(c))) },
	norm:            func(c *columns) { normAVX2((*byte)(unsafe.Pointer(c))) },
	normAdd:         func(c *columns) { normAddAVX2((*byte)(unsafe.Pointer(c))) },
	normSums:        func(c *columns) { normSumsAVX2((*byte)(unsafe.Pointer(c))) },
	endSums:         func(c *columns) { endSumsAVX2((*byte)(unsafe.Pointer(c))) },
	normBack:        func(c *columns) { normBackAVX2((*byte)(unsafe.Pointer(c))) },
	tapSums:         func(taps int, t *tapSums) { tapSumsAVX2Of[taps-1]((*byte)(unsafe.Pointer(t))) },
	operandGrid:     func(g *grid) { winogradOperandAVX2((*byte)(unsafe.Pointer(g))) },
	resultGrid:      func(g *grid) { winogradResultAVX2((*byte)(unsafe.Pointer(g))) },
	operandGridBack: func(g *grid) { winogradOperandBackAVX2((*byte)(unsafe.Pointer(g))) },
	resultGridBack:  func(g *grid) { winogradResultBackAVX2((*byte)(unsafe.Pointer(g))) },
	weightGrid:      func(g *grid) { winogradWeightAVX2((*byte)(unsafe.Pointer(g))) },
	weightGridBack:  func(g *grid) { winogradWeightBackAVX2((*byte)(unsafe.Pointer(g))) },
	rowMoments:      func(l *normRow) { rowMomentsAVX2((*byte)(unsafe.Pointer(l))) },
	rowNorm:         func(l *normRow) { rowNormAVX2((*byte)(unsafe.Pointer(l))) },
	rowSums:         func(l *normRow) { rowSumsAVX2((*byte)(unsafe.Pointer(l))) },
	rowDots:         func(l *normRow) { rowDotsAVX2((*byte)(unsafe.Pointer(l))) },
	rowBack:         func(l *normRow) { rowBackAVX2((*byte)(unsafe.Pointer(l))) },
	hardSigmoid:     hardSigmoidAVX2, hardSwish: hardSwishAVX2, hardSwishSlope: hardSwishSlopeAVX2,
	erf: erfAVX2, gelu: geluAVX2, erfSlope: erfSlopeAVX2, geluSlope: geluSlopeAVX2,
	exp: expAVX2, sigmoid: sigmoidAVX2, swish: swishAVX2, swishSlope: swishSlopeAVX2,
}

var setAVX512 = ISA{
	name: "avx512", width: 16, rows: 8,
	tile:      func(rows, vecs int, t *tile) { tilesAVX512[vecs-1][rows-1]((*byte)(unsafe.Pointer(t))) },
	cross:     func(rows, vecs int, c *cross) { crossesAVX512[vecs-1][rows-1]((*byte)(unsafe.Pointer(c))) },
	depthwise: func(d *dwRow) { depthwiseAVX512((*byte)(unsafe.Pointer(d))) },
	add:       addAVX512, mul: mulAVX512, max: maxAVX512, affine: affineAVX512,
	peak: peakAVX512, gate: gateAVX512,
	moments:         func(c *columns) { momentsAVX512((*byte)(unsafe.Pointer(c))) },
	norm:            func(c *columns) { normAVX512((*byte)(unsafe.Pointer(c))) },
	normAdd:         func(c *columns) { normAddAVX512((*byte)(unsafe.Pointer(c))) },
	normSums:        func(c *columns) { normSumsAVX512((*byte)(unsafe.Pointer(c))) },
	endSums:         func(c *columns) { endSumsAVX512((*byte)(unsafe.Pointer(c))) },
	normBack:        func(c *columns) { normBackAVX512((*byte)(unsafe.Pointer(c))) },
	tapSums:         func(taps int, t *tapSums) { tapSumsAVX512Of[taps-1]((*byte)(unsafe.Pointer(t))) },
	operandGrid:     func(g *grid) { winogradOperandAVX512((*byte)(unsafe.Pointer(g))) },
	resultGrid:      func(g *grid) { winogradResultAVX512((*byte)(unsafe.Pointer(g))) },
	operandGridBack: func(g *grid) { winogradOperandBackAVX512((*byte)(unsafe.Pointer(g))) },
	resultGridBack:  func(g *grid) { winogradResultBackAVX512((*byte)(unsafe.Pointer(g))) },
	weightGrid:      func(g *grid) { winogradWeightAVX512((*byte)(unsafe.Pointer(g))) },
	weightGridBack:  func(g *grid) { winogradWeightBackAVX512((*byte)(unsafe.Pointer(g))) },
	rowMoments:      func(l *normRow) { rowMomentsAVX512((*byte)(unsafe.Pointer(l))) },
	rowNorm:         func(l *normRow) { rowNormAVX512((*byte)(unsafe.Pointer(l))) },
	rowSums:         func(l *normRow) { rowSumsAVX512((*byte)(unsafe.Pointer(l))) },
	rowDots:         func(l *normRow) { rowDotsAVX512((*byte)(unsafe.Pointer(l))) },
	rowBack:         func(l *normRow) { rowBackAVX512((*byte)(unsafe.Pointer(l))) },
	hardSigmoid:     hardSigmoidAVX512, hardSwish: hardSwishAVX512, hardSwishSlope: hardSwishSlopeAVX512,
	erf: erfAVX512, gelu: geluAVX512, erfSlope: erfSlopeAVX512, geluSlope: geluSlopeAVX512,
	exp: expAVX512, sigmoid: sigmoidAVX512, swish: swishAVX512, swishSlope: swishSlopeAVX512,
}

var tilesAVX2 = [2][6]func(*byte){
	{tile1x8AVX2, tile2x8AVX2, tile3x8AVX2, tile4x8AVX2, tile5x8AVX2, tile6x8AVX2},
	{tile1x16AVX2, tile2x16AVX2, tile3x16AVX2, tile4x16AVX2, tile5x16AVX2, tile6x16AVX2},
}

var tilesAVX512 = [2][8]func(*byte){
	{tile1x16AVX512, tile2x16AVX512, tile3x16AVX512, tile4x16AVX512, tile5x16AVX512, tile6x16AVX512, tile7x16AVX512, tile8x16AVX512},
	{tile1x32AVX512, tile2x32AVX512, tile3x32AVX512, tile4x32AVX512, tile5x32AVX512, tile6x32AVX512, tile7x32AVX512, tile8x32AVX512},
}

var crossesAVX2 = [2][6]func(*byte){
	{cross1x8AVX2, cross2x8AVX2, cross3x8AVX2, cross4x8AVX2, cross5x8AVX2, cross6x8AVX2},
	{cross1x16AVX2, cross2x16AVX2, cross3x16AVX2, cross4x16AVX2, cross5x16AVX2, cross6x16AVX2},
}

var crossesAVX512 = [2][8]func(*byte){
	{cross1x16AVX512, cross2x16AVX512, cross3x16AVX512, cross4x16AVX512, cross5x16AVX512, cross6x16AVX512, cross7x16AVX512, cross8x16AVX512},
	{cross1x32AVX512, cross2x32AVX512, cross3x32AVX512, cross4x32AVX512, cross5x32AVX512, cross6x32AVX512, cross7x32AVX512, cross8x32AVX512},
}

var tapSumsAVX2Of = [9]func(*byte){
	tapSums1AVX2, tapSums2AVX2, tapSums3AVX2, tapSums4AVX2, tapSums5AVX2, tapSums6AVX2, tapSums7AVX2, tapSums8AVX2, tapSums9AVX2,
}

var tapSumsAVX512Of = [9]func(*byte){
	tapSums1AVX512, tapSums2AVX512, tapSums3AVX512, tapSums4AVX512, tapSums5AVX512, tapSums6AVX512, tapSums7AVX512, tapSums8AVX512, tapSums9AVX512,
}
