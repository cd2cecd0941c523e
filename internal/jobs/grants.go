package jobs

import (
	"context"
	"errors"
	"time"
)

// ErrGrantSpent says that a standing grant is used up, has expired or was revoked.
var ErrGrantSpent = errors.New("the standing grant is used up, has expired or was revoked")

// Grant is a standing grant as it lies in the ledger. What it allows stands in Body, which Proof signs; the
// ledger itself only counts.
type Grant struct {
	ID      string
	Body    string
	Proof   string
	Quota   int
	Used    int
	Expires time.Time
	Revoked time.Time
}

// Left says whether anything is left of the grant.
func (g Grant) Left(now time.Time) bool {
	return g.Revoked.IsZero() && now.Before(g.Expires) && g.Used < g.Quota
}

// AddGrant writes a grant down.
func (l *Ledger) AddGrant(ctx context.Context, g Grant, who string) error {
	return l.store.Change(ctx, func(ctx context.Context, tx Tx) error {
		if _, err := execute(ctx, tx, `INSERT INTO standing_grant (id, body, proof, quota, expires_at) VALUES (?, ?, ?, ?, ?)`, g.ID, g.Body, g.Proof, g.Quota, milli(g.Expires)); err != nil {
			return err
		}
		return audit(ctx, tx, "", l.time.now(), who, Event{Event: "grant", Grant: g.ID, State: "added", Detail: g.Body})
	})
}

// ErrNoGrant says that there is no such grant.
var ErrNoGrant = errors.New("there is no such grant, or it was revoked already")

// RevokeGrant ends a grant. Runs that were begun under it go on.
func (l *Ledger) RevokeGrant(ctx context.Context, id, who string) error {
	return l.store.Change(ctx, func(ctx context.Context, tx Tx) error {
		n, err := execute(ctx, tx, `UPDATE standing_grant SET revoked_at = ? WHERE id = ? AND revoked_at = 0`, milli(l.time.clock.Now()), id)
		if err != nil {
			return err
		}
		if n == 0 {
			return ErrNoGrant
		}
		return audit(ctx, tx, "", l.time.now(), who, Event{Event: "grant", Grant: id, State: "revoked"})
	})
}

// Grants lists all grants, those that end last first.
func (l *Ledger) Grants(ctx context.Context) ([]Grant, error) {
	rows, err := l.store.read.QueryContext(ctx, `SELECT id, body, proof, quota, used, expires_at, revoked_at FROM standing_grant ORDER BY expires_at DESC, id`)
	if err != nil {
		return nil, storeError(err)
	}
	defer func() { _ = rows.Close() }()
	var out []Grant
	for rows.Next() {
		var g Grant
		var expires, revoked int64
		if err := rows.Scan(&g.ID, &g.Body, &g.Proof, &g.Quota, &g.Used, &expires, &revoked); err != nil {
			return nil, storeError(err)
		}
		g.Expires, g.Revoked = fromMilli(expires), fromMilli(revoked)
		out = append(out, g)
	}
	return out, storeError(rows.Err())
}

// use takes one of a grant, in the transaction that makes the run: of two at once, the last one gets it once.
func use(ctx context.Context, tx Tx, id string, now time.Time) error {
	if id == "" {
		return nil
	}
	n, err := execute(ctx, tx, `UPDATE standing_grant SET used = used + 1 WHERE id = ? AND used < quota AND revoked_at = 0 AND expires_at > ?`, id, milli(now))
	if err == nil && n == 0 {
		return ErrGrantSpent
	}
	return err
}
