package cli

import "fmt"

func runCompletion(c *call) error {
	if err := c.parse(); err != nil {
		return err
	}
	if err := program(c.net, c.opt).Completion(c.out, c.flags.Arg(0)); err != nil {
		return usageError{err}
	}
	return nil
}

func runMan(c *call) error {
	if err := c.parse(); err != nil {
		return err
	}
	if err := program(c.net, c.opt).Man(c.out); err != nil {
		return fmt.Errorf("manual page: %w", err)
	}
	return nil
}
