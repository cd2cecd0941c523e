// Package casefile keeps cases on disk: one folder a case, in it one folder a reading, in it one file of JSON lines a
// source with its SHA-256, and what a person attested. What was read is never written again.
package casefile

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"cipp-mcp/workflows/bec"
)

// Store is the folder of all cases.
type Store struct{ dir string }

// Open opens the cases below a state directory; nothing is written before the first case.
func Open(stateDir string) *Store { return &Store{filepath.Join(stateDir, "cases")} }

// Head is what a case is about.
type Head struct {
	CaseID   string    `json:"caseId"`
	TenantID string    `json:"tenantId"`
	Tenant   string    `json:"tenant"`
	User     bec.User  `json:"user"`
	Opened   time.Time `json:"opened"`
	Since    time.Time `json:"since,omitzero"`
}

// Case is one case on disk.
type Case struct {
	Head
	dir string
}

// ErrNoCase says that there is no such case.
var ErrNoCase = errors.New("there is no such case")

var caseID = regexp.MustCompile(`^case_[0-9]{8}_[a-z2-7]{8}$`)

// New opens a case.
func (s *Store) New(h Head) (*Case, error) {
	h.CaseID = "case_" + h.Opened.UTC().Format("20060102") + "_" + strings.ToLower(rand.Text()[:8])
	c := &Case{h, filepath.Join(s.dir, h.CaseID)}
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return nil, fmt.Errorf("open a case: %w", err)
	}
	return c, c.put("case.json", h)
}

// Get is the case with that id; ErrNoCase when there is none.
func (s *Store) Get(id string) (*Case, error) {
	if !caseID.MatchString(id) { // it becomes a path
		return nil, ErrNoCase
	}
	c := &Case{dir: filepath.Join(s.dir, id)}
	err := c.get("case.json", &c.Head)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoCase
	}
	return c, err
}

// Of are the cases of a user, the newest first; of all users for "".
func (s *Store) Of(tenantID, userID string) ([]*Case, error) {
	entries, err := os.ReadDir(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list the cases: %w", err)
	}
	var out []*Case
	for _, e := range entries {
		c, err := s.Get(e.Name())
		if err != nil {
			continue // not a case, or one that is being made
		}
		if (tenantID == "" || c.TenantID == tenantID) && (userID == "" || c.User.ID == userID) {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b *Case) int { return b.Opened.Compare(a.Opened) })
	return out, nil
}

// Dir is where the case lies.
func (c *Case) Dir() string { return c.dir }

// Attestation is what a person said of an event. It counts only with its proof: a file can be written by whoever may
// write files, and a model's word is no person's.
type Attestation struct {
	Event string    `json:"event"` // its evidenceRef
	Yes   bool      `json:"yes"`   // it was the user
	By    string    `json:"by"`    // operator, an approver's name, or client where the person was asked there
	At    time.Time `json:"at"`
	Proof string    `json:"proof"` // a signature under Message, or this server's seal where the client asked
}

// Message is what is signed: the case, the event and the answer.
func (a Attestation) Message(caseID string) string {
	return strings.Join([]string{"cipp-mcp attestation", caseID, a.Event, strconv.FormatBool(a.Yes), a.At.UTC().Format(time.RFC3339)}, "\n")
}

// Attestations are a person's answers in the order in which they were given, believed or not.
func (c *Case) Attestations() ([]Attestation, error) {
	var list []Attestation
	err := c.get("attested.json", &list)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return list, err
}

// Attest adds an answer; a later one of the same event takes the place of an earlier one.
func (c *Case) Attest(a Attestation) error {
	list, err := c.Attestations()
	if err != nil {
		return err
	}
	return c.put("attested.json", append(list, a))
}

// AskedOf are the events a person at the client was asked about, answered or not.
func (c *Case) AskedOf() ([]string, error) {
	var list []string
	err := c.get("asked.json", &list)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return list, err
}

// Ask notes that a person at the client is asked about these events: nobody is asked twice.
func (c *Case) Ask(events []string) error {
	list, err := c.AskedOf()
	if err != nil {
		return err
	}
	return c.put("asked.json", append(list, events...))
}

// put writes a small file whole or not at all.
func (c *Case) put(name string, v any) error {
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return fmt.Errorf("case %s: %w", c.CaseID, err)
	}
	path := filepath.Join(c.dir, name)
	if err := os.WriteFile(path+".new", append(b, '\n'), 0o600); err != nil {
		return fmt.Errorf("case %s: %w", c.CaseID, err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("case %s: %w", c.CaseID, err)
	}
	return nil
}

func (c *Case) get(name string, v any) error {
	b, err := os.ReadFile(filepath.Join(c.dir, name)) //nolint:gosec // within the case's own folder
	if err != nil {
		return fmt.Errorf("case %s: %w", c.CaseID, err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("case %s: %s is damaged: %w", c.CaseID, name, err)
	}
	return nil
}
