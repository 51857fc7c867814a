package data

import (
	"bytes"
	"encoding/binary"
)

// Orientation returns how a JPEG file's picture is turned, from 1 to 8 as EXIF numbers it; 1, which is upright, where it does not say. Files
// that cameras write have the tag in an APP1 segment before the picture.
func Orientation(raw []byte) int {
	const upright = 1
	if !bytes.HasPrefix(raw, []byte{0xff, 0xd8}) {
		return upright
	}
	for raw = raw[2:]; len(raw) >= 4 && raw[0] == 0xff; {
		marker, n := raw[1], int(binary.BigEndian.Uint16(raw[2:]))
		if marker == 0xda || n < 2 || 2+n > len(raw) { // the picture itself, or damage
			return upright
		}
		body := raw[4 : 2+n]
		if tiff, ok := bytes.CutPrefix(body, []byte("Exif\x00\x00")); marker == 0xe1 && ok {
			return tiffOrientation(tiff)
		}
		raw = raw[2+n:]
	}
	return upright
}

// tiffOrientation reads the tag 0x0112 of the first directory.
func tiffOrientation(tiff []byte) int {
	const upright = 1
	if len(tiff) < 8 {
		return upright
	}
	var order binary.ByteOrder = binary.LittleEndian
	switch string(tiff[:2]) {
	case "II":
	case "MM":
		order = binary.BigEndian
	default:
		return upright
	}
	at := uint64(order.Uint32(tiff[4:]))
	if at+2 > uint64(len(tiff)) {
		return upright
	}
	for k := range uint64(order.Uint16(tiff[at:])) {
		field := at + 2 + 12*k
		if field+12 > uint64(len(tiff)) {
			return upright
		}
		if order.Uint16(tiff[field:]) == 0x0112 {
			if v := int(order.Uint16(tiff[field+8:])); v >= 1 && v <= 8 {
				return v
			}
			return upright
		}
	}
	return upright
}
