//go:build !windows

package main

import (
	"fmt"
	"os"
)

func controllingTerminal() (in, out *os.File, err error) {
	f, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("open the terminal: %w", err)
	}
	return f, f, nil
}
