package policy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"cipp-mcp/internal/jobs"
)

// Grant is what an operator allows once for runners that nobody watches: these tools, in these tenants, under
// these conditions, so often, until then. It is signed, so that nobody can widen it.
type Grant struct {
	ID      string   `json:"id"`
	By      string   `json:"by"`
	Tools   []string `json:"tools"`
	Tenants []string `json:"tenants"` // tenant ids
	// Args are arguments that a call must have, with these values, as text.
	Args map[string]string `json:"args,omitempty"`
	// MaxRisk is the highest class it covers.
	MaxRisk Risk      `json:"maxRisk"`
	Quota   int       `json:"quota"`
	Expires time.Time `json:"expires"`
	Note    string    `json:"note,omitempty"`
}

// Message is what the operator signs.
func (g Grant) Message() string {
	b, _ := json.Marshal(g)
	return "cipp-mcp grants " + string(b)
}

// longestGrant bounds how long a grant may hold: who signed it should look again.
const longestGrant = 366 * 24 * time.Hour

// Check says what is wrong with a grant that is about to be signed.
func (g Grant) Check(now time.Time) error {
	switch {
	case len(g.Tools) == 0:
		return errors.New("a grant names the tools it is for")
	case len(g.Tenants) == 0:
		return errors.New("a grant names the tenants it is for; there is none for all")
	case g.Quota < 1:
		return errors.New("a grant has a quota of at least 1")
	case !g.Expires.After(now) || g.Expires.Sub(now) > longestGrant:
		return errors.New("a grant expires within a year")
	case g.MaxRisk < Write:
		return errors.New("a grant is for writes: its class is write, destructive or critical")
	default:
		return nil
	}
}

// covers says whether a grant allows a plan.
func (g Grant) covers(req Request, p Plan) bool {
	has := func(list []string, v string) bool {
		return slices.ContainsFunc(list, func(x string) bool { return strings.EqualFold(x, v) })
	}
	if p.Risk > g.MaxRisk || slices.ContainsFunc(req.tools(), func(t string) bool { return !has(g.Tools, t) }) {
		return false
	}
	if len(req.Rows) == 0 && !has(g.Tenants, p.TenantID) || slices.ContainsFunc(req.Rows, func(r Row) bool { return !has(g.Tenants, r.TenantID) }) {
		return false
	}
	for k, want := range g.Args {
		got, ok := req.Args[k]
		if !ok || fmt.Sprint(got) != want {
			return false
		}
	}
	return true
}

// AddGrant keeps a signed grant.
func (e *Engine) AddGrant(ctx context.Context, g Grant, signature string) error {
	if err := g.Check(e.Clock.Now()); err != nil {
		return err
	}
	if e.Signatures == nil {
		return errors.New("no operator's key is known here")
	}
	if err := e.Signatures.Signed(g.By, g.Message(), signature); err != nil {
		return err
	}
	body, err := json.Marshal(g)
	if err != nil {
		return fmt.Errorf("keep the grant: %w", err)
	}
	return e.Ledger.AddGrant(ctx, jobs.Grant{ID: g.ID, Body: string(body), Proof: signature, Quota: g.Quota, Expires: g.Expires}, g.By)
}

// read opens a grant as it lies in the ledger; one whose signature does not fit is none.
func (e *Engine) readGrant(row jobs.Grant) (Grant, bool) {
	var g Grant
	if e.Signatures == nil || json.Unmarshal([]byte(row.Body), &g) != nil || g.ID != row.ID || g.Quota < row.Quota || row.Expires.After(g.Expires) {
		return g, false
	}
	return g, e.Signatures.Signed(g.By, g.Message(), row.Proof) == nil
}

// Granted finds a standing grant under which a plan may run without anybody being asked, "" when there is none.
// What needs two persons has none.
func (e *Engine) Granted(ctx context.Context, req Request, p Plan) (id string, err error) {
	if e.secondPerson(req, p.Risk) != "" {
		return "", nil
	}
	rows, err := e.Ledger.Grants(ctx)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrState, err)
	}
	for _, row := range rows {
		if !row.Left(e.Clock.Now()) {
			continue
		}
		if g, ok := e.readGrant(row); ok && g.covers(req, p) {
			return g.ID, nil
		}
	}
	return "", nil
}

// stillGranted ends a run that waited under a grant which was revoked meanwhile.
func (e *Engine) stillGranted(ctx context.Context, id string) error {
	if id == "" {
		return nil
	}
	rows, err := e.Ledger.Grants(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(rows, func(r jobs.Grant) bool { return r.ID == id && r.Revoked.IsZero() })
	if i < 0 {
		return fmt.Errorf("%w: the standing grant %s was revoked", jobs.ErrWithdrawn, id)
	}
	return nil
}
