package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/internal/release"
)

// clone copies the commit at hand into a folder and returns it.
func clone(t *testing.T, parts ...string) string {
	t.Helper()
	dir := filepath.Join(append([]string{t.TempDir()}, parts...)...)
	if out, err := exec.Command("git", "clone", "-q", filepath.Join("..", ".."), dir).CombinedOutput(); err != nil {
		t.Skipf("this is no clone of the repository: %v\n%s", err, out)
	}
	return dir
}

// TestRelease: two folders with one commit give the same bytes, archives have what they should, and the commands install through the proxy into an
// empty module cache.
func TestRelease(t *testing.T) {
	needs.Time(t)
	needs.Clone(t)
	platform := runtime.GOOS + "/" + runtime.GOARCH
	var sums [2][]byte
	var out string
	for i, root := range []string{clone(t, "one"), clone(t, "a", "longer way")} {
		out = filepath.Join(t.TempDir(), "release")
		if err := publish(t.Context(), root, out, []string{platform}); err != nil {
			t.Fatal(err)
		}
		var err error
		if sums[i], err = os.ReadFile(filepath.Join(out, "SHA256SUMS")); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(sums[0], sums[1]) {
		t.Errorf("two folders, two releases:\n%s\n%s", sums[0], sums[1])
	}
	contents(t, filepath.Join(out, "autotailor_"+release.Version+"_"+runtime.GOOS+"_"+runtime.GOARCH+".tar.gz"))
	bill, err := os.ReadFile(filepath.Join(out, "autotailor_"+release.Version+"_sbom.cdx.json"))
	if err != nil || !json.Valid(bill) || !bytes.Contains(bill, []byte("pkg:golang/google.golang.org/protobuf@v")) || !bytes.Contains(bill, []byte(`"value": "h1:`)) {
		t.Errorf("%.400s, %v", bill, err)
	}
	install(t, filepath.Join(out, "proxy"))
}

// contents checks the names in an archive.
func contents(t *testing.T, path string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]int64{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		_, name, _ := strings.Cut(h.Name, "/")
		if names[name] = h.Size; (h.Mode&0o111 != 0) != strings.HasPrefix(name, "autotailor") {
			t.Errorf("%s has mode %o", name, h.Mode)
		}
	}
	for _, want := range []string{
		"autotailor", "autotailorvet", "autotailor-agent", "LICENSE", "README.md", "CHANGELOG.md", "man/autotailor.1", "completions/autotailor.bash", "completions/_autotailor", "completions/autotailor.fish",
	} {
		if names[want] < 100 {
			t.Errorf("%s has %d bytes", want, names[want])
		}
	}
}

// install installs the commands into an empty module cache. What the module needs comes from the cache of this machine.
func install(t *testing.T, proxy string) {
	t.Helper()
	have, err := exec.Command("go", "env", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	args := []string{"install"}
	for _, p := range programs {
		args = append(args, modulePath+"/"+p+"@v"+release.Version)
	}
	cmd := exec.Command("go", args...)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "GOPROXY=file://"+proxy+",file://"+filepath.Join(strings.TrimSpace(string(have)), "cache", "download"),
		"GOMODCACHE="+t.TempDir(), "GOBIN="+bin, "GOFLAGS=-modcacherw -trimpath", "GONOSUMDB=*", "GONOSUMCHECK=1", "GOSUMDB=off", "CGO_ENABLED=0", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, p := range []string{"autotailor", "autotailor-agent"} {
		out, err := exec.Command(filepath.Join(bin, p), "version").CombinedOutput()
		if err != nil || !strings.Contains(string(out), release.Version) {
			t.Errorf("%s version: %v\n%s", p, err, out)
		}
	}
}
