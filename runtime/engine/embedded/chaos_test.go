package embedded_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/measure/device"
	"github.com/autotailor/autotailor/runtime/measure/graphfile"
)

// FuzzChild gives networks whose numbers were changed, and such whose bytes were, to what runs in the agent's process of its own. It answers each with times
// or an error: no panic, no fault, and no end. `make chaos` runs 100,000.
func FuzzChild(f *testing.F) {
	names := embedded.Operators()
	for i := range 100 {
		f.Add(uint16(i*7), uint64(i), []byte(nil))
	}
	e := embedded.New(embedded.Options{Threads: 1})
	path := filepath.Join(f.TempDir(), "network.json")
	f.Fuzz(func(t *testing.T, operator uint16, draw uint64, noise []byte) {
		defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
		rng := rand.New(rand.NewPCG(uint64(operator), draw))
		g, _, err := record(cases[names[int(operator)%len(names)]], rng)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := graphfile.Write(&b, g.Bind(1), parameters(rng, g)); err != nil {
			t.Skip() // of types that jobs do not have
		}
		text := mutated(t, b.Bytes(), rng)
		for i := 0; i+1 < len(noise) && i < 8; i += 2 {
			text[(int(noise[i])*len(text))/256] = noise[i+1]
		}
		if g, _, err := graphfile.Read(text); err == nil && g.MemoryNeed() > 1<<26 {
			t.Skip() // the agent refuses it
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		question := fmt.Sprintf("{\"type\":\"measure\",\"id\":\"1\",\"model\":%q,\"warmup\":0,\"runs\":1,\"limit_ms\":1000}\n", path)
		if err := device.Drive(strings.NewReader(question), &out, e, nil); err != nil {
			t.Fatal(err)
		}
		var answer struct {
			Times []int64 `json:"times_ns"`
			Error string
		}
		if err := json.Unmarshal([]byte(out.String()), &answer); err != nil || len(answer.Times) == 0 == (answer.Error == "") || strings.Contains(answer.Error, "the engine failed") {
			t.Errorf("%v: %s\n%s", err, out.String(), text)
		}
	})
}
