package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"

	"github.com/autotailor/autotailor/internal/release"
)

// source is a file of the module's archive.
type source struct{ root, path string }

func (s source) Path() string                 { return s.path }
func (s source) Lstat() (os.FileInfo, error)  { return os.Lstat(filepath.Join(s.root, s.path)) }
func (s source) Open() (io.ReadCloser, error) { return os.Open(filepath.Join(s.root, s.path)) }

// proxy writes the module as a module proxy serves it, so that GOPROXY=file://.../proxy installs the release.
func (j *job) proxy() error {
	v := module.Version{Path: modulePath, Version: "v" + release.Version}
	dir := filepath.Join(j.out, "proxy", filepath.FromSlash(v.Path), "@v")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var files []zip.File
	for _, path := range j.files {
		files = append(files, source{j.root, path}) // those of nested modules are left out
	}
	var archive bytes.Buffer
	if err := zip.Create(&archive, v, files); err != nil {
		return err
	}
	mod, err := os.ReadFile(filepath.Join(j.root, "go.mod"))
	if err != nil {
		return err
	}
	info, err := json.Marshal(struct {
		Version string
		Time    time.Time
	}{v.Version, j.at})
	if err != nil {
		return err
	}
	write := func(name string, data []byte) error { return os.WriteFile(filepath.Join(dir, name), data, 0o644) }
	return errors.Join(write("list", []byte(v.Version+"\n")), write(v.Version+".info", info), write(v.Version+".mod", mod), write(v.Version+".zip", archive.Bytes()))
}
