package attack

import (
	"math"
	"math/rand/v2"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/autotailor/autotailor/internal/onnx"
)

// wild are numbers that extents, axes, counts and offsets are not.
var wild = []int64{-1, 0, 1, 2, 3, 5, 7, 17, 48, 100, 1000, 32768, 65536, 1 << 20, math.MaxInt32, math.MinInt32, 1 << 40, math.MaxInt64, math.MinInt64}

// Mutate changes a few things in a model: numbers, names, tensors, nodes, or bytes of the file. The model may be none afterwards.
func Mutate(model []byte, rng *rand.Rand) []byte {
	m, err := onnx.Unmarshal(model)
	if err != nil {
		return bytesChanged(model, rng)
	}
	for range 1 + rng.IntN(4) {
		change(m.ProtoReflect(), rng)
	}
	out, err := proto.Marshal(m)
	if err != nil { // a text that is not UTF-8
		return model
	}
	if rng.IntN(8) == 0 {
		return bytesChanged(out, rng)
	}
	return out
}

// bytesChanged returns a copy with some bytes changed, cut off or doubled.
func bytesChanged(b []byte, rng *rand.Rand) []byte {
	out := append([]byte(nil), b...)
	for range 1 + rng.IntN(4) {
		if len(out) == 0 {
			return out
		}
		at := rng.IntN(len(out))
		switch rng.IntN(4) {
		case 0:
			out[at] = byte(rng.Uint32())
		case 1:
			out[at] ^= 1 << rng.IntN(8)
		case 2:
			out = out[:at]
		case 3:
			out = append(out[:at:at], append(append([]byte(nil), out[at:min(at+16, len(out))]...), out[at:]...)...)
		}
	}
	return out
}

// change walks from a message to a part of it by chance, and changes that.
func change(m protoreflect.Message, rng *rand.Rand) {
	var set []protoreflect.FieldDescriptor
	m.Range(func(f protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
		set = append(set, f)
		return true
	})
	if len(set) == 0 {
		return
	}
	f := set[rng.IntN(len(set))]
	v := m.Get(f)
	switch {
	case rng.IntN(30) == 0:
		m.Clear(f)
	case f.IsList():
		changeList(m, f, rng)
	case f.Message() != nil:
		change(v.Message(), rng)
	default:
		m.Set(f, scalar(f, v, rng))
	}
}

func changeList(m protoreflect.Message, f protoreflect.FieldDescriptor, rng *rand.Rand) {
	list := m.Mutable(f).List()
	if list.Len() == 0 {
		return
	}
	at := rng.IntN(list.Len())
	switch v := list.Get(at); {
	case rng.IntN(10) == 0:
		list.Append(v) // shared where it is a message, which marshals twice
	case rng.IntN(10) == 0:
		list.Set(at, list.Get(rng.IntN(list.Len())))
	case rng.IntN(10) == 0:
		list.Truncate(at)
	case f.Message() != nil:
		change(v.Message(), rng)
	default:
		list.Set(at, scalar(f, v, rng))
	}
}

// scalar returns another value of a field's kind.
func scalar(f protoreflect.FieldDescriptor, v protoreflect.Value, rng *rand.Rand) protoreflect.Value {
	number := wild[rng.IntN(len(wild))]
	if rng.IntN(2) == 0 && (f.Kind() == protoreflect.Int64Kind || f.Kind() == protoreflect.Int32Kind) {
		number = v.Int() + int64(rng.IntN(5)) - 2
	}
	switch f.Kind() {
	case protoreflect.Int64Kind:
		return protoreflect.ValueOfInt64(number)
	case protoreflect.Int32Kind:
		return protoreflect.ValueOfInt32(int32(number))
	case protoreflect.Uint64Kind:
		return protoreflect.ValueOfUint64(uint64(number))
	case protoreflect.FloatKind:
		return protoreflect.ValueOfFloat32([]float32{0, -1, float32(math.NaN()), float32(math.Inf(1)), 1e30, v2(v)}[rng.IntN(6)])
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64(float64(number))
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(protoreflect.EnumNumber(rng.IntN(25)))
	case protoreflect.StringKind:
		return protoreflect.ValueOfString([]string{"", "x", v.String() + "x", "Conv", "Reshape", "Loop", "Concat", "../x", "\x00"}[rng.IntN(9)])
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes(bytesChanged(v.Bytes(), rng))
	}
	return v
}

// v2 is twice a value.
func v2(v protoreflect.Value) float32 { return 2 * float32(v.Float()) }
