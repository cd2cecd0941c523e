package policy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"cipp-mcp/internal/jobs"
)

// The modes in which a write is approved.
const (
	ModeNone     = "none"
	ModeClient   = "client"   // the person at the client is asked
	ModePlan     = "plan"     // the plan's token comes back in a second call
	ModeOperator = "operator" // a person outside the model, with a passphrase or a key
)

// Operator is how the holder of the operator's passphrase is called.
const Operator = "operator"

// Signatures knows whose signatures count.
type Signatures interface {
	// Signed says whether signature is that of by under message: the operator's own key, or that of an
	// approver whom the configuration names.
	Signed(by, message, signature string) error
	// Ready says why nobody could approve anything; nil when somebody can.
	Ready() error
}

// Mode is how a plan is approved when the client can, or cannot, ask a person.
func (e *Engine) Mode(req Request, r Risk, canAsk bool) string {
	mode := e.Config.Approval.Write
	switch {
	case r >= Critical || e.secondPerson(req, r) != "":
		return ModeOperator
	case r >= Destructive:
		mode = e.Config.Approval.Destructive
	}
	switch {
	case mode != ModeClient || canAsk:
		return mode
	case r >= Destructive && !e.Embedded:
		return ModeOperator
	default: // in the embedded sandbox nothing can be spoiled, and nobody's terminal reaches it
		return ModePlan
	}
}

// secondPerson says for what of a request the operator wants somebody else than the requester to approve: a tool whose
// work it does, alone or for many, or a class, with every class above it. "" when for nothing.
func (e *Engine) secondPerson(req Request, r Risk) string {
	for _, w := range e.Config.Approval.TwoPerson {
		var class Risk
		if class.UnmarshalText([]byte(w)) == nil {
			if r >= class {
				return "what is " + r.String()
			}
			continue
		}
		for _, t := range req.tools() {
			if strings.EqualFold(w, t) {
				return t
			}
		}
	}
	return ""
}

// guardOperator blocks what only the operator may approve where there is none.
func (e *Engine) guardOperator(req Request, p *Plan) {
	second := e.secondPerson(req, p.Risk)
	if p.Risk < Critical && second == "" {
		return
	}
	why := strings.Join(p.Critical, "; ")
	switch {
	case why != "":
	case second != "":
		why = second + " needs a second person (approval.twoPerson)"
	default:
		why = req.Tool + " is always critical"
	}
	if e.Signatures == nil {
		p.Blockers = append(p.Blockers, why+"; that needs the operator's approval, and none can be given here")
		return
	}
	if err := e.Signatures.Ready(); err != nil {
		p.Blockers = append(p.Blockers, why+"; that needs the operator's approval: "+err.Error())
	}
}

// proof is what lies with a run that the operator approved.
type proof struct {
	By        string    `json:"by"`
	At        time.Time `json:"at"`
	Signature string    `json:"signature"`
}

// ApprovalMessage is what an approver signs: the run with everything it will do. A ledger whose rows were
// changed after the signature does not fit it any more.
func ApprovalMessage(j jobs.Job) string {
	type step struct {
		Name, Class string
		Needs       []string
		Change      jobs.Change
	}
	steps := make([]step, len(j.Steps))
	for i, s := range j.Steps {
		steps[i] = step{s.Name, s.Class.String(), s.Needs, s.Change}
	}
	b, _ := json.Marshal(struct {
		Run, Kind, Tenant, User string
		NotBefore               time.Time
		Args                    string
		Steps                   []step
	}{j.Run.ID, j.Kind, j.Run.TenantID, j.Run.UserID, j.NotBefore.UTC(), string(j.Args), steps})
	sum := sha256.Sum256(b)
	return "cipp-mcp approves " + j.Run.ID + " " + hex.EncodeToString(sum[:])
}

// ErrSamePerson says that a second person is wanted.
var ErrSamePerson = errors.New("this needs a second person: an approver named in approval.approvers who is not the one that asked")

// Approve lets a held run begin. signature is by's, of the run's ApprovalMessage.
func (e *Engine) Approve(ctx context.Context, runID, by, signature string) error {
	j, err := e.Ledger.Job(ctx, runID)
	if err != nil {
		return err
	}
	p := proof{by, e.Clock.Now(), signature}
	b, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("keep the approval: %w", err)
	}
	j.Proof = string(b)
	a, err := e.opened(j.RunInfo)
	if err != nil {
		return err
	}
	if err := e.proven(j, a); err != nil {
		return err
	}
	return e.Ledger.Release(ctx, runID, by, by+", outside the model", string(b))
}

// proven says whether the approval that lies with a run is one.
func (e *Engine) proven(j jobs.Job, a asked) error {
	var p proof
	if json.Unmarshal([]byte(j.Proof), &p) != nil || e.Signatures == nil {
		return errors.New("there is no approval that can be believed")
	}
	if e.secondPerson(a.request(j.RunInfo), a.Risk) != "" && (p.By == Operator || strings.EqualFold(p.By, a.Requester)) {
		return ErrSamePerson
	}
	return e.Signatures.Signed(p.By, ApprovalMessage(j), p.Signature)
}

// Held finds the run that waits for the operator's approval of the same thing, nil when there is none.
func (e *Engine) Held(ctx context.Context, req Request, p Plan) (*jobs.Job, error) {
	rows, err := e.Ledger.Jobs(ctx, jobs.RunHeld, p.TenantID, 200)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		if r.Kind != req.Tool || r.Run.UserID != p.UserID || e.Clock.Now().After(r.HeldUntil()) {
			continue
		}
		if a, err := e.opened(r); err != nil || a.Binding != p.Binding() {
			continue
		}
		j, err := e.Ledger.Job(ctx, r.Run.ID)
		return &j, err
	}
	return nil, nil
}
