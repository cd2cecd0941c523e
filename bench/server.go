package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// mostMemory is how much memory the server may ever have taken at scale, in KiB.
const mostMemory = 100 << 10

// server is the product as a process of its own, spoken to over its standard streams.
type server struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Reader
	said  bytes.Buffer
	calls int
}

// serve starts the product before the simulated cloud that client describes.
func serve(ctx context.Context, bin, client string, args ...string) (*server, error) {
	s := &server{cmd: exec.CommandContext(ctx, bin, append(append([]string{}, args...), "serve", "--cloud", client)...)}
	s.cmd.Stderr = &s.said
	s.cmd.Env = append(os.Environ(), "CIPP_CONFIG=")
	var err error
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.out = bufio.NewReaderSize(out, 1<<20)
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	fmt.Fprintln(s.in, `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}`)
	fmt.Fprintln(s.in, `{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	if err := s.answer(0, &struct{}{}); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

// call calls a tool and puts its structured answer into out.
func (s *server) call(tool string, args map[string]any, out any) error {
	var res struct {
		IsError bool            `json:"isError"`
		Content json.RawMessage `json:"content"`
		Out     json.RawMessage `json:"structuredContent"`
	}
	err := s.ask("tools/call", map[string]any{"name": tool, "arguments": args}, &res)
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w\n%s", tool, err, s.said.Bytes())
	case res.IsError:
		return fmt.Errorf("%s: %s", tool, res.Content)
	default:
		return json.Unmarshal(res.Out, out)
	}
}

// ask sends one request and waits for its answer.
func (s *server) ask(method string, params, out any) error {
	s.calls++
	line, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": s.calls, "method": method, "params": params})
	if err != nil {
		return err
	}
	if _, err := s.in.Write(append(line, '\n')); err != nil {
		return err
	}
	return s.answer(s.calls, out)
}

// answer is the answer to the request with that id; what comes between is passed over.
func (s *server) answer(id int, out any) error {
	for {
		line, err := s.out.ReadBytes('\n')
		if err != nil {
			return fmt.Errorf("the server did not answer: %w\n%s", err, s.said.Bytes())
		}
		var m struct {
			ID     *int            `json:"id"`
			Error  json.RawMessage `json:"error"`
			Result json.RawMessage `json:"result"`
		}
		if json.Unmarshal(line, &m) != nil || m.ID == nil || *m.ID != id {
			continue
		}
		if m.Error != nil {
			return fmt.Errorf("the server refused: %s", m.Error)
		}
		return json.Unmarshal(m.Result, out)
	}
}

// stop ends the process.
func (s *server) stop() error {
	_ = s.in.Close()
	_, _ = io.Copy(io.Discard, s.out)
	return s.cmd.Wait()
}

// peak is the most memory the process ever had, in KiB.
func (s *server) peak() int { return peakRSS(s.cmd.Process.Pid) }

// memory words a peak against its aim.
func memory(kib int) string {
	if kib == 0 {
		return "peak RSS not measured on this system"
	}
	return fmt.Sprintf("peak RSS %.1f MiB (aim ≤ %d MiB: %s)", float64(kib)/1024, mostMemory>>10, verdict(kib <= mostMemory))
}
