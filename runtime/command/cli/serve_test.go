package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/command/cli"
	"github.com/autotailor/autotailor/runtime/deploy/bundle"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
)

// TestServe: the command tells its address, answers, and ends well when it is interrupted.
func TestServe(t *testing.T) {
	needs.Clone(t)
	net, dir := mobilenetv2.Definition(), t.TempDir()
	o := cli.Options{Engines: []cli.Engine{{Name: "embedded", Open: embedded.Open}}}
	m := bundle.Manifest{SubNets: []bundle.SubNet{{SubNet: "resolution=16"}, {SubNet: "original"}}}
	if _, err := bundle.Write(dir, "../../../generated/models/mobilenetv2.onnx", net, m, nil); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	out, in := io.Pipe()
	code := make(chan int)
	var problems bytes.Buffer
	go func() {
		code <- cli.Run(ctx, net, []string{"serve", "--bundle", dir, "--addr", "localhost:0", "--target", "1s", "--json"}, in, &problems, o)
	}()
	var listening struct{ Address, Warning string }
	if err := json.NewDecoder(out).Decode(&listening); err != nil {
		t.Fatal(err, problems.String())
	}
	if !strings.HasPrefix(listening.Warning, "1 of 2 SubNets") {
		t.Errorf("warning %q", listening.Warning)
	}
	r, err := http.Post("http://"+listening.Address+"/predict", "application/json", strings.NewReader(`{"data": [1, 2, 3, 4], "shape": [1, 2, 2]}`))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r.Body)
	if err != nil || r.Body.Close() != nil || r.StatusCode != http.StatusOK || !strings.Contains(string(text), `"subnet":"original"`) {
		t.Errorf("%d %s %v", r.StatusCode, text, err)
	}
	stop()
	if c := <-code; c != 0 {
		t.Errorf("exit code %d: %s", c, problems.String())
	}
	if text := problems.String(); !strings.Contains(text, "warning: 1 of 2 SubNets") || !strings.Contains(text, "resolution=16; export the bundle again with --recalibrate") {
		t.Errorf("nothing warns of statistics that are the original's: %q", text)
	}
	for _, args := range [][]string{{"serve"}, {"serve", "--bundle", dir, "--target", "-1s"}} {
		if c := cli.Run(t.Context(), net, args, io.Discard, io.Discard, o); c != 2 {
			t.Errorf("%v: exit code %d", args, c)
		}
	}
	if c := cli.Run(t.Context(), net, []string{"serve", "--bundle", t.TempDir()}, io.Discard, io.Discard, o); c != 1 {
		t.Errorf("an empty folder: exit code %d", c)
	}
}
