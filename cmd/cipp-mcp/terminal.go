package main

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/term"
)

// terminal is the person's own: what is read and written here goes through no pipe.
type terminal struct{ in, out *os.File }

// onTerminal runs f on the controlling terminal, opened by its own name, whatever standard input and
// output are connected to.
func onTerminal(f func(*terminal) error) error {
	in, out, err := controllingTerminal()
	if err != nil {
		return errors.New("there is no terminal here; this is for a person at a terminal, and neither pipes nor arguments will do")
	}
	defer func() {
		_ = in.Close()
		if out != in {
			_ = out.Close()
		}
	}()
	return f(&terminal{in, out})
}

// secret asks for a line that is not echoed.
func (t *terminal) secret(prompt string) (string, error) {
	t.say(prompt)
	b, err := term.ReadPassword(int(t.in.Fd()))
	t.say("\n")
	if err != nil {
		return "", fmt.Errorf("read from the terminal: %w", err)
	}
	return string(b), nil
}

func (t *terminal) say(text string) { _, _ = fmt.Fprint(t.out, text) }
