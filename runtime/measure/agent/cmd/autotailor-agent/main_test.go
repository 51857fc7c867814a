package main

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/measure/agent"
	"github.com/autotailor/autotailor/runtime/nn"
)

// build builds the agent for an architecture, static.
func build(t *testing.T, arch string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "autotailor-agent")
	cmd := exec.Command("go", "build", "-o", path, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// served starts an agent by a command line and returns the address that it prints.
func served(t *testing.T, args ...string) (address, token string) {
	t.Helper()
	args = append(args, "--listen", "127.0.0.1:0", "--self-signed", "--memory", "64MiB")
	cmd := exec.Command(args[0], args[1:]...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the agent ended with %v", err)
		}
		if t.Failed() {
			t.Logf("the agent said\n%s", errs.String())
		}
	})
	find := regexp.MustCompile(`listening on (\S+)|` + agent.TokenVariable + `=(\S+)|(#sha256=\w+)`)
	var at, pin string
	for lines := bufio.NewScanner(out); pin == "" && lines.Scan(); {
		m := find.FindStringSubmatch(lines.Text())
		if m != nil {
			at, token, pin = at+m[1], token+m[2], pin+m[3]
		}
	}
	if at == "" || token == "" || pin == "" {
		t.Fatalf("the agent printed no address, token or fingerprint\n%s", errs.String())
	}
	return "https://" + at + pin, token
}

// profile measures a handful of operators, and one network that needs more memory than the agent allows.
func profile(t *testing.T, address, token, arch string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	c, err := agent.Open(ctx, address, agent.ClientOptions{Token: token, Threads: 1, Silence: 30 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if i := c.Info(); i.Name != "embedded" || i.Threads != 1 || i.Rules != "embedded" || emulators[arch] != "" && !strings.HasSuffix(i.Version, "-go") {
		t.Errorf("the device is %+v", i)
	}
	net := mobilenetv2.Definition()
	var list []engine.Job
	for id := 0; id < len(net.Ops); id += 1 + len(net.Ops)/12 {
		g, err := net.Ops[id].Graph()
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, engine.Job{Graph: g, Weights: nn.MapWeights{}, Warmup: 1, Runs: 3, Limit: 10 * time.Second})
	}
	large, err := nn.Record(func(b nn.Builder) {
		b.Output("y", b.Act(b.Input("x", nn.Float32, nn.Shape{1, 1 << 24}), nn.Sigmoid()))
	})
	if err != nil {
		t.Fatal(err)
	}
	list = append(list, engine.Job{Graph: large, Weights: nn.MapWeights{}, Runs: 1})
	results := 0
	err = c.Measure(ctx, list, func(i int, m engine.Measurement) {
		results++
		if i == len(list)-1 {
			if !strings.Contains(m.Failed, "MiB of memory") {
				t.Errorf("the large network: %+v", m)
			}
		} else if m.Failed != "" || len(m.Times) != 3 {
			t.Errorf("job %d: %+v", i, m)
		}
	})
	if err != nil || results != len(list) {
		t.Errorf("%v, %d results of %d jobs", err, results, len(list))
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// TestAgent: the program serves, as itself and as its own driver.
func TestAgent(t *testing.T) {
	needs.Time(t)
	if runtime.GOOS != "linux" {
		t.Skip("the binary is built for linux")
	}
	program := build(t, runtime.GOARCH)
	address, token := served(t, program, "serve")
	profile(t, address, token, runtime.GOARCH)
}

// emulators run programs for other processors: the names of qemu-user's programs.
var emulators = map[string]string{"arm": "qemu-arm", "arm64": "qemu-aarch64", "riscv64": "qemu-riscv64"}

// emulated is the command line that runs a program of an architecture of Linux, without the program.
func emulated(t *testing.T, arch string) []string {
	t.Helper()
	if runtime.GOARCH == arch && runtime.GOOS == "linux" {
		return nil
	}
	for _, name := range []string{emulators[arch] + "-static", emulators[arch]} {
		if path, err := exec.LookPath(name); err == nil {
			return []string{path}
		}
	}
	if os.Getenv("AUTOTAILOR_QEMU_REQUIRED") != "" {
		t.Fatalf("there is no %s-static", emulators[arch])
	}
	t.Skipf("there is no %s-static; install qemu-user-static", emulators[arch])
	return nil
}

// TestAgentOfOtherProcessors runs the programs for boards under qemu: their kernels compute what plain loops do, and they serve.
func TestAgentOfOtherProcessors(t *testing.T) {
	needs.Time(t)
	for arch := range emulators {
		t.Run(arch, func(t *testing.T) {
			args := append(emulated(t, arch), build(t, arch))
			out, err := exec.Command(args[0], append(args[1:], "check")...).CombinedOutput()
			if err != nil || strings.Count(string(out), "\n") < 11 {
				t.Fatalf("check: %v\n%s", err, out)
			}
			t.Logf("%s", out)
			driver := strings.Join(append(args, "drive"), " ") // the kernel cannot start the program by itself
			address, token := served(t, append(args, "serve", "--driver", driver)...)
			profile(t, address, token, arch)
		})
	}
}

// TestCommandLine: help has examples, and mistakes are told.
func TestCommandLine(t *testing.T) {
	for line, want := range map[string]struct {
		code int
		text string
	}{
		"":                               {0, "Commands:"},
		"serve --help":                   {0, "--self-signed"},
		"check --help":                   {0, "Examples:"},
		"fly":                            {2, "unknown command"},
		"serve --memory much":            {2, "not a size such as 512MiB"},
		"serve --tls-cert a":             {2, "go together"},
		"serve --listen :0":              {2, "add --self-signed"},
		"serve now":                      {2, "unexpected argument"},
		"serve --token-file /no/such":    {1, "no such file"},
		"serve --driver /no/such/driver": {1, "/no/such/driver"},
	} {
		var out bytes.Buffer
		if code := run(t.Context(), strings.Fields(line), &out, &out); code != want.code || !strings.Contains(out.String(), want.text) {
			t.Errorf("%q: exit code %d\n%s", line, code, out.String())
		}
	}
}
