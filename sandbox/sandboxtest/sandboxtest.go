// Package sandboxtest starts a sandbox for a test: it ends with the test, it fails the test if it was asked
// anything it does not know, and it is recorded where the environment says so.
package sandboxtest

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"cipp-mcp/sandbox"
)

// RecordEnv names a folder. Where it is set, every sandbox of every test writes its recording there, so
// that all of them can be held against Microsoft's contract afterwards.
const RecordEnv = "CIPP_TEST_RECORD"

var notInNames = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// Start starts a sandbox with o, as sandbox.Start does, until the end of the test.
func Start(t testing.TB, o sandbox.Options) *sandbox.Server {
	t.Helper()
	if dir := os.Getenv(RecordEnv); dir != "" {
		o.Record = tee(t, dir, o.Record)
	}
	s, err := sandbox.Start(t.Context(), o)
	if err != nil {
		t.Fatalf("the sandbox did not start: %v", err)
	}
	t.Cleanup(func() {
		for _, u := range s.Unknown() {
			t.Errorf("the sandbox was asked what it does not know: %s", u)
		}
		if err := s.Close(); err != nil {
			t.Errorf("closing the sandbox: %v", err)
		}
	})
	return s
}

// tee writes to a file in dir of its own and, where there is one, to the test's own writer.
func tee(t testing.TB, dir string, own io.Writer) io.Writer {
	t.Helper()
	program := strings.TrimSuffix(filepath.Base(os.Args[0]), ".test")
	f, err := os.CreateTemp(dir, notInNames.ReplaceAllString(program+"-"+t.Name(), "_")+"-*.jsonl")
	if err != nil {
		t.Fatalf("%s: %v", RecordEnv, err)
	}
	w := &closer{f: f}
	t.Cleanup(w.close)
	if own == nil {
		return w
	}
	return io.MultiWriter(w, own)
}

// closer takes what a request still under way writes after the test has ended for nothing.
type closer struct {
	mu sync.Mutex
	f  *os.File
}

func (c *closer) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.f == nil {
		return len(b), nil
	}
	return c.f.Write(b)
}

func (c *closer) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.f.Close() // the tests are judged by what is in the file
	c.f = nil
}
