package jobs

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Event is what one line of the journal tells. It never holds a secret.
type Event struct {
	// Event is one of call, plan, created, scheduled, approved, denied, claimed, intent, step, cancel,
	// retry, resolve, postponed, end, grant, freeze.
	Event    string   `json:"event"`
	Tool     string   `json:"tool,omitempty"`
	Tenant   string   `json:"tenant,omitempty"`
	User     string   `json:"user,omitempty"`
	Step     string   `json:"step,omitempty"`
	Target   string   `json:"target,omitempty"`
	Attempt  int      `json:"attempt,omitempty"`
	Epoch    int64    `json:"epoch,omitempty"`
	From     string   `json:"from,omitempty"`
	State    string   `json:"state,omitempty"`
	Before   string   `json:"before,omitempty"`
	After    string   `json:"after,omitempty"`
	Request  string   `json:"request,omitempty"`   // the client-request-id of the call
	Answers  []string `json:"microsoft,omitempty"` // the request-ids of Microsoft's answers
	Shown    string   `json:"shown,omitempty"`     // fingerprint of the plan that was shown
	Approval string   `json:"approvedBy,omitempty"`
	Grant    string   `json:"grant,omitempty"`
	Client   string   `json:"client,omitempty"` // who asked, as the client names itself
	Reason   string   `json:"reason,omitempty"`
	Ticket   string   `json:"ticket,omitempty"`
	Detail   string   `json:"detail,omitempty"`
}

// Note writes a line that belongs to no change of a run, such as that a tool was called; runID may be
// that of a run that is only planned.
func (l *Ledger) Note(ctx context.Context, runID, who string, e Event) error {
	return l.store.Change(ctx, func(ctx context.Context, tx Tx) error { return audit(ctx, tx, runID, l.time.now(), who, e) })
}

// AuditLine is one line as it lies in the ledger.
type AuditLine struct {
	Seq        int64
	RunID      string
	At         time.Time
	Who        string
	What       json.RawMessage
	prev, hash string
}

// Head is the audit's last line. Whoever keeps it elsewhere can tell later that lines were cut off
// the end, which the chain alone cannot.
type Head struct {
	Seq  int64
	Hash string
}

// ErrAudit says that the audit is not what was written.
var ErrAudit = errors.New("the audit was changed")

func (l AuditLine) sum(prev string) string {
	h := sha256.New()
	for _, part := range []string{prev, l.RunID, l.Who, string(l.What)} {
		_ = binary.Write(h, binary.BigEndian, int64(len(part))) // a hash takes everything
		_, _ = h.Write([]byte(part))
	}
	_ = binary.Write(h, binary.BigEndian, []int64{l.Seq, l.At.UnixMilli()})
	return hex.EncodeToString(h.Sum(nil))
}

// audit adds a line to the chain, in the transaction of the change it tells of.
func audit(ctx context.Context, tx Tx, runID string, at time.Time, who string, e Event) error {
	what, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	var head Head
	err = tx.QueryRowContext(ctx, `SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1`).Scan(&head.Seq, &head.Hash)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return storeError(err)
	}
	runID, who = storable(runID), storable(who) // the sum is over what the database will give back
	l := AuditLine{Seq: head.Seq + 1, RunID: runID, At: at, Who: who, What: what}
	_, err = execute(ctx, tx, `INSERT INTO audit (seq, run_id, at, who, what, prev_hash, hash) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		l.Seq, runID, at.UnixMilli(), who, string(what), head.Hash, l.sum(head.Hash))
	return err
}

// Audit reads the lines of one run, or all of them for "", in order.
func (s *Store) Audit(ctx context.Context, runID string) (lines []AuditLine, err error) {
	err = s.eachLine(ctx, `SELECT seq, run_id, at, who, what, prev_hash, hash FROM audit WHERE ? IN ('', run_id) ORDER BY seq`, func(l AuditLine) error {
		lines = append(lines, l)
		return nil
	}, runID)
	return lines, err
}

// Verify walks the whole chain. It returns the head, or ErrAudit with the first line that is not
// what was written.
func (s *Store) Verify(ctx context.Context) (Head, error) {
	var head Head
	err := s.eachLine(ctx, `SELECT seq, run_id, at, who, what, prev_hash, hash FROM audit ORDER BY seq`, func(l AuditLine) error {
		switch {
		case l.Seq != head.Seq+1:
			return fmt.Errorf("%w: line %d is missing", ErrAudit, head.Seq+1)
		case l.prev != head.Hash || l.hash != l.sum(head.Hash):
			return fmt.Errorf("%w: line %d, or the one before it, is not what was written", ErrAudit, l.Seq)
		}
		head = Head{l.Seq, l.hash}
		return nil
	})
	return head, err
}

func (s *Store) eachLine(ctx context.Context, query string, f func(AuditLine) error, args ...any) error {
	rows, err := s.read.QueryContext(ctx, query, args...)
	if err != nil {
		return storeError(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var l AuditLine
		var at int64
		var what string
		if err := rows.Scan(&l.Seq, &l.RunID, &at, &l.Who, &what, &l.prev, &l.hash); err != nil {
			return storeError(err)
		}
		l.At, l.What = time.UnixMilli(at).UTC(), json.RawMessage(what)
		if err := f(l); err != nil {
			return err
		}
	}
	return storeError(rows.Err())
}

// LastWritten is when the newest line of the journal was written, zero when there is none.
func (s *Store) LastWritten(ctx context.Context) (time.Time, error) {
	var at int64
	err := s.read.QueryRowContext(ctx, `SELECT COALESCE(MAX(at), 0) FROM audit`).Scan(&at)
	return fromMilli(at), storeError(err)
}

// Reaches says whether the chain still holds a head that was noted earlier, written SEQ:HASH.
func (s *Store) Reaches(ctx context.Context, head string) error {
	seq, hash, _ := strings.Cut(strings.TrimSpace(head), ":")
	n, err := strconv.ParseInt(seq, 10, 64)
	if err != nil || hash == "" {
		return errors.New("a head is written SEQ:HASH, as journal verify prints it")
	}
	var found string
	err = s.read.QueryRowContext(ctx, `SELECT hash FROM audit WHERE seq = ?`, n).Scan(&found)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("%w: it ends before line %d", ErrAudit, n)
	case err != nil:
		return storeError(err)
	case found != hash:
		return fmt.Errorf("%w: line %d is another than it was", ErrAudit, n)
	default:
		return nil
	}
}
