package data

import (
	"bytes"
	"encoding/binary"
)

// Orientation returns how a file's picture is turned, from 1 to 8 as EXIF numbers it; 1, which is upright, where it does not say.
func Orientation(raw []byte) int {
	switch {
	case bytes.HasPrefix(raw, []byte{0xff, 0xd8}):
		return jpegOrientation(raw[2:])
	case bytes.HasPrefix(raw, []byte("\x89PNG\r\n\x1a\n")):
		return chunkOrientation(raw[8:], "eXIf", binary.BigEndian, 0)
	case bytes.HasPrefix(raw, []byte("RIFF")) && len(raw) > 12 && string(raw[8:12]) == "WEBP":
		return chunkOrientation(raw[12:], "EXIF", binary.LittleEndian, 1)
	}
	return 1
}

// jpegOrientation looks for an APP1 segment, which files that cameras write have before the picture.
func jpegOrientation(raw []byte) int {
	const upright = 1
	for len(raw) >= 4 && raw[0] == 0xff {
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

// chunkOrientation looks for a chunk: of PNG, with its length before its name and a checksum behind its data, or of WebP (kind 1), with its length
// behind its name and of an even number of bytes.
func chunkOrientation(raw []byte, name string, order binary.ByteOrder, kind int) int {
	for len(raw) >= 8 {
		length, own := uint64(order.Uint32(raw)), string(raw[4:8])
		if kind == 1 {
			length, own = uint64(order.Uint32(raw[4:])), string(raw[:4])
		}
		if raw = raw[8:]; length > uint64(len(raw)) {
			return 1
		}
		if own == name {
			return tiffOrientation(bytes.TrimPrefix(raw[:length], []byte("Exif\x00\x00")))
		}
		if kind == 1 {
			length += length % 2
		} else {
			length += 4
		}
		raw = raw[min(length, uint64(len(raw))):]
	}
	return 1
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
