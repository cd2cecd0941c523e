//go:build windows

package main

import (
	"fmt"
	"os"
)

func controllingTerminal() (in, out *os.File, err error) {
	if in, err = os.OpenFile("CONIN$", os.O_RDWR, 0); err != nil {
		return nil, nil, fmt.Errorf("open the console: %w", err)
	}
	if out, err = os.OpenFile("CONOUT$", os.O_RDWR, 0); err != nil {
		_ = in.Close()
		return nil, nil, fmt.Errorf("open the console: %w", err)
	}
	return in, out, nil
}
