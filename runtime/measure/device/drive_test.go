package device_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/internal/cpu"
	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/measure/device"
	"github.com/autotailor/autotailor/runtime/nn"
)

// TestMain makes this program a driver when it is called as one.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "drive" {
		if err := device.Drive(os.Stdin, os.Stdout, embedded.New(embedded.Options{Threads: 1}), nil); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// TestDriveIsADriver: the embedded engine behind the line protocol measures operators, and says of what it has not that it
// has not.
func TestDriveIsADriver(t *testing.T) {
	args := append(strings.Fields(os.Getenv("AUTOTAILOR_EXEC")), os.Args[0], "drive") // an emulator's program
	d, err := device.Open(args, device.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	want := embedded.New(embedded.Options{Threads: 1}).Info()
	want.Cores, want.Governor = cpu.Cores(), cpu.Governor()
	if got := d.Info(); got != want {
		t.Errorf("the driver is %+v, want %+v", got, want)
	}
	net := mobilenetv2.Definition()
	var list []engine.Job
	for id := 0; id < len(net.Ops); id += 40 {
		g, err := net.Ops[id].Graph()
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, engine.Job{Graph: g, Weights: nn.MapWeights{}, Warmup: 2, Runs: 4, Limit: time.Second})
	}
	strange, err := nn.Record(func(b nn.Builder) {
		b.Output("y", b.Op(nn.Op{Type: "Strange", Shapes: []nn.Shape{{1}}}, b.Input("x", nn.Float32, nn.Shape{1}))[0])
	})
	if err != nil {
		t.Fatal(err)
	}
	list = append(list, engine.Job{Graph: strange, Weights: nn.MapWeights{}, Warmup: 1, Runs: 1, Limit: time.Second})
	err = d.Measure(t.Context(), list, func(i int, m engine.Measurement) {
		if last := i == len(list)-1; last != (m.Failed != "") || last && !strings.Contains(m.Failed, "Strange") || !last && len(m.Times) != 4 {
			t.Errorf("job %d: %+v", i, m)
		}
	})
	if err != nil {
		t.Error(err)
	}
}

func TestDriveRefusesWhatIsNoRequest(t *testing.T) {
	for _, in := range []string{"hello", `{"type":"run"}`, "[]"} {
		var out bytes.Buffer
		if err := device.Drive(strings.NewReader(in+"\n"), &out, embedded.New(embedded.Options{}), nil); err == nil || out.Len() > 0 {
			t.Errorf("%s: %v, %s", in, err, out.String())
		}
	}
	for in, want := range map[string]string{
		`{"type":"hello","version":1,"formats":["onnx"],"threads":1}`:  `"message":"this driver reads the format`,
		`{"type":"measure","id":"a","model":"/no/such/file"}`:          `"id":"a","times_ns":null,"energy_mj":0,"error":"stat /no/such/file`,
		`{"type":"measure","id":"a","model":"drive_test.go","runs":1}`: `this is not a network`,
	} {
		var out bytes.Buffer
		if err := device.Drive(strings.NewReader(in+"\n"), &out, embedded.New(embedded.Options{}), nil); err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("%s: %v, %s", in, err, out.String())
		}
	}
}

// TestExampleDriversParse: no driver has a syntax error, also where its program is not at hand.
func TestExampleDriversParse(t *testing.T) {
	list, err := os.ReadDir("drivers")
	if err != nil || len(list) < 3 {
		t.Fatalf("%v, %d drivers", err, len(list))
	}
	checks := map[string][]string{
		".sh": {"sh", "-n"},
		".py": {"python3", "-c", "import ast, sys; ast.parse(open(sys.argv[1]).read())"},
	}
	for _, f := range list {
		check, ok := checks[filepath.Ext(f.Name())]
		if !ok {
			t.Errorf("%s: no check for drivers in this language", f.Name())
			continue
		}
		if _, err := exec.LookPath(check[0]); err != nil {
			t.Logf("%s: there is no %s", f.Name(), check[0])
			continue
		}
		if out, err := exec.CommandContext(context.Background(), check[0], append(check[1:], "drivers/"+f.Name())...).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", f.Name(), err, out)
		}
	}
}
