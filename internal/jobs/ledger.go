package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"cipp-mcp/internal/clock"
)

// The states of a step that is not at its end, beside those a result can show.
const (
	StateToDo      = "pending" // not begun
	StateIntent    = "intent"  // the call may be out; nothing is known of it
	StateCancelled = "cancelled"
)

// The states of a run.
const (
	RunQueued    = "queued"
	RunRunning   = "running" // claimed once; between two looks it is parked, and nobody holds it
	RunDone      = "done"
	RunAttention = "attention" // a step is not done, and nothing more happens without a person
	RunCancelled = "cancelled"
	RunHeld      = "held" // waits for the operator's approval
)

// The ways the ledger refuses.
var (
	ErrNoRun    = errors.New("there is no such job")
	ErrNoStep   = errors.New("this job has no such step")
	ErrRunBusy  = errors.New("a job of this kind is at work on this subject already")
	ErrRunKnown = errors.New("this call was made before under the same key")
	ErrNotHeld  = errors.New("this job does not wait for an approval")
	ErrNotEnded = errors.New("this job is still at work")
	ErrNotOpen  = errors.New("only a step whose outcome is unknown is resolved by a person")
	ErrFenced   = errors.New("another process has taken this job over")
)

// Ledger holds runs and their steps. All that happens to them goes through it, each change with its
// line of the audit.
type Ledger struct {
	store   *Store
	owner   *owner
	time    *timeline
	machine clock.Clock
	// Box seals what steps keep; nil leaves it open.
	Box Box
	// Dispatch is told of new and changed runs; nil where this process only looks.
	Dispatch Dispatcher

	mu      sync.Mutex
	changed chan struct{}        // closed at each change made here
	held    map[string]time.Time // the runs this process is at work on, and since when
}

// Dispatcher brings runs to a worker. The ledger's lease decides who runs them; a dispatcher that
// nudges twice does no harm, one that forgets a run does.
type Dispatcher interface {
	// Enqueue announces a run in the transaction that makes it.
	Enqueue(ctx context.Context, tx Tx, runID string, notBefore time.Time) error
	// Nudge says that a run was made, or that a person did something to it.
	Nudge(runID string)
	// Run hands due runs to advance until ctx ends, and returns when the last of them is out of hand.
	Run(ctx context.Context, advance func(ctx context.Context, runID string) error) error
}

// OpenLedger opens the ledger of a state directory. The cloud's clock governs the steps, the
// machine's the leases.
func OpenLedger(ctx context.Context, stateDir string, cloud, machine clock.Clock) (*Ledger, error) {
	s, err := OpenStore(ctx, stateDir)
	if err != nil {
		return nil, err
	}
	return newLedger(s, stateDir, cloud, machine)
}

// OpenPostgresLedger opens the ledger that a postgres:// URL leads to, which the processes of several
// machines may share; each has a state directory, and may share that with others of its machine.
func OpenPostgresLedger(ctx context.Context, url, stateDir string, cloud, machine clock.Clock) (*Ledger, error) {
	s, err := OpenPostgresStore(ctx, url)
	if err != nil {
		return nil, err
	}
	return newLedger(s, stateDir, cloud, machine)
}

func newLedger(s *Store, stateDir string, cloud, machine clock.Clock) (*Ledger, error) {
	o, err := takeOwner(stateDir, machine, s.local())
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return &Ledger{store: s, owner: o, time: &timeline{clock: cloud}, machine: machine, changed: make(chan struct{}), held: map[string]time.Time{}}, nil
}

// Close gives the database back. Runs that are parked are anybody's then.
func (l *Ledger) Close() error { return errors.Join(l.owner.release(), l.store.Close()) }

// Store is what the ledger lies in.
func (l *Ledger) Store() *Store { return l.store }

// NewRun is a run before it is written. Steps and Changes are those of the approved plan, side by side.
type NewRun struct {
	Run         *Run
	Kind        string // the registry's entry that rebuilds the steps; "" is the run's tool
	PlanVersion int
	Args        json.RawMessage // what the registry needs; it must hold no secret
	NotBefore   time.Time       // zero: at once
	Deadline    time.Time       // zero: however late; else it is not begun after this
	Held        bool            // it waits until Release
	CallKey     string          // names the call that made it; a second run under the same is refused
	CreatedBy   string
	Approval    string
	ParentID    string
	Steps       []Step
	Changes     []Change
	Asked       Event  // who asked for what and why, for the journal
	Grant       string // the standing grant it uses up one of; "" for none
	// Beside: it is part of a run that is at work on the same subject, and does not wait for others of its kind.
	Beside bool
}

// besideMark parts a run's kind from its id where it does not wait for others of its kind.
const besideMark = "#"

// row is the kind as it lies in the ledger, where no two runs of one kind are at work on one subject.
func (n NewRun) row() string {
	if n.Beside {
		return n.Kind + besideMark + n.Run.ID
	}
	return n.Kind
}

// Create writes a run and its steps, which are data from then on: whatever process or version of the
// product goes on with it does what was approved. ErrRunBusy says that one is at work on the subject.
func (l *Ledger) Create(ctx context.Context, n NewRun) error {
	if len(n.Steps) != len(n.Changes) {
		return fmt.Errorf("%d steps with %d changes", len(n.Steps), len(n.Changes))
	}
	if n.Kind == "" {
		n.Kind = n.Run.Tool
	}
	if n.Args == nil {
		n.Args = json.RawMessage("{}")
	}
	err := l.store.Change(ctx, func(ctx context.Context, tx Tx) error {
		if err := known(ctx, tx, n.CallKey); err != nil {
			return err
		}
		if err := l.alone(ctx, tx, n); err != nil {
			return err
		}
		if err := use(ctx, tx, n.Grant, l.time.clock.Now()); err != nil {
			return err
		}
		if err := l.insert(ctx, tx, n); err != nil {
			return err
		}
		if err := cancelledWith(ctx, tx, n); err != nil {
			return err
		}
		if l.Dispatch != nil {
			return l.Dispatch.Enqueue(ctx, tx, n.Run.ID, n.NotBefore)
		}
		return nil
	})
	if err == nil {
		l.told(n.Run.ID)
	}
	return err
}

// cancelledWith lets a run that is made below one that a person stopped meanwhile begin nothing either.
func cancelledWith(ctx context.Context, tx Tx, n NewRun) error {
	if n.ParentID == "" {
		return nil
	}
	_, err := execute(ctx, tx, `UPDATE run SET cancel_requested = 1 WHERE id = ? AND EXISTS (SELECT 1 FROM run AS above WHERE above.id = ? AND above.cancel_requested = 1)`, n.Run.ID, n.ParentID)
	return err
}

// known refuses a call that has made its run already.
func known(ctx context.Context, tx Tx, key string) error {
	if key == "" {
		return nil
	}
	var n int
	if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM run WHERE call_key = ?`, key).Scan(&n); err != nil {
		return storeError(err)
	}
	if n > 0 {
		return ErrRunKnown
	}
	return nil
}

// alone refuses a second run of a kind that would begin now on a subject where one is at work. Runs
// for later wait for each other instead.
func (l *Ledger) alone(ctx context.Context, tx Tx, n NewRun) error {
	if n.Run.UserID == "" || n.Held || n.NotBefore.After(l.time.clock.Now()) {
		return nil
	}
	var active int
	err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM run WHERE tenant = ? AND subject = ? AND kind = ? AND state IN ('queued', 'running') AND not_before <= ?`,
		n.Run.TenantID, n.Run.UserID, n.row(), milli(l.time.clock.Now())).Scan(&active)
	if err != nil {
		return storeError(err)
	}
	if active > 0 {
		return ErrRunBusy
	}
	return nil
}

func (l *Ledger) insert(ctx context.Context, tx Tx, n NewRun) error {
	info, err := json.Marshal(n.Run)
	if err != nil {
		return fmt.Errorf("keep the run: %w", err)
	}
	vals, err := l.kept(n.Run)
	if err != nil {
		return err
	}
	now, state := l.time.now(), RunQueued
	if n.Held {
		state = RunHeld
	}
	_, err = execute(ctx, tx, `INSERT INTO run (id, kind, plan_version, tenant, subject, info, args, vals, state, not_before, deadline, created_at, created_by, approval, parent_id, call_key)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		n.Run.ID, n.row(), n.PlanVersion, n.Run.TenantID, n.Run.UserID, string(info), string(n.Args), vals, state,
		milli(n.NotBefore), milli(n.Deadline), milli(now), n.CreatedBy, n.Approval, n.ParentID, n.CallKey)
	if err != nil {
		return err
	}
	for i, s := range n.Steps {
		c := n.Changes[i]
		needs, nerr := json.Marshal(s.Needs)
		change, cerr := json.Marshal(c)
		if err := errors.Join(nerr, cerr); err != nil {
			return fmt.Errorf("keep step %s: %w", s.Name, err)
		}
		begun, result := begin(c)
		_, err := execute(ctx, tx, `INSERT INTO step (run_id, idx, name, class, needs, change, state, result) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			n.Run.ID, i, s.Name, s.Class.String(), string(needs), string(change), begun, result)
		if err != nil {
			return err
		}
	}
	e := n.Asked
	e.Event, e.Approval, e.Tool, e.Tenant, e.User = "created", n.Approval, n.Kind, n.Run.TenantID, n.Run.UserID
	e.Grant = n.Grant
	if !n.NotBefore.IsZero() {
		e.Detail = "not before " + n.NotBefore.UTC().Format(time.RFC3339)
	}
	return audit(ctx, tx, n.Run.ID, now, n.CreatedBy, e)
}

// begin is the state a step starts in: what has nothing to write is at its end already.
func begin(c Change) (state, result string) {
	switch {
	case c.Manual != "":
		return StateManual, c.Manual
	case c.Nothing != "":
		return StateNothing, c.Nothing
	default:
		return StateToDo, ""
	}
}

var classNames = map[Class]string{Idempotent: "idempotent", Verifiable: "verifiable", Async: "async", Reading: "reading", Blind: "blind"}

// String is the word for a class in the ledger.
func (c Class) String() string { return classNames[c] }

// classOf reads the word. One that is not known is Blind, the class that dares least.
func classOf(word string) Class {
	for c, w := range classNames {
		if w == word {
			return c
		}
	}
	return Blind
}

// told wakes whoever waits for a change of the run.
func (l *Ledger) told(runID string) {
	l.mu.Lock()
	close(l.changed)
	l.changed = make(chan struct{})
	l.mu.Unlock()
	if l.Dispatch != nil && runID != "" {
		l.Dispatch.Nudge(runID)
	}
}
