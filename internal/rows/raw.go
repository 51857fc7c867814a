package rows

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/autotailor/autotailor/internal/onnx"
)

// RawEnding is that of raw tensors: NAME.TYPE.SHAPE.raw, such as pixels.uint8.3x32x32.raw, has the elements of one row after the other, little-endian and
// without a header. A row of one number has the shape 1.
const RawEnding = ".raw"

// shortType makes this module's names of types of NumPy's.
var shortType = strings.NewReplacer("bfloat", "bf", "float", "f", "uint", "u", "int", "i", "complex", "c")

func openRaw(path string) (*array, error) {
	parts := strings.Split(strings.TrimSuffix(filepath.Base(path), RawEnding), ".")
	if len(parts) < 3 {
		return nil, fmt.Errorf("%s: its name does not say what it has: want NAME.TYPE.SHAPE%s, such as x.float32.3x32x32%s", path, RawEnding, RawEnding)
	}
	n := len(parts)
	a := &array{path: path, name: strings.Join(parts[:n-2], "."), shape: []int{0}}
	var err error
	if a.kind, err = onnx.ParseDType(shortType.Replace(parts[n-2])); err != nil || a.kind.Bytes() == 0 {
		return nil, fmt.Errorf("%s: there is no type %q of elements with a size; float32 is one", path, parts[n-2])
	}
	for text := range strings.SplitSeq(parts[n-1], "x") {
		k, err := strconv.Atoi(text)
		if err != nil || k < 1 || len(a.shape) >= maxAxes {
			return nil, fmt.Errorf("%s: %q is no shape of a row; 3x32x32 is one", path, parts[n-1])
		}
		a.shape = append(a.shape, k)
	}
	if parts[n-1] == "1" {
		a.shape = a.shape[:1]
	}
	if _, ok := elements(a.shape[1:], a.kind.Bytes()); !ok {
		return nil, fmt.Errorf("%s: rows of the shape %v cannot be", path, a.shape[1:])
	}
	f, size, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	each := a.rowBytes()
	if size%each != 0 {
		return nil, fmt.Errorf("%s: it has %d bytes, which are no whole number of rows of %d bytes", path, size, each)
	}
	a.shape[0] = int(size / each)
	return a, nil
}
