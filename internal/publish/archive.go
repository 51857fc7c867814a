package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/autotailor/autotailor/internal/release"
)

// entry is a file of an archive.
type entry struct {
	name string
	data []byte
	runs bool // a program
}

// archive writes the archive of a platform.
func (j *job) archive(ctx context.Context, platform, work string, manuals []entry) error {
	paths, err := j.build(ctx, platform, work)
	if err != nil {
		return err
	}
	var list []entry
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		list = append(list, entry{filepath.Base(path), data, true})
	}
	for _, name := range texts {
		data, err := os.ReadFile(filepath.Join(j.root, name))
		if err != nil {
			return err
		}
		list = append(list, entry{name: name, data: data})
	}
	folder := "autotailor_" + release.Version + "_" + strings.ReplaceAll(platform, "/", "_")
	write, ending := j.tar, ".tar.gz"
	if strings.HasPrefix(platform, "windows/") {
		write, ending = j.zip, ".zip"
	}
	var file bytes.Buffer
	if err := write(&file, folder, append(list, manuals...)); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(j.out, folder+ending), file.Bytes(), 0o644)
}

func (e entry) mode() int64 {
	if e.runs {
		return 0o755
	}
	return 0o644
}

func (j *job) tar(w io.Writer, folder string, list []entry) error {
	z, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	t := tar.NewWriter(z)
	for _, e := range list {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: folder + "/" + e.name, Size: int64(len(e.data)), Mode: e.mode(), ModTime: j.at, Format: tar.FormatUSTAR}
		if err := t.WriteHeader(h); err != nil {
			return err
		}
		if _, err := t.Write(e.data); err != nil {
			return err
		}
	}
	return errors.Join(t.Close(), z.Close())
}

func (j *job) zip(w io.Writer, folder string, list []entry) error {
	z := zip.NewWriter(w)
	for _, e := range list {
		h := &zip.FileHeader{Name: folder + "/" + e.name, Method: zip.Deflate, Modified: j.at}
		h.SetMode(os.FileMode(e.mode()))
		f, err := z.CreateHeader(h)
		if err != nil {
			return err
		}
		if _, err := f.Write(e.data); err != nil {
			return err
		}
	}
	return z.Close()
}
