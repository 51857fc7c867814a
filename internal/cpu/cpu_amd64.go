package cpu

import (
	"bytes"
	"encoding/binary"
)

// ID runs the CPUID instruction.
func ID(leaf, sub uint32) (a, b, c, d uint32)

// Saved reads extended control register 0: which registers the operating system saves. CPUID tells whether there is one.
func Saved() (low, high uint32)

// brand reads the processor's name (Intel SDM volume 2A, CPUID leaves 80000002h to 80000004h).
func brand() string {
	if top, _, _, _ := ID(0x80000000, 0); top < 0x80000004 {
		return ""
	}
	var text []byte
	for leaf := uint32(0x80000002); leaf <= 0x80000004; leaf++ {
		a, b, c, d := ID(leaf, 0)
		for _, r := range []uint32{a, b, c, d} {
			text = binary.LittleEndian.AppendUint32(text, r)
		}
	}
	return string(bytes.TrimRight(text, "\x00"))
}
