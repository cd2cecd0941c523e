package tools

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"cipp-mcp/workflows/bec"
	"cipp-mcp/workflows/bec/casefile"
)

// BECCheckIn are the arguments of cipp_bec_check.
type BECCheckIn struct {
	TenantArg
	UserArg
	Since   string `json:"since,omitempty" jsonschema_description:"RFC 3339 or -14d."`
	CaseID  string `json:"caseId,omitempty"`
	Section string `json:"section,omitempty" jsonschema_description:"summary (default), findings, finding:ID, timeline, coverage, affected or plan."`
	Cursor  string `json:"cursor,omitempty"`
}

// BECCheckOut is the answer of cipp_bec_check.
type BECCheckOut struct {
	bec.Result

	section string
	cut     func(n int) string // makes the cursor after n rows of the section's list
	report  string
	ask     func() (*Ask, error)
}

// Ask asks the person at the client what only the user can tell.
func (o *BECCheckOut) Ask() (*Ask, error) {
	if o.ask == nil {
		return nil, nil //nolint:nilnil // nothing is left to ask
	}
	return o.ask()
}

var becCheck = Read(Tool{
	Name: checkTool, Title: "BEC check", Toolset: "security", Aliases: with(userAliases, map[string]string{"case": "caseId"}),
	Description: "Investigates a possibly compromised account: sign-ins, logs, rules, forwarding, delegates, consents, methods, devices. Call it before changing anything.",
	Needs: Needs{
		App: []string{"User.Read.All", "AuditLog.Read.All", "AuditLogsQuery.Read.All", "UserAuthenticationMethod.Read.All", "Directory.Read.All", "Application.Read.All", "Device.Read.All", "DeviceManagementManagedDevices.Read.All",
			"IdentityRiskyUser.Read.All", "IdentityRiskEvent.Read.All", "SecurityAlert.Read.All", "MailboxSettings.Read", "Policy.Read.All", "RoleManagement.Read.Directory", "Files.Read.All", "Domain.Read.All", "Exchange.ManageAsApp"},
		AppRoles: []string{"Exchange Administrator"}, GDAPRoles: []string{"Security Reader", "Global Reader", "Authentication Administrator", "Exchange Administrator"},
	},
	Example: `{"tenantFilter":"contoso.onmicrosoft.com","userId":"anna@contoso.com"}`,
}, becHandler)

func becHandler(ctx context.Context, c *Call, in BECCheckIn) (BECCheckOut, error) {
	sec, err := becSection(in.Section)
	if err != nil {
		return BECCheckOut{}, err
	}
	k, err := c.theCase(in)
	if err != nil {
		return BECCheckOut{}, err
	}
	told, err := c.hear(ctx, k)
	if err != nil {
		return BECCheckOut{}, err
	}
	job, err := c.keepReading(ctx, k, sec == "summary")
	if err != nil {
		return BECCheckOut{}, err
	}
	// How far the reading is, before its evidence is judged: it goes on meanwhile, and what it ends with was not judged.
	last, err := k.Last()
	if err != nil {
		return BECCheckOut{}, err
	}
	a, err := c.judged(ctx, k)
	if err != nil {
		return BECCheckOut{}, err
	}
	out := BECCheckOut{Result: becResult(k, a), section: sec, report: CaseURI(k.CaseID)}
	out.Status = readingStatus(last, a.Coverage)
	if a.State == bec.Contained && last != nil && last.Over() {
		at := last.Begun()
		out.VerifiedAt = &at
	}
	if told != "" {
		out.Next = append([]bec.Next{{What: told, Who: "technician"}}, out.Next...)
	}
	if sec == "summary" && out.Status != bec.Collecting && c.Said == nil {
		out.ask = c.asks(k, a.Questions)
	}
	if out.Status == bec.Collecting {
		out.JobID = job
		out.Next = append([]bec.Next{{What: "call cipp_bec_check again with this caseId: the evidence is still being read", Who: "model", Tool: checkTool}}, out.Next...)
	}
	return out, out.show(c, a, in)
}

// becSections are what an answer can show beside what all of them carry.
var becSections = []string{"summary", "findings", "timeline", "coverage", "affected", "evidence", "plan"}

func becSection(s string) (string, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return "summary", nil
	}
	if strings.HasPrefix(s, "finding:") {
		return s, nil
	}
	for _, known := range becSections {
		if strings.EqualFold(known, s) {
			return known, nil
		}
	}
	return "", invalid("section must be one of %s, or finding:ID with the id of a finding (got %q).", strings.Join(becSections, ", "), Clean(s, 40))
}

// caseOpen is how long a case is gone on with by a call that names none.
const caseOpen = 30 * 24 * time.Hour

// theCase is the case a call goes on with: the one it names, the user's open one, or a new one.
func (c *Call) theCase(in BECCheckIn) (*casefile.Case, error) {
	if in.CaseID != "" {
		return c.caseOf(in.CaseID)
	}
	since, err := lookBack(in.Since, c.Clock.Now())
	if err != nil {
		return nil, err
	}
	open, err := c.Cases.Store.Of(c.Tenant.ID, c.User.ID)
	if err != nil {
		return nil, err
	}
	for _, k := range open {
		if c.Clock.Now().Sub(k.Opened) < caseOpen && (k.Since.IsZero() || !since.IsZero() && !since.Before(k.Since)) {
			return k, nil
		}
	}
	return c.Cases.Store.New(casefile.Head{TenantID: c.Tenant.ID, Tenant: c.Tenant.DefaultDomain, User: bec.User{ID: c.User.ID, UserPrincipalName: c.User.UserPrincipalName}, Opened: c.Clock.Now().UTC(), Since: since})
}

// caseOf is the case with that id, if it is this user's.
func (c *Call) caseOf(id string) (*casefile.Case, error) {
	k, err := c.Cases.Store.Get(id)
	if errors.Is(err, casefile.ErrNoCase) || err == nil && (k.TenantID != c.Tenant.ID || k.User.ID != c.User.ID) {
		return nil, &Problem{Code: "case_not_found", Message: fmt.Sprintf("There is no case %q of %s in %s.", Clean(id, 60), c.User.UserPrincipalName, c.Tenant.DefaultDomain), Next: "Call cipp_bec_check without caseId: it goes on with the user's open case."}
	}
	return k, err
}

// lookBack reads since: RFC 3339, or -14d; at most a year, and zero for as far as the logs reach.
func lookBack(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if rest, ok := strings.CutPrefix(s, "-"); ok {
		if n, err := strconv.Atoi(strings.TrimSuffix(rest, "d")); err == nil && strings.HasSuffix(rest, "d") && n > 0 && n <= 365 {
			return now.AddDate(0, 0, -n).UTC(), nil
		}
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || t.After(now) || t.Before(now.AddDate(-1, 0, 0)) {
		return time.Time{}, invalid("since must be a time of the last year, as RFC 3339 or like -14d (got %q).", Clean(s, 40))
	}
	return t.UTC(), nil
}

// stale is how old a reading is before a call for the summary makes another.
const stale = 15 * time.Minute

// keepReading sees to it that the case is read, and waits for that as long as a client waits for an answer.
func (c *Call) keepReading(ctx context.Context, k *casefile.Case, fresh bool) (jobID string, err error) {
	last, err := k.Last()
	if err != nil {
		return "", err
	}
	if last != nil && last.Over() && (!fresh || c.Clock.Now().Sub(last.Ended()) < stale) {
		return "", nil
	}
	if jobID, err = c.read(ctx, k, "cipp_bec_check"); err != nil || jobID == "" {
		return jobID, err
	}
	waiting, cancel := context.WithTimeout(ctx, c.Cases.Patience)
	defer cancel()
	stop := c.tellReading(waiting, k)
	_, err = c.Policy.Follow(waiting, jobID, nil)
	cancel()
	stop()
	return jobID, err
}

// tellReading tells whoever waits which sources have been read, until the returned function is called, and once more
// then: a quick reading is over before anybody looked.
func (c *Call) tellReading(ctx context.Context, k *casefile.Case) (stop func()) {
	told := 0
	look := func() {
		r, err := k.Last()
		if err != nil || r == nil {
			return // the reading itself will say what is wrong
		}
		if s, err := r.Sources(); err == nil && len(s) > told {
			told = len(s)
			c.Progress(told, max(sourcesInAll, told), fmt.Sprintf("%d sources read", told))
		}
	}
	over := make(chan struct{})
	go func() {
		defer close(over)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				look()
			}
		}
	}()
	return func() { <-over; look() }
}

// sourcesInAll is how many sources a reading has, for the progress.
const sourcesInAll = 38

// readingStatus is how far the newest reading is.
func readingStatus(last *casefile.Reading, cover []bec.Coverage) string {
	if last == nil || !last.Over() {
		return bec.Collecting
	}
	read, whole := false, true
	for _, c := range cover {
		read = read || c.Status == bec.ReadWhole || c.Status == bec.ReadPartly
		whole = whole && (c.Status == bec.ReadWhole || !requested(c))
	}
	switch {
	case !read:
		return bec.Failed
	case !whole:
		return bec.Partial
	}
	return bec.Complete
}

// requested says whether a source counts for how whole a reading is: what Microsoft has no way to is not asked for.
func requested(c bec.Coverage) bool {
	return c.Status != bec.NotRequested && c.Status != bec.NotApplicable && c.Reason != bec.NoAPI
}

// becResult is what every answer carries.
func becResult(k *casefile.Case, a bec.Analysis) bec.Result {
	r := bec.Result{CaseID: k.CaseID, Tenant: k.Tenant, User: k.User, Verdict: a.Verdict, IncidentType: a.IncidentType, State: a.State, Summary: Clean(a.Summary, 1200), Coverage: a.Coverage, Next: a.Next}
	p := a.Priority
	r.Priority = &p
	if !a.AsOf.IsZero() {
		r.AsOf = &a.AsOf
	}
	if r.Coverage == nil {
		r.Coverage = []bec.Coverage{}
	}
	if r.Next == nil {
		r.Next = []bec.Next{}
	}
	r.Counts = becCounts(a)
	return r
}

func becCounts(a bec.Analysis) bec.Counts {
	n := bec.Counts{Events: len(a.Events)}
	for _, f := range a.Findings {
		switch f.Severity {
		case bec.Critical:
			n.Critical++
		case bec.High:
			n.High++
		case bec.Medium:
			n.Medium++
		case bec.Low:
			n.Low++
		case bec.Info:
			n.Info++
		}
	}
	for _, c := range a.Coverage {
		if requested(c) {
			n.SourcesRequested++
		}
		if c.Status == bec.ReadWhole {
			n.SourcesComplete++
		}
	}
	return n
}
