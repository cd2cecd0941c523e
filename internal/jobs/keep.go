package jobs

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
)

// handleKey is under what name a run's values hold the handle that a step's Do returned.
const handleKey = "handle/"

// beforeKey is under what name a run's values hold what KeepBefore kept for a step.
const beforeKey = "before/"

// Before reads what a step found before its first call, in whatever process that was, and says whether
// there is anything.
func (r *Run) Before(step string, v any) bool { return r.Get(beforeKey+step, v) }

// Found is what planning found, read once and remembered in the run: a process that rebuilds the run's
// steps later gets the same value, not what the tenant looks like by then. Whatever decides which steps
// there are, or how they are named, comes through it.
func Found[T any](ctx context.Context, run *Run, key string, read func(context.Context) (T, error)) (T, error) {
	var found T
	if run.Get("found/"+key, &found) {
		return found, nil
	}
	found, err := read(ctx)
	if err != nil {
		return found, err
	}
	return found, run.Put("found/"+key, found)
}

// Found reads what planning found under a key, and says whether there is anything.
func (r *Run) Found(key string, v any) bool { return r.Get("found/"+key, v) }

// HandleOf is what a step's Do returned, in whatever process that was; nil when there is nothing.
func (r *Run) HandleOf(step string) Handle {
	var h Handle
	r.Get(handleKey+step, &h)
	return h
}

// stepInHand is what a step's functions carry in their context.
type stepInHand struct {
	lease   *lease
	run     *Run
	idx     int
	name    string
	request string
}

type inHandKey struct{}

func inHand(ctx context.Context) *stepInHand {
	h, _ := ctx.Value(inHandKey{}).(*stepInHand)
	return h
}

// RequestID is the client-request-id of the attempt a step's Do makes, "" outside of one. The ledger
// has it, so that Microsoft's logs and ours can be laid side by side.
func RequestID(ctx context.Context) string {
	if h := inHand(ctx); h != nil {
		return h.request
	}
	return ""
}

func newRequestID() string { return uuid.NewString() }

// Keep is Put for a value that Verify needs if the process dies in the middle of the call: it is in
// the ledger before Keep returns. A Do that gets an error from it must return it and write nothing.
func (r *Run) Keep(ctx context.Context, key string, v any) error {
	if err := r.Put(key, v); err != nil {
		return err
	}
	h := inHand(ctx)
	if h == nil {
		return nil // a run without a ledger
	}
	vals, err := h.lease.ledger.kept(r)
	if err != nil {
		return err
	}
	return h.lease.change(ctx, func(ctx context.Context, tx Tx) error {
		_, err := execute(ctx, tx, `UPDATE run SET vals = ? WHERE id = ?`, vals, h.lease.run)
		return err
	})
}

// KeepBefore is what a step found before its first call. It is read once and kept in the ledger: a
// step that is done again would take its own change for what was there.
func KeepBefore[T any](ctx context.Context, read func(context.Context) (T, error)) (T, error) {
	var found T
	h := inHand(ctx)
	if h == nil {
		return read(ctx) // a step that runs without a ledger
	}
	image, err := h.before(ctx)
	if err != nil {
		return found, err
	}
	if image != "" {
		if err := h.lease.ledger.open(foundBy(h.lease.run, h.name), image, &found); err != nil {
			return found, fmt.Errorf("what step %s found before: %w", h.name, err)
		}
		return found, nil
	}
	if found, err = read(ctx); err != nil {
		return found, err
	}
	if image, err = h.lease.ledger.seal(foundBy(h.lease.run, h.name), found); err != nil {
		return found, fmt.Errorf("keep what was found before: %w", err)
	}
	if err := h.run.Put(beforeKey+h.name, found); err != nil {
		return found, err
	}
	return found, h.lease.change(ctx, func(ctx context.Context, tx Tx) error {
		_, err := execute(ctx, tx, `UPDATE step SET before_image = ? WHERE run_id = ? AND idx = ? AND before_image = ''`, image, h.lease.run, h.idx)
		return err
	})
}

func (h *stepInHand) before(ctx context.Context) (string, error) {
	var image string
	err := h.lease.ledger.store.read.QueryRowContext(context.WithoutCancel(ctx), `SELECT before_image FROM step WHERE run_id = ? AND idx = ?`, h.lease.run, h.idx).Scan(&image)
	return image, storeError(err)
}

// ofLedger says that an error came from the ledger, not from the service a step talks to.
func ofLedger(err error) bool { return errors.Is(err, ErrFenced) || errors.Is(err, ErrStore) }
