//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package outfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// held is a file that this process has a lock on.
type held struct{ f *os.File }

// lock makes a file and locks it. The system lets go of the lock when the process ends, however it ends.
func lock(name string) (io.Closer, error) {
	for {
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0o666)
		if err != nil {
			return nil, err
		}
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case errors.Is(err, syscall.EWOULDBLOCK):
			return nil, errors.Join(ErrBusy, f.Close())
		case err != nil && !unsupported(err):
			return nil, errors.Join(&os.PathError{Op: "lock", Path: name, Err: err}, f.Close())
		}
		if same(f, name) {
			return held{f}, nil
		}
		_ = f.Close() // who had the lock removed the file before it let go
	}
}

// same tells whether f still has its name.
func same(f *os.File, name string) bool {
	open, err := f.Stat()
	named, err2 := os.Lstat(name)
	return err == nil && err2 == nil && os.SameFile(open, named)
}

// Close removes the file while the lock is held, so that nobody locks a file without a name for long.
func (h held) Close() error {
	err := os.Remove(h.f.Name())
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, h.f.Close())
}

// unsupported tells whether a file system has no locks, such as some network ones.
func unsupported(err error) bool {
	return errors.Is(err, syscall.ENOTSUP) || errors.Is(err, syscall.ENOSYS) || errors.Is(err, syscall.ENOLCK) || errors.Is(err, syscall.EINVAL)
}

// refused tells whether a file system cannot sync folders.
func refused(err error) bool {
	return errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP)
}
