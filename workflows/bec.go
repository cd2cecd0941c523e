package workflows

import (
	"context"
	"fmt"
	"sync"
	"time"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

// Evidence is everything a BEC check gathered; a source that was not read is nil, and its coverage
// says why.
type Evidence struct {
	Rules          []graphclient.InboxRule
	Mailbox        *graphclient.Mailbox
	Delegates      []graphclient.MailboxPermission
	SendAs         []graphclient.RecipientPermission
	Calendar       []graphclient.CalendarPermission
	AutoReply      *graphclient.AutoReply
	SignIns        []graphclient.SignIn
	Methods        []graphclient.AuthMethod
	Audits         []graphclient.DirectoryAudit
	Grants         []graphclient.OAuth2Grant
	Apps           map[string]graphclient.ServicePrincipal
	Devices        []graphclient.Device
	ManagedDevices []graphclient.ManagedDevice
	MobileDevices  []graphclient.MobileDevice
	Risk           *graphclient.RiskyUser
	AuditOn        *bool
}

// Coverage says how completely one source was read, and as of when.
type Coverage struct {
	Source string     `json:"source"`
	Status string     `json:"status"`           // complete | partial | unavailable | not_applicable
	Reason string     `json:"reason,omitempty"` // licence | permission | no_mailbox | throttled | cap | retention | audit_off | error
	Detail string     `json:"detail,omitempty"`
	From   *time.Time `json:"from,omitempty"`
	AsOf   *time.Time `json:"asOf,omitempty"`
	Rows   int        `json:"rows"`
}

// becMax bounds the rows of one log.
const becMax = 500

// logDays is how far back a tenant with Entra ID P1 keeps its sign-ins and directory audits.
const logDays = 30

type becSource struct {
	name string
	logs bool // has a period; the others are the state as it is
	read func(ctx context.Context, t Target, e *Evidence, since time.Time) (rows int, err error)
}

// becSources are read side by side; none depends on another, and none changes anything.
var becSources = []becSource{
	{"inboxRules", false, func(ctx context.Context, t Target, e *Evidence, _ time.Time) (n int, err error) {
		e.Rules, err = t.Graph.InboxRules(ctx, t.tid(), t.mailbox())
		return len(e.Rules), err
	}},
	{"mailboxForwarding", false, func(ctx context.Context, t Target, e *Evidence, _ time.Time) (int, error) {
		m, err := t.Graph.Mailbox(ctx, t.tid(), t.mailbox())
		if err != nil {
			return 0, err
		}
		e.Mailbox = &m
		return 1, nil
	}},
	{"mailboxDelegates", false, func(ctx context.Context, t Target, e *Evidence, _ time.Time) (n int, err error) {
		if e.Delegates, err = t.Graph.MailboxPermissions(ctx, t.tid(), t.mailbox()); err != nil {
			return 0, err
		}
		e.SendAs, err = t.Graph.RecipientPermissions(ctx, t.tid(), t.mailbox())
		return len(e.Delegates) + len(e.SendAs), err
	}},
	{"calendarPermissions", false, func(ctx context.Context, t Target, e *Evidence, _ time.Time) (n int, err error) {
		e.Calendar, err = t.Graph.CalendarPermissions(ctx, t.tid(), t.mailbox())
		return len(e.Calendar), err
	}},
	{"automaticReplies", false, func(ctx context.Context, t Target, e *Evidence, _ time.Time) (int, error) {
		r, err := t.Graph.AutoReply(ctx, t.tid(), t.mailbox())
		if err != nil {
			return 0, err
		}
		e.AutoReply = &r
		return 1, nil
	}},
	{"signIns", true, func(ctx context.Context, t Target, e *Evidence, since time.Time) (n int, err error) {
		e.SignIns, err = t.Graph.SignIns(ctx, t.tid(), graphclient.SignInQuery{UserID: t.User.ID, Since: since, Max: becMax})
		return len(e.SignIns), err
	}},
	{"authenticationMethods", false, func(ctx context.Context, t Target, e *Evidence, _ time.Time) (n int, err error) {
		e.Methods, err = t.Graph.AuthMethods(ctx, t.tid(), t.User.ID)
		return len(e.Methods), err
	}},
	{"directoryAudits", true, func(ctx context.Context, t Target, e *Evidence, since time.Time) (n int, err error) {
		on, err := t.Graph.DirectoryAudits(ctx, t.tid(), graphclient.AuditQuery{TargetID: t.User.ID, Since: since, Max: becMax})
		if err != nil {
			return 0, err
		}
		by, err := t.Graph.DirectoryAudits(ctx, t.tid(), graphclient.AuditQuery{InitiatorID: t.User.ID, Since: since, Max: becMax})
		seen := map[string]bool{}
		for _, a := range append(on, by...) {
			if !seen[a.ID] {
				seen[a.ID] = true
				e.Audits = append(e.Audits, a)
			}
		}
		return len(e.Audits), err
	}},
	{"appConsents", false, func(ctx context.Context, t Target, e *Evidence, _ time.Time) (n int, err error) {
		if e.Grants, err = t.Graph.OAuth2GrantsOf(ctx, t.tid(), t.User.ID); err != nil {
			return 0, err
		}
		ids := make([]string, 0, len(e.Grants))
		for _, g := range e.Grants {
			ids = append(ids, g.ClientID)
		}
		e.Apps, err = t.Graph.ServicePrincipals(ctx, t.tid(), ids)
		return len(e.Grants), err
	}},
	{"entraDevices", false, func(ctx context.Context, t Target, e *Evidence, _ time.Time) (n int, err error) {
		e.Devices, err = t.Graph.RegisteredDevices(ctx, t.tid(), t.User.ID)
		return len(e.Devices), err
	}},
	{"intuneDevices", false, func(ctx context.Context, t Target, e *Evidence, _ time.Time) (n int, err error) {
		e.ManagedDevices, err = t.Graph.ManagedDevices(ctx, t.tid(), t.User.ID)
		return len(e.ManagedDevices), err
	}},
	{"mobileDevices", false, func(ctx context.Context, t Target, e *Evidence, _ time.Time) (n int, err error) {
		e.MobileDevices, err = t.Graph.MobileDevices(ctx, t.tid(), t.mailbox())
		return len(e.MobileDevices), err
	}},
	{"identityRisk", false, func(ctx context.Context, t Target, e *Evidence, _ time.Time) (n int, err error) {
		e.Risk, err = t.Graph.RiskyUser(ctx, t.tid(), t.User.ID)
		if e.Risk != nil {
			n = 1
		}
		return n, err
	}},
	{"auditConfiguration", false, func(ctx context.Context, t Target, e *Evidence, _ time.Time) (int, error) {
		a, err := t.Graph.AdminAuditLogConfig(ctx, t.tid())
		if err != nil {
			return 0, err
		}
		e.AuditOn = &a.UnifiedAuditLogIngestionEnabled
		return 1, nil
	}},
}

// becCollection is what the steps of a check gather together.
type becCollection struct {
	mu       sync.Mutex
	evidence Evidence
	coverage map[string]Coverage
}

// BECCheck makes one step for each source. The steps read only; each leaves its coverage in the run.
func BECCheck(t Target, since time.Time) (steps []jobs.Step, result func() (Evidence, []Coverage)) {
	c := &becCollection{coverage: map[string]Coverage{}}
	for _, s := range becSources {
		steps = append(steps, c.step(t, s, since))
	}
	return steps, func() (Evidence, []Coverage) {
		c.mu.Lock()
		defer c.mu.Unlock()
		list := make([]Coverage, 0, len(becSources))
		for _, s := range becSources {
			list = append(list, c.coverage[s.name])
		}
		return c.evidence, list
	}
}

func (c *becCollection) step(t Target, s becSource, since time.Time) jobs.Step {
	return jobs.Step{
		Name: s.name, Class: jobs.Idempotent,
		Plan: func(context.Context, *jobs.Run) (jobs.Change, error) {
			return jobs.Change{Summary: "Read " + s.name}, nil
		},
		Do: func(ctx context.Context, run *jobs.Run) (jobs.Handle, error) {
			rows, err := s.read(ctx, t, &c.evidence, since) // each source fills fields of its own
			cov := cover(t, s, since, rows, err)
			c.mu.Lock()
			c.coverage[s.name] = cov
			c.mu.Unlock()
			return nil, run.Put("coverage "+s.name, cov)
		},
		Verify: func(_ context.Context, run *jobs.Run) (jobs.Outcome, error) {
			var cov Coverage
			if run.Get("coverage "+s.name, &cov) {
				return jobs.Done, nil
			}
			return jobs.NotDone, nil
		},
	}
}

// cover words how completely a source was read.
func cover(t Target, s becSource, since time.Time, rows int, err error) Coverage {
	now := t.Clock.Now()
	c := Coverage{Source: s.name, Status: "complete", Rows: rows, AsOf: &now}
	if s.logs {
		c.From = &since
		if oldest := now.AddDate(0, 0, -logDays); since.Before(oldest) {
			c.Status, c.Reason, c.Detail, c.From = "partial", "retention", fmt.Sprintf("Microsoft keeps %d days", logDays), &oldest
		}
		if rows >= becMax {
			c.Status, c.Reason, c.Detail = "partial", "cap", fmt.Sprintf("only the newest %d rows were read", becMax)
		}
	}
	if err == nil {
		return c
	}
	c.Status, c.Rows, c.AsOf, c.Reason = "unavailable", 0, nil, "error"
	switch graphclient.KindOf(err) {
	case graphclient.NoMailbox:
		c.Status, c.Reason = "not_applicable", "no_mailbox"
	case graphclient.NotPremium, graphclient.NotLicensed:
		c.Reason = "licence"
	case graphclient.Denied, graphclient.RoleMissing:
		c.Reason = "permission"
	case graphclient.Throttled:
		c.Reason = "throttled"
	default:
	}
	c.Detail = err.Error()
	return c
}
