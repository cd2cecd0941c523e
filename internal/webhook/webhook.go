// Package webhook tells the operator's other systems that a job has ended. The telling is a job of its own,
// made in the transaction that ends the first, so that it is neither lost nor forgotten.
package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"cipp-mcp/internal/clock"
	"cipp-mcp/internal/jobs"
)

// Kind is the kind of the runs that tell.
const Kind = "webhook"

// patience bounds one attempt.
const patience = 20 * time.Second

// Hook is where to tell.
type Hook struct {
	URL string
	// Secret signs the body; the receiver shares it.
	Secret string
	Client *http.Client
	Clock  clock.Clock
	// Status words a run's state as results do.
	Status func(j jobs.Job, state string) string
	// Record is where the job's record can be read.
	Record func(runID string) string
}

// Body is what is told. It holds no names but the user's principal name, and no secret.
type Body struct {
	Event   string    `json:"event"` // job.ended
	JobID   string    `json:"jobId"`
	Tool    string    `json:"tool"`
	Tenant  string    `json:"tenant"`
	User    string    `json:"userPrincipalName,omitempty"`
	Outcome string    `json:"outcome"` // done | attention | failed | cancelled
	Detail  string    `json:"detail,omitempty"`
	Record  string    `json:"record"`
	At      time.Time `json:"at"`
}

// After is the run that tells of another's end; nil where nothing is to be told.
func (h *Hook) After(j jobs.Job, state, detail string) *jobs.NewRun {
	if h == nil || j.Kind == Kind || j.Reads() {
		return nil
	}
	b, err := json.Marshal(Body{"job.ended", j.Run.ID, j.Kind, j.Run.Tenant, j.Run.User, h.Status(j, state), detail, h.Record(j.Run.ID), h.Clock.Now()})
	if err != nil {
		return nil // it always marshals
	}
	id := fmt.Sprintf("%s-told-%d", j.Run.ID, j.Epoch)
	s := h.step(b, id)
	return &jobs.NewRun{
		Run:  &jobs.Run{ID: id, Tool: Kind, TenantID: j.Run.TenantID, Tenant: j.Run.Tenant},
		Kind: Kind, Args: b, CreatedBy: "job " + j.Run.ID, Approval: "configuration (webhook)", ParentID: j.Run.ID,
		Steps: []jobs.Step{s}, Changes: []jobs.Change{{Step: s.Name, Summary: "Tell the webhook that the job has ended"}},
	}
}

// Steps rebuilds the step of such a run.
func (h *Hook) Steps(_ context.Context, info jobs.RunInfo) ([]jobs.Step, error) {
	if h == nil {
		return nil, fmt.Errorf("%w: no webhook is configured any more", jobs.ErrWithdrawn)
	}
	return []jobs.Step{h.step(info.Args, info.Run.ID)}, nil
}

// LaterError says that the receiver wants to be told again after a while.
type LaterError struct{ Status int }

func (e *LaterError) Error() string {
	if e.Status == 0 {
		return "the webhook did not answer"
	}
	return fmt.Sprintf("the webhook answered %d", e.Status)
}

// Later is how long to wait then.
func Later(err error) (time.Duration, bool) {
	var e *LaterError
	return time.Minute, errors.As(err, &e)
}

// step posts the body. The receiver knows a body it has had by its id, so that posting twice does no harm.
func (h *Hook) step(body []byte, id string) jobs.Step {
	const told = "told"
	return jobs.Step{
		Name: "post", Class: jobs.Idempotent, Settle: 2 * patience,
		Do: func(ctx context.Context, run *jobs.Run) (jobs.Handle, error) {
			if err := h.post(ctx, body, id); err != nil {
				return nil, err
			}
			return nil, run.Put(told, true)
		},
		Verify: func(_ context.Context, run *jobs.Run) (jobs.Outcome, error) {
			var ok bool
			if run.Get(told, &ok); ok {
				return jobs.Done, nil
			}
			return jobs.NotDone, nil
		},
	}
}

// Send posts a body at once; whoever receives it knows one it has had by its id.
func (h *Hook) Send(ctx context.Context, body any, id string) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return h.post(ctx, b, id)
}

func (h *Hook) post(ctx context.Context, body []byte, id string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, bytes.NewReader(body))
	if err != nil {
		return errors.New("the webhook's address cannot be used")
	}
	at := strconv.FormatInt(h.Clock.Now().Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Cipp-Id", id)
	req.Header.Set("Cipp-Timestamp", at)
	req.Header.Set("Cipp-Signature", "sha256="+Sign(h.Secret, at, id, body))
	res, err := h.Client.Do(req)
	if err != nil {
		return &LaterError{} // whether it arrived is not known, and it may arrive twice
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<16))
	switch {
	case res.StatusCode < 300:
		return nil
	case res.StatusCode == http.StatusTooManyRequests || res.StatusCode >= 500:
		return &LaterError{res.StatusCode}
	default:
		return fmt.Errorf("the webhook answered %d", res.StatusCode)
	}
}

// Sign is the signature of a body: HMAC-SHA256 over timestamp, id and body, each followed by a newline but the
// last, in hex. The receiver computes the same and refuses what is older than a few minutes.
func Sign(secret, timestamp, id string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(timestamp + "\n" + id + "\n"))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}
