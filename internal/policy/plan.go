package policy

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"cipp-mcp/internal/clock"
	"cipp-mcp/internal/jobs"
)

// PlanLifetime is how long a plan may be executed after it was shown.
const PlanLifetime = 10 * time.Minute

// The ways a plan's token is refused.
var (
	ErrPlanUnknown = errors.New("this planToken is not known: it was used already, is mistyped, or was made elsewhere")
	ErrPlanExpired = errors.New("this planToken has expired; plans hold for ten minutes")
	ErrPlanOther   = errors.New("this planToken belongs to another tool, tenant, user or set of arguments")
)

// Plan is what a write will do, as it is shown before anybody approves it.
type Plan struct {
	Tool     string        `json:"tool"`
	TenantID string        `json:"tenantId"`
	Tenant   string        `json:"tenant"`
	UserID   string        `json:"userId,omitempty"`
	User     string        `json:"user,omitempty"`
	Risk     Risk          `json:"risk"`
	Changes  []jobs.Change `json:"changes"`
	Warnings []string      `json:"warnings,omitempty"`
	Blockers []string      `json:"blockers,omitempty"`
	// Critical says why this needs the operator's approval.
	Critical []string `json:"critical,omitempty"`

	argsHash string
}

// raise makes a plan critical.
func (p *Plan) raise(why string) {
	p.Risk, p.Critical = Critical, appendNew(p.Critical, why)
}

// Writes counts the steps that have something to write.
func (p Plan) Writes() int {
	n := 0
	for _, c := range p.Changes {
		if c.Runs() {
			n++
		}
	}
	return n
}

// ByHand counts the steps that are left to a person.
func (p Plan) ByHand() int {
	n := 0
	for _, c := range p.Changes {
		if c.Manual != "" {
			n++
		}
	}
	return n
}

// Binding is the fingerprint of what was shown: tool, ids, arguments and every before and after.
func (p Plan) Binding() string {
	b, _ := json.Marshal(struct {
		Tool, Tenant, User, Args string
		Changes                  []jobs.Change
	}{p.Tool, p.TenantID, p.UserID, p.argsHash, p.Changes})
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// kept is a plan as it lies in the state directory, sealed.
type kept struct {
	Plan    Plan
	Args    string
	Expires time.Time
}

// Plans keeps shown plans until they are executed, once, or expire.
type Plans struct {
	dir    string
	sealer *Sealer
	clock  clock.Clock
}

// OpenPlans uses DIR/plans.
func OpenPlans(stateDir string, s *Sealer, c clock.Clock) (*Plans, error) {
	dir := filepath.Join(stateDir, "plans")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open the plans: %w", err)
	}
	return &Plans{dir, s, c}, nil
}

// file is named by the token's hash, so that a look at the directory does not give the token away.
func (ps *Plans) file(token string) string {
	sum := sha256.Sum256([]byte(token))
	return filepath.Join(ps.dir, hex.EncodeToString(sum[:16]))
}

// Keep stores a plan and returns its token and expiry.
func (ps *Plans) Keep(p Plan) (token string, expires time.Time, err error) {
	var raw [15]byte
	if _, err := rand.Read(raw[:]); err != nil {
		return "", time.Time{}, fmt.Errorf("make a token: %w", err)
	}
	token = "plan_" + strings.ToLower(base32.StdEncoding.EncodeToString(raw[:]))
	expires = ps.clock.Now().Add(PlanLifetime)
	box, err := ps.sealer.Seal("plan "+token, kept{p, p.argsHash, expires})
	if err != nil {
		return "", time.Time{}, err
	}
	if err := os.WriteFile(ps.file(token), []byte(box), 0o600); err != nil {
		return "", time.Time{}, fmt.Errorf("%w: the plan: %w", ErrState, err)
	}
	ps.sweep()
	return token, expires, nil
}

// Peek reads a plan without using it up.
func (ps *Plans) Peek(token string) (Plan, error) {
	box, err := os.ReadFile(ps.file(token))
	if errors.Is(err, os.ErrNotExist) {
		return Plan{}, ErrPlanUnknown
	}
	if err != nil {
		return Plan{}, fmt.Errorf("read the plan: %w", err)
	}
	return ps.open(token, box)
}

func (ps *Plans) open(token string, box []byte) (Plan, error) {
	var k kept
	if err := ps.sealer.Open("plan "+token, string(box), &k); err != nil {
		return Plan{}, ErrPlanUnknown
	}
	if ps.clock.Now().After(k.Expires) {
		return Plan{}, ErrPlanExpired
	}
	k.Plan.argsHash = k.Args
	return k.Plan, nil
}

// Take uses a plan up: of two callers at once, one gets it.
func (ps *Plans) Take(token string) (Plan, error) {
	used := ps.file(token) + ".used"
	switch err := os.Link(ps.file(token), used); {
	case errors.Is(err, os.ErrNotExist), errors.Is(err, os.ErrExist):
		return Plan{}, ErrPlanUnknown
	case err != nil:
		return Plan{}, fmt.Errorf("%w: the plan: %w", ErrState, err)
	}
	box, err := os.ReadFile(used) //nolint:gosec // a file of our own directory
	_ = os.Remove(ps.file(token))
	if err != nil {
		return Plan{}, fmt.Errorf("read the plan: %w", err)
	}
	return ps.open(token, box)
}

// sweep removes what expired long ago; the marks of used plans stay as long as the plans could.
func (ps *Plans) sweep() {
	entries, err := os.ReadDir(ps.dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > 24*time.Hour {
			_ = os.Remove(filepath.Join(ps.dir, e.Name()))
		}
	}
}

// ArgsHash is the fingerprint of a call's arguments, without those that only steer the approval.
func ArgsHash(args map[string]any) string {
	c := make(map[string]any, len(args))
	for k, v := range args {
		switch k {
		case "dryRun", "planToken", "reason", "ticket", "idempotencyKey":
		default:
			c[k] = v
		}
	}
	b, _ := json.Marshal(c)
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
