//go:build !unix

package attack

import "errors"

func pipe(string) error { return errors.ErrUnsupported }
