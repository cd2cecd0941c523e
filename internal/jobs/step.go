// Package jobs runs the steps of a write: intent first, then the call, then a read-back that says
// whether the effect is really there, and a record of each of them.
//
// Runs and steps are rows of a SQLite file or of a PostgreSQL schema, so that another process can finish what
// one that died began. Worker does what the ledger says, Loop or River brings it the runs that are due, and the
// ledger's audit is the journal: who asked, what was shown, who approved, what was done.
package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"
)

// Class says what may be done with a step whose outcome is not known, because no engine can know
// which of Microsoft's calls may be repeated.
type Class int

const (
	// Idempotent calls may be repeated: the second changes nothing.
	Idempotent Class = iota + 1
	// Verifiable calls must not be repeated blindly, but reading back tells whether they landed.
	Verifiable
	// Async calls are accepted now and take effect later; reading back says Pending until then.
	Async
	// Reading changes nothing at Microsoft, and may take hours: Do only begins it, Verify goes on with it and says
	// Pending until it is over. A freeze of writes does not stop it.
	Reading
	// Blind calls can neither be repeated nor read back; an unanswered one ends unknown.
	Blind
)

// Outcome is what reading back says about a step.
type Outcome int

const (
	// NotDone says that the effect is not there (yet).
	NotDone Outcome = iota
	// Done says that the effect was read back.
	Done
	// Pending says that the service is still at it.
	Pending
	// Unknown says that what was read does not tell.
	Unknown
	// Partly says that it is over, and some of it was left undone for a person to look at.
	Partly
)

// Change is what a step will do, as the plan shows it.
type Change struct {
	Step    string `json:"step"`
	Summary string `json:"summary"`
	// Target is the id of what the step changes where it is not the user himself: names may repeat.
	Target string `json:"target,omitempty"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
	// Sample are some of the parts of a step that has many, a line each.
	Sample []string `json:"sample,omitempty"`
	// Nothing says why there is nothing to do; such a step is not run.
	Nothing string `json:"nothingToDo,omitempty"`
	// Manual says what a person has to do, because this sign-in or Microsoft cannot; the step is not run.
	Manual   string   `json:"manual,omitempty"`
	Warnings []string `json:"warnings,omitempty"`
	// Blockers stop the whole plan before its first write.
	Blockers []string `json:"blockers,omitempty"`
	// NoWayBack says what cannot be undone.
	NoWayBack string `json:"noWayBack,omitempty"`
	// Critical says why this step needs the operator, not only the person at the client.
	Critical string `json:"critical,omitempty"`
	// People are the ids of people, beside the run's own user, whose access or duties this step changes. They are counted
	// when it is planned, and not kept.
	People []string `json:"-"`
}

// Runs says whether the step has anything to write.
func (c Change) Runs() bool { return c.Nothing == "" && c.Manual == "" && len(c.Blockers) == 0 }

// Handle is what Verify needs from Do, such as an id that Microsoft gave. It never holds a secret.
type Handle map[string]string

// Step is one write with everything around it. The functions read and write through clients they
// close over; data that one step leaves for another, or for a later process, goes through the Run.
type Step struct {
	Name   string
	Class  Class
	Needs  []string      // steps that must be done first; the others go on after a failure
	Settle time.Duration // how long an unanswered or asynchronous call may still land (0: a minute)
	Plan   func(context.Context, *Run) (Change, error)
	Do     func(context.Context, *Run) (Handle, error)
	Verify func(context.Context, *Run) (Outcome, error)
	Undo   func(context.Context, *Run) (*Step, error) // nil where Microsoft has no way back
}

// Run is one execution of a plan: whom it is about, and what its steps tell each other.
type Run struct {
	ID       string `json:"id"`
	Tool     string `json:"tool"`
	TenantID string `json:"tenantId"`
	Tenant   string `json:"tenant"`
	UserID   string `json:"userId,omitempty"`
	User     string `json:"user,omitempty"`

	mu     sync.Mutex
	values map[string]json.RawMessage
}

// Put keeps a value for later steps and for the record. It must hold no secret.
func (r *Run) Put(key string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("keep %s: %w", key, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.values == nil {
		r.values = map[string]json.RawMessage{}
	}
	r.values[key] = b
	return nil
}

// Get reads a value that Put kept and says whether there is one.
func (r *Run) Get(key string, v any) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	b, ok := r.values[key]
	return ok && json.Unmarshal(b, v) == nil
}
