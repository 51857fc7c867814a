package outfile

import (
	"errors"
	"io"
	"os"
	"syscall"
)

// held is a file that nobody else can open while this process has it.
type held struct {
	handle syscall.Handle
	name   string
}

// sharing is ERROR_SHARING_VIOLATION.
const sharing syscall.Errno = 32

// lock makes a file and opens it for this process alone.
func lock(name string) (io.Closer, error) {
	path, err := syscall.UTF16PtrFromString(name)
	if err != nil {
		return nil, err
	}
	h, err := syscall.CreateFile(path, syscall.GENERIC_READ|syscall.GENERIC_WRITE, 0, nil, syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	if errors.Is(err, sharing) {
		return nil, ErrBusy
	}
	if err != nil {
		return nil, &os.PathError{Op: "lock", Path: name, Err: err}
	}
	return held{h, name}, nil
}

// Close lets go and removes the file, which another process may have opened by then.
func (h held) Close() error {
	err := syscall.CloseHandle(h.handle)
	_ = os.Remove(h.name)
	return err
}

func refused(error) bool { return false }
