package main

import (
	"errors"
	"fmt"
	"io"
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

// secret asks for a line that is not echoed. Echo is off before the prompt is shown, so that nothing
// typed or pasted early is seen either; Ctrl-C and Ctrl-D give up.
func (t *terminal) secret(prompt string) (string, error) {
	fd := int(t.in.Fd())
	was, err := term.MakeRaw(fd)
	if err != nil {
		return "", fmt.Errorf("read from the terminal: %w", err)
	}
	defer func() { _ = term.Restore(fd, was) }()
	line, err := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{t.in, t.out}, "").ReadPassword(prompt)
	if err != nil && !errors.Is(err, term.ErrPasteIndicator) {
		t.say("\r\n")
		if errors.Is(err, io.EOF) {
			return "", errors.New("given up at the terminal; nothing was done")
		}
		return "", fmt.Errorf("read from the terminal: %w", err)
	}
	return line, nil
}

func (t *terminal) say(text string) { _, _ = fmt.Fprint(t.out, text) }
