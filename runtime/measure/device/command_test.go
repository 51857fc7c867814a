package device_test

import (
	"cmp"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/autotailor/autotailor/internal/cpu"
	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/measure/device"
	"github.com/autotailor/autotailor/runtime/nn"
)

// script writes a shell script and returns its path.
func script(t *testing.T, text string) string {
	t.Helper()
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("there is no sh")
	}
	path := filepath.Join(t.TempDir(), "driver.sh")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// prelude answers hello; $D is a folder that outlives the process, and field takes a line apart.
const prelude = `field() { printf '%s\n' "$line" | sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p"; }
ok() { printf '{"type":"result","id":"%s","times_ns":[1000,3000,2000],"energy_mj":0.5}\n' "$(field id)"; }
IFS= read -r line
echo '{"type":"hello","version":1,"device":"fake","runtime":"shell"}'
`

// jobs are n networks.
func jobs(t *testing.T, n int) []engine.Job {
	t.Helper()
	var list []engine.Job
	for i := range n {
		g, err := nn.Record(func(b nn.Builder) {
			b.Output("y", b.Act(b.Input("x", nn.Float32, nn.Shape{1, i + 1, 4, 4}), nn.Sigmoid()))
		})
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, engine.Job{Graph: g, Weights: nn.MapWeights{}, Warmup: 1, Runs: 3, Limit: 100 * time.Millisecond})
	}
	return list
}

// measure runs n jobs through a driver.
func measure(t *testing.T, text string, n int, patience time.Duration) ([]engine.Measurement, error) {
	t.Helper()
	dir := t.TempDir()
	d, err := device.OpenCommand("sh "+script(t, "D='"+dir+"'\n"+text), device.Options{Threads: 1, Patience: patience})
	if err != nil {
		return nil, err
	}
	got := make([]engine.Measurement, n)
	err = d.Measure(t.Context(), jobs(t, n), func(i int, m engine.Measurement) {
		if got[i].Times != nil || got[i].Failed != "" {
			t.Errorf("job %d was answered twice", i)
		}
		got[i] = m
	})
	return got, errors.Join(err, d.Close())
}

func TestDriver(t *testing.T) {
	const second = `*1x2x4x4*`
	for name, c := range map[string]struct{ body, failed, err string }{
		"well behaved": {body: `while IFS= read -r line; do ok; done`},
		"errors are rows": {
			body:   `while IFS= read -r line; do case $line in ` + second + `) printf '{"type":"result","id":"%s","error":"too hot"}\n' "$(field id)";; *) ok;; esac; done`,
			failed: "too hot",
		},
		"dies once":             {body: `while IFS= read -r line; do case $line in ` + second + `) [ -e $D/x ] || { : >$D/x; exit 7; };; esac; ok; done`},
		"dies of one network":   {body: `while IFS= read -r line; do case $line in ` + second + `) echo segfault >&2; exit 7;; esac; ok; done`, failed: "segfault"},
		"always dies":           {body: `read -r line; exit 3`, err: "died 4 times in a row: the driver ended without an answer; it ended with exit status 3"},
		"hangs on one network":  {body: `while IFS= read -r line; do case $line in ` + second + `) sleep 100;; esac; ok; done`, failed: "gave no answer in"},
		"garbage once":          {body: `while IFS= read -r line; do case $line in ` + second + `) [ -e $D/x ] || { : >$D/x; echo Loading...; };; esac; ok; done`},
		"garbage":               {body: `while IFS= read -r line; do case $line in ` + second + `) echo Loading...;; esac; ok; done`, failed: `wrote "Loading...", want one JSON object`},
		"cut off line":          {body: `while IFS= read -r line; do case $line in ` + second + `) printf '{"type":"res'; exit;; esac; ok; done`, failed: `in the middle of the line "{\"type\":\"res"`},
		"endless line":          {body: `while IFS= read -r line; do case $line in ` + second + `) head -c 2000000 /dev/zero | tr '\0' x;; esac; ok; done`, failed: "a line of more than 1048576 bytes"},
		"answers another":       {body: `while IFS= read -r line; do case $line in ` + second + `) echo '{"type":"result","id":"zz","times_ns":[1]}';; *) ok;; esac; done`, failed: "another request"},
		"no times":              {body: `while IFS= read -r line; do case $line in ` + second + `) printf '{"type":"result","id":"%s"}\n' "$(field id)";; *) ok;; esac; done`, failed: "neither"},
		"negative times":        {body: `while IFS= read -r line; do case $line in ` + second + `) printf '{"type":"result","id":"%s","times_ns":[-1]}\n' "$(field id)";; *) ok;; esac; done`, failed: "not positive"},
		"more times than asked": {body: `while IFS= read -r line; do case $line in ` + second + `) printf '{"type":"result","id":"%s","times_ns":[1,1,1,1]}\n' "$(field id)";; *) ok;; esac; done`, failed: "3 were asked for"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			patience := time.Minute // a busy machine is no reason to fail
			if name == "hangs on one network" {
				patience = 2 * time.Second
			}
			got, err := measure(t, prelude+c.body, 4, patience)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("got %v, want %q", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for i, m := range got {
				switch want := c.failed; {
				case want != "" && i == 1:
					if !strings.Contains(m.Failed, want) {
						t.Errorf("job %d: %+v, want %q", i, m, want)
					}
				case m.Failed != "" || len(m.Times) != 3 || m.Times[1] != 3000 || m.Energy != 0.5:
					t.Errorf("job %d: %+v", i, m)
				}
			}
		})
	}
}

func TestDriversThatCannotStart(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"message":      {`read -r line; echo '{"type":"hello","version":1,"message":"no phone"}'`, "cannot work: no phone"},
		"version":      {`read -r line; echo '{"type":"hello","version":9,"device":"d","runtime":"r"}'`, "version 9"},
		"format":       {`read -r line; echo '{"type":"hello","version":1,"device":"d","runtime":"r","format":"tflite"}'`, `"tflite", there are onnx, ncnn, graph`},
		"no device":    {`read -r line; echo '{"type":"hello","version":1}'`, "did not say its"},
		"ends":         {`echo no licence >&2; exit 4`, "exit status 4; its last words on standard error: no licence"},
		"does not end": {`sleep 100`, "no answer in"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := measure(t, c.text, 0, time.Second); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	for _, line := range []string{"", "  ", "'open", "/no/such/program"} {
		if _, err := device.OpenCommand(line, device.Options{}); err == nil {
			t.Errorf("%q was started", line)
		}
	}
}

// TestCancel: an interrupted measurement ends at once, and its driver with it.
func TestCancel(t *testing.T) {
	d, err := device.OpenCommand("sh "+script(t, prelude+`while read -r line; do sleep 100; done`), device.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := d.Measure(ctx, jobs(t, 1), func(int, engine.Measurement) { t.Error("a measurement") }); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if _, err := d.Compile(nil, nil); err == nil {
		t.Error("a driver compiled a network")
	}
}

// TestExampleDrivers runs the drivers of the folder with programs that stand for the real ones.
func TestExampleDrivers(t *testing.T) {
	tool := script(t, `[ -s "$1" ] || exit 1
for i in $(seq "$3"); do echo 100$i; done`)
	bench := script(t, `[ "$1" = 3 ] && [ "$2" = 1 ] && [ "$4" = -1 ] && [ "$5" = 0 ] && grep -q ^7767517 "${6#param=}" || exit 9
case $7 in "shape=[4,4,1]"|"shape=[4,4,2]") ;; *) echo "bad $7" >&2; exit 9;; esac
n=$(grep -c ^Sigmoid "${6#param=}")
{ echo "loop_count = $1"; echo "num_threads = $2"; echo "powersave = $3"; echo "gpu_device = $4"; echo "cooling_down = $5"
if [ "$n" = 1 ]; then printf '%20s  min = %7.2f  max = %7.2f  avg = %7.2f\n' "${6#param=}" 0 0.13 0
else printf '%20s  min = %7.2f  max = %7.2f  avg = %7.2f\n' "${6#param=}" 0.06 6.40 0.12; fi; } >&2`)
	adb := script(t, `case "$*" in
*getprop*) echo 'Pixel 8';;
*VERS_*) echo VERS_1.22.0;;
*scaling_governor*) printf 'schedutil\r\nperformance\r\nschedutil\r\n';;
push*) [ -s "$2" ];;
*perf_test*-e\ nnapi*) case "$*" in *"-i 'NNAPI_FLAG_USE_FP16|1' -I"*) ;; *) exit 9;; esac;;
*perf_test*) ;;
*tail*) for i in 1 2 3; do echo "probe,0.00000100$i,0,0,$i"; done;;
esac`)
	board := script(t, `case "$*" in
"uname -m") echo aarch64;;
*cpuinfo) printf 'processor : 0\nFeatures  : fp asimd fphp asimdhp\n';;
*scaling_governor) [ "$2" = '/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor' ] || exit 9; echo performance;;
grep*) echo 1.0.20250503;;
*) exec "$@";;
esac`)
	for name, c := range map[string]struct {
		line string
		info engine.Info
		last time.Duration // the last of three times
	}{
		"minimal": {"sh drivers/minimal.sh " + tool, engine.Info{Name: "driver.sh", Rules: "none", Precision: engine.Unknown}, 1003},
		"benchncnn": {"env DEVICE=board 'RUN=sh " + board + "' POWERSAVE=2 sh drivers/benchncnn.sh " + bench,
			engine.Info{Name: "ncnn", Version: "1.0.20250503", Device: "board", Rules: "ncnn", Precision: "fp16", Cores: "big", Governor: "performance"}, 100_000},
		"told": {"env DEVICE=board VERSION=1 PRECISION=bf16 sh drivers/benchncnn.sh " + bench,
			engine.Info{Name: "ncnn", Version: "1", Device: "board", Rules: "ncnn", Precision: "bf16", Cores: "all", Governor: cpu.Governor()}, 100_000},
		"nnapi": {"env ADB=" + adb + " PROVIDER=nnapi PRECISION=fp16 'OPTIONS=NNAPI_FLAG_USE_FP16|1' sh drivers/adb-onnxruntime.sh", engine.Info{
			Name: "onnxruntime:nnapi", Version: "1.22.0", Device: "Pixel 8", Rules: "onnxruntime", Precision: "fp16", Cores: "all", Governor: "performance+schedutil",
			Options: "NNAPI_FLAG_USE_FP16|1",
		}, 1003},
		"adb": {"env ADB=" + adb + " CORES=f0 sh drivers/adb-onnxruntime.sh",
			engine.Info{Name: "onnxruntime", Version: "1.22.0", Device: "Pixel 8", Rules: "onnxruntime", Precision: "fp32", Cores: "f0", Governor: "performance+schedutil"}, 1003},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := device.OpenCommand(c.line, device.Options{Threads: 1})
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			i := d.Info()
			c.info.Device, c.info.Threads = cmp.Or(c.info.Device, i.Device), 1
			if i != c.info {
				t.Errorf("%+v, want %+v", i, c.info)
			}
			err = d.Measure(t.Context(), jobs(t, 2), func(k int, m engine.Measurement) {
				if len(m.Times) != 3 || m.Times[2] != c.last {
					t.Errorf("job %d: %+v", k, m)
				}
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// TestOvertime: a driver that does not keep the limit of a job is killed soon after it, however long others may think about an answer.
func TestOvertime(t *testing.T) {
	d, err := device.OpenCommand("sh "+script(t, prelude+"while IFS= read -r line; do sleep 60; done\n"), device.Options{Threads: 1, Overtime: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	var got engine.Measurement
	err = d.Measure(t.Context(), jobs(t, 1), func(_ int, m engine.Measurement) { got = m })
	if err := errors.Join(err, d.Close()); err != nil || !strings.Contains(got.Failed, "was killed") {
		t.Errorf("%v, %v", got, err)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("a job of 0.1 s took %v", took)
	}
}
