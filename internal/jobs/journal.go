package jobs

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"cipp-mcp/internal/clock"
)

// Entry is one line of the journal. It names what was asked, shown, approved and done; it never
// holds a secret.
type Entry struct {
	Time     time.Time `json:"time"`
	Event    string    `json:"event"` // call | plan | approval | intent | step | end
	Run      string    `json:"run,omitempty"`
	Tool     string    `json:"tool,omitempty"`
	Tenant   string    `json:"tenant,omitempty"`
	User     string    `json:"user,omitempty"`
	Step     string    `json:"step,omitempty"`
	Target   string    `json:"target,omitempty"`
	State    string    `json:"state,omitempty"`
	Before   string    `json:"before,omitempty"`
	After    string    `json:"after,omitempty"`
	Detail   string    `json:"detail,omitempty"`
	Client   string    `json:"client,omitempty"`
	Approved string    `json:"approvedBy,omitempty"`
	Reason   string    `json:"reason,omitempty"`
	Ticket   string    `json:"ticket,omitempty"`
}

// Journal is an append-only file of entries, one JSON object a line.
type Journal struct {
	clock clock.Clock
	mu    sync.Mutex
	file  *os.File
	err   error
}

// OpenJournal opens, or makes, journal.jsonl in the state directory.
func OpenJournal(stateDir string, c clock.Clock) (*Journal, error) {
	f, err := os.OpenFile(filepath.Join(stateDir, "journal.jsonl"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) //nolint:gosec // a file of our own directory
	if err != nil {
		return nil, fmt.Errorf("open the journal: %w", err)
	}
	return &Journal{clock: c, file: f}, nil
}

// Append writes an entry and hands it to the disk. An entry that cannot be written is remembered as
// the journal's error: Err tells it, and no further write may begin.
func (j *Journal) Append(e Entry) {
	if j == nil {
		return
	}
	e.Time = j.clock.Now()
	b, err := json.Marshal(e)
	j.mu.Lock()
	defer j.mu.Unlock()
	if err == nil {
		_, err = j.file.Write(append(b, '\n'))
	}
	if err == nil && e.Event != "call" {
		err = j.file.Sync()
	}
	if err != nil {
		j.err = err
	}
}

// Err is the first failure to write, nil while the journal is whole.
func (j *Journal) Err() error {
	if j == nil {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.err
}

// Close closes the file.
func (j *Journal) Close() error { return j.file.Close() }
