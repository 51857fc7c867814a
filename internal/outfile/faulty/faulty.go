// Package faulty is a file system that fails, for tests.
package faulty

import (
	"io"
	"io/fs"
	"sync"
	"syscall"

	"github.com/autotailor/autotailor/internal/outfile"
)

// Kind is a way to fail.
type Kind int

// The kinds of faults.
const (
	Fails Kind = iota // one call has an error
	Full              // from one call on there is no space: nothing can be made or written
	Short             // one write writes half, and has an error
	Crash             // from one call on nothing happens any more, as if the process had been killed
)

// Kinds lists all kinds.
func Kinds() []Kind { return []Kind{Fails, Full, Short, Crash} }

// String says what happens.
func (k Kind) String() string {
	return [...]string{"an error", "no space", "a short write", "a crash"}[k]
}

// Cause is part of the errors that a kind makes.
func Cause(k Kind) string { return causes[k].Error() }

var causes = [...]error{syscall.EIO, syscall.ENOSPC, io.ErrShortWrite, syscall.EROFS}

// System is another system that fails at one of its calls.
type System struct {
	outfile.System
	kind Kind

	mu   sync.Mutex
	left int // calls before the fault
	call string
}

// New returns a system whose call number at, counted from 0, fails.
func New(s outfile.System, k Kind, at int) *System { return &System{System: s, kind: k, left: at} }

// Failed tells whether that call came.
func (s *System) Failed() bool { return s.Call() != "" }

// Call names the call that failed, "" where none did.
func (s *System) Call() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.call
}

// next counts a call. It returns the error of one that fails, and whether the fault is this call's.
func (s *System) next(call string, writes bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kind == Short && call != "write" || s.kind == Full && !writes {
		return nil
	}
	s.left--
	switch {
	case s.left > -1, s.left < -1 && (s.kind == Fails || s.kind == Short):
		return nil
	case s.call == "":
		s.call = call
	}
	return causes[s.kind]
}

func path(op, name string, err error) error { return &fs.PathError{Op: op, Path: name, Err: err} }

// OpenFile opens a file whose calls count, too.
func (s *System) OpenFile(name string, flag int, perm fs.FileMode) (outfile.File, error) {
	if err := s.next("open", true); err != nil {
		return nil, path("open", name, err)
	}
	f, err := s.System.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return &file{f, name, s}, nil
}

// Lstat describes a file.
func (s *System) Lstat(name string) (fs.FileInfo, error) {
	if err := s.next("lstat", false); err != nil {
		return nil, path("lstat", name, err)
	}
	return s.System.Lstat(name)
}

// ReadDir lists a folder.
func (s *System) ReadDir(name string) ([]fs.DirEntry, error) {
	if err := s.next("readdir", false); err != nil {
		return nil, path("readdir", name, err)
	}
	return s.System.ReadDir(name)
}

// Mkdir makes a folder.
func (s *System) Mkdir(name string, perm fs.FileMode) error {
	if err := s.next("mkdir", true); err != nil {
		return path("mkdir", name, err)
	}
	return s.System.Mkdir(name, perm)
}

// Link gives a file a second name.
func (s *System) Link(from, to string) error {
	if err := s.next("link", true); err != nil {
		return path("link", to, err)
	}
	return s.System.Link(from, to)
}

// Rename moves a file.
func (s *System) Rename(from, to string) error {
	if err := s.next("rename", false); err != nil {
		return path("rename", to, err)
	}
	return s.System.Rename(from, to)
}

// Remove removes a file.
func (s *System) Remove(name string) error {
	if err := s.next("remove", false); err != nil {
		return path("remove", name, err)
	}
	return s.System.Remove(name)
}

// SyncDir syncs a folder.
func (s *System) SyncDir(name string) error {
	if err := s.next("sync", false); err != nil {
		return path("sync", name, err)
	}
	return s.System.SyncDir(name)
}

// Lock locks a file.
func (s *System) Lock(name string) (io.Closer, error) {
	if err := s.next("lock", true); err != nil {
		return nil, path("lock", name, err)
	}
	l, err := s.System.Lock(name)
	if err != nil {
		return nil, err
	}
	return &held{l, name, s}, nil
}

// held is a lock. It is let go of in any case: the system does so when a process dies.
type held struct {
	io.Closer
	name string
	s    *System
}

func (h *held) Close() error {
	err := h.s.next("unlock", false)
	if closed := h.Closer.Close(); err == nil {
		return closed
	}
	return path("unlock", h.name, err)
}

type file struct {
	outfile.File
	name string
	s    *System
}

func (f *file) Write(b []byte) (int, error) { return f.write(b, f.File.Write) }

func (f *file) WriteAt(b []byte, at int64) (int, error) {
	return f.write(b, func(b []byte) (int, error) { return f.File.WriteAt(b, at) })
}

func (f *file) write(b []byte, write func([]byte) (int, error)) (int, error) {
	err := f.s.next("write", true)
	if err == nil {
		return write(b)
	}
	n := 0
	if f.s.kind != Fails && f.s.Call() == "write" { // what was written before the fault
		n, _ = write(b[:len(b)/2])
	}
	return n, path("write", f.name, err)
}

func (f *file) Truncate(size int64) error {
	if err := f.s.next("truncate", false); err != nil {
		return path("truncate", f.name, err)
	}
	return f.File.Truncate(size)
}

func (f *file) Sync() error {
	if err := f.s.next("sync", true); err != nil {
		return path("sync", f.name, err)
	}
	return f.File.Sync()
}

// Close closes the file in any case.
func (f *file) Close() error {
	err := f.s.next("close", false)
	if closed := f.File.Close(); err == nil {
		return closed
	}
	return path("close", f.name, err)
}
