package cli

import (
	"math"
	"os"
	"path/filepath"
	"testing"
)

// FuzzQuantity: a limit is an error or a positive number.
func FuzzQuantity(f *testing.F) {
	for _, text := range []string{"2ms", "1.5s", "3MB", "1e6", "NaN", "0x1p9", "Inf", "1e300GiB", "µ", "-", "1_0ms"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, q := range quantities() {
			if v, err := q.parse(text); err == nil && (v < 0 || v > math.MaxInt64/8) {
				t.Errorf("%s %q is %d", q.Quantity, text, v)
			}
		}
	})
}

// FuzzVerified: a file that should be what verify printed is an error, or has two positive latencies.
func FuzzVerified(f *testing.F) {
	f.Add([]byte(`{"subnet":"original","engines":[{"engine":"embedded","median_ms":1.5}],"predicted_ms":1.25}`))
	f.Add([]byte(`{"engines":[{}],"predicted_ms":-1}`))
	f.Add([]byte(`{"subnets":[{"subnet":"original","predicted_ms":1.5,"measured_ms":1.25},{"subnet":"depth=2"}]}`))
	f.Add([]byte(`{"engines":[{"median_ms":1e-320}],"predicted_ms":0}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "verified.json")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		list, err := checkedFiles("mobilenetv2", []string{path})
		if err != nil {
			return
		}
		for _, c := range list {
			if !(c.Predicted > 0) || !(c.Measured > 0) || math.IsInf(c.Predicted/c.Measured, 0) {
				t.Errorf("accepted %+v", c)
			}
		}
	})
}
