// Command publish makes the files of a release: an archive of the commands for each platform, what they are made of, the module as a proxy
// serves it, and checksums. Whoever makes them from the same commit gets the same bytes.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/autotailor/autotailor/internal/release"
)

// modulePath is what is released.
const modulePath = "github.com/autotailor/autotailor"

// programs are the commands in archives, by their packages.
var programs = []string{"gen/autotailor", "gen/autotailorvet", "runtime/measure/agent/cmd/autotailor-agent"}

// platforms have an archive each.
const platforms = "linux/amd64,linux/386,linux/arm,linux/arm64,linux/riscv64,windows/amd64,darwin/amd64,darwin/arm64"

// texts stand in each archive beside the commands.
var texts = []string{"LICENSE", "README.md", "CHANGELOG.md", "SECURITY.md"}

// job is one release.
type job struct {
	root, out string
	platforms []string
	at        time.Time // that all files have: the commit's
	files     []string  // that git knows, by their paths below root
}

func main() {
	log.SetFlags(0)
	root := flag.String("root", ".", "folder of the repository")
	out := flag.String("out", "build/release", "folder for the files; what is in it goes")
	list := flag.String("platforms", platforms, "platforms with an archive")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := publish(ctx, *root, *out, strings.Split(*list, ",")); err != nil {
		log.Fatal("publish: ", err)
	}
}

// publish writes everything, and prints names and sizes.
func publish(ctx context.Context, root, out string, platforms []string) error {
	j := &job{root: root, platforms: platforms}
	var err error
	if j.out, err = filepath.Abs(out); err != nil {
		return err
	}
	if err := j.read(ctx); err != nil {
		return err
	}
	if err := errors.Join(os.RemoveAll(j.out), os.MkdirAll(j.out, 0o755)); err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "publish-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	manuals, err := j.manuals(ctx, work)
	if err != nil {
		return err
	}
	for _, p := range platforms {
		if err := j.archive(ctx, p, work, manuals); err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
	}
	if err := errors.Join(j.bill(work), j.proxy()); err != nil {
		return err
	}
	return j.sums()
}

// read asks git for the files and the time of the commit.
func (j *job) read(ctx context.Context) error {
	list, err := j.command(ctx, nil, "git", "ls-files", "-z")
	if err != nil {
		return err
	}
	j.files = strings.Split(strings.TrimRight(list, "\x00"), "\x00")
	text, err := j.command(ctx, nil, "git", "log", "-1", "--format=%ct")
	if err != nil {
		return err
	}
	seconds, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	j.at = time.Unix(seconds, 0).UTC()
	return err
}

// command runs a program in the repository and returns what it prints.
func (j *job) command(ctx context.Context, env []string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir, cmd.Env = j.root, append(os.Environ(), env...)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, said.String())
	}
	return string(out), err
}

// build builds the commands for a platform into a folder of their own and returns their paths. Neither the folder of the sources nor the time
// of the build nor what git says of the folder is in them.
func (j *job) build(ctx context.Context, platform, work string) ([]string, error) {
	system, processor, ok := strings.Cut(platform, "/")
	if !ok {
		return nil, errors.New("a platform is SYSTEM/PROCESSOR")
	}
	dir, ending := filepath.Join(work, system+"_"+processor), ""
	if system == "windows" {
		ending = ".exe"
	}
	env := []string{"CGO_ENABLED=0", "GOOS=" + system, "GOARCH=" + processor, "GOFLAGS=", "GOWORK=off", "GO386=", "GOARM=", "GOAMD64=", "GOARM64=", "GORISCV64="}
	var paths []string
	for _, p := range programs {
		path := filepath.Join(dir, filepath.Base(p)+ending)
		if _, err := j.command(ctx, env, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid=", "-o", path, "./"+p); err != nil {
			return nil, err
		}
		paths = append(paths, path)
	}
	return paths, nil
}

// manuals are the manual page and the completions of autotailor, by their names in archives.
func (j *job) manuals(ctx context.Context, work string) ([]entry, error) {
	host := runtime.GOOS + "/" + runtime.GOARCH
	paths, err := j.build(ctx, host, work)
	if err != nil {
		return nil, err
	}
	var out []entry
	for name, args := range map[string][]string{
		"man/autotailor.1": {"man"}, "completions/autotailor.bash": {"completion", "bash"}, "completions/_autotailor": {"completion", "zsh"},
		"completions/autotailor.fish": {"completion", "fish"},
	} {
		text, err := j.command(ctx, nil, append([]string{paths[0]}, args...)...)
		if err != nil {
			return nil, err
		}
		out = append(out, entry{name: name, data: []byte(text)})
	}
	slices.SortFunc(out, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	return out, nil
}

// sums writes the checksums of all files, and prints their sizes.
func (j *job) sums() error {
	var text strings.Builder
	err := filepath.WalkDir(j.out, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(j.out, path)
		sum := sha256.Sum256(data)
		fmt.Fprintf(&text, "%s  %s\n", hex.EncodeToString(sum[:]), filepath.ToSlash(name))
		fmt.Printf("%8.2f MB  %s\n", float64(len(data))/1e6, filepath.ToSlash(name))
		return err
	})
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(text.String()))
	fmt.Printf("autotailor %s of %s: SHA-256 of all checksums %s\n", release.Version, j.at.Format(time.DateOnly), hex.EncodeToString(sum[:]))
	return os.WriteFile(filepath.Join(j.out, "SHA256SUMS"), []byte(text.String()), 0o644)
}
