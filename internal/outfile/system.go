package outfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"runtime"
	"sync/atomic"
)

// System is what this package asks of a file system. Tests put one that fails in the place of the real one.
type System interface {
	OpenFile(name string, flag int, perm fs.FileMode) (File, error)
	Lstat(name string) (fs.FileInfo, error)
	ReadDir(name string) ([]fs.DirEntry, error)
	Mkdir(name string, perm fs.FileMode) error
	Link(from, to string) error
	Rename(from, to string) error
	Remove(name string) error
	SyncDir(name string) error           // makes what was renamed in a folder last
	Lock(name string) (io.Closer, error) // ErrBusy where another process or Hold has it; Close lets go and removes the file
}

// File is an open file.
type File interface {
	io.ReadWriteSeeker
	io.WriterAt
	io.Closer
	Truncate(size int64) error
	Sync() error
}

// ErrBusy says that another writer has a file.
var ErrBusy = errors.New("another command is writing it: wait until that one has ended, or give another name")

// replaced is the system of a test; nil for the real one.
var replaced atomic.Pointer[System]

func system() System {
	if s := replaced.Load(); s != nil {
		return *s
	}
	return disk{}
}

// Use puts a file system in the place of the real one until a test has ended. Product code does not call it.
func Use(t interface{ Cleanup(func()) }, s System) {
	replaced.Store(&s)
	t.Cleanup(func() { replaced.Store(nil) })
}

// Disk is the real file system.
func Disk() System { return disk{} }

type disk struct{}

func (disk) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	f, err := os.OpenFile(name, flag, perm)
	if err != nil { // a nil *os.File is no nil File
		return nil, err
	}
	return f, nil
}

func (disk) Lstat(name string) (fs.FileInfo, error)     { return os.Lstat(name) }
func (disk) ReadDir(name string) ([]fs.DirEntry, error) { return os.ReadDir(name) }
func (disk) Mkdir(name string, perm fs.FileMode) error  { return os.Mkdir(name, perm) }
func (disk) Link(from, to string) error                 { return os.Link(from, to) }
func (disk) Rename(from, to string) error               { return os.Rename(from, to) }
func (disk) Remove(name string) error                   { return os.Remove(name) }

func (disk) SyncDir(name string) error {
	if runtime.GOOS == "windows" || runtime.GOOS == "js" || runtime.GOOS == "wasip1" || runtime.GOOS == "plan9" {
		return nil // folders cannot be opened for that
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	if err := f.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !refused(err) {
		return errors.Join(err, f.Close())
	}
	return f.Close()
}

func (disk) Lock(name string) (io.Closer, error) { return lock(name) }
