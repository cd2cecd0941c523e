package judge

import (
	"encoding/json"
	"fmt"
	"iter"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"cipp-mcp/workflows/bec"
)

var now = time.Date(2026, 3, 12, 15, 0, 0, 0, time.UTC)

// memory is a case's evidence in memory.
type memory struct {
	coverage []bec.Coverage
	rows     map[string][]bec.Row
}

func (m *memory) Coverage() []bec.Coverage { return m.coverage }

func (m *memory) Rows(source string) iter.Seq2[bec.Row, error] {
	return func(yield func(bec.Row, error) bool) {
		for _, r := range m.rows[source] {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// whole is evidence in which every source was read whole.
func whole() *memory {
	m := &memory{rows: map[string][]bec.Row{}}
	for _, s := range sources {
		if s == bec.OutlookForms || s == bec.AppPasswords {
			m.coverage = append(m.coverage, bec.Coverage{Source: s, Status: bec.Unavailable, Reason: bec.NoAPI})
			continue
		}
		from, asOf := now.AddDate(0, 0, -180), now.Add(-90*time.Minute)
		m.coverage = append(m.coverage, bec.Coverage{Source: s, Status: bec.ReadWhole, From: &from, AsOf: &asOf})
	}
	return m
}

func (m *memory) add(source, kind string, data any) *memory {
	b, err := json.Marshal(data)
	if err != nil {
		panic(err)
	}
	o := parse(b)
	id := o.str("id", "Identity", "Guid", "RuleIdentity", "MessageTraceId", "Name")
	if id == "" || slices.ContainsFunc(m.rows[source], func(r bec.Row) bool { return r.ID == id && r.Kind == kind }) {
		id = fmt.Sprintf("%s%s-%d", id, kind, len(m.rows[source]))
	}
	m.rows[source] = append(m.rows[source], bec.Row{Kind: kind, ID: id, Data: b})
	return m
}

// without is the same evidence with one source unread.
func (m *memory) without(source string) *memory {
	out := &memory{coverage: slices.Clone(m.coverage), rows: map[string][]bec.Row{}}
	for s, r := range m.rows {
		if s != source {
			out.rows[s] = r
		}
	}
	for i := range out.coverage {
		if out.coverage[i].Source == source {
			out.coverage[i] = bec.Coverage{Source: source, Status: bec.Unavailable, Reason: bec.NoPermission}
		}
	}
	return out
}

var relative = regexp.MustCompile(`"\$now(?:([+-])(\d+)([smhd]))?"`)

// dated replaces the times that a state file gives relative to its clock.
func dated(text string) string {
	return relative.ReplaceAllStringFunc(text, func(s string) string {
		m := relative.FindStringSubmatch(s)
		t := now
		if m[2] != "" {
			n, _ := strconv.Atoi(m[2])
			d := time.Duration(n) * map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour}[m[3]]
			if m[1] == "-" {
				d = -d
			}
			t = t.Add(d)
		}
		return `"` + t.Format(time.RFC3339) + `"`
	})
}

type obj = map[string]any

// story is the evidence of one user of the built-in sandbox's state, as a collector would lay it down.
func story(t testing.TB, tenant, upn string) (bec.Facts, *memory) {
	t.Helper()
	b, err := os.ReadFile("../../../sandbox/builtin/story.json")
	if err != nil {
		t.Fatal(err)
	}
	return state(t, string(b), tenant, upn)
}

// state turns a state file into the evidence of one user.
func state(t testing.TB, text, tenant, upn string) (bec.Facts, *memory) {
	t.Helper()
	var s struct {
		IPIntel map[string]bec.Intel `json:"ipIntel"`
		Tenants []struct {
			TenantID, DisplayName, DefaultDomain string
			Domains                              []obj
			Operator                             struct{ TrustedForwardDomains, ApprovedApps, ApprovedPartnerTenants, BreakGlass []string }
			Graph, Exchange                      obj
		}
	}
	if err := json.Unmarshal([]byte(dated(text)), &s); err != nil {
		t.Fatal(err)
	}
	for _, ten := range s.Tenants {
		if ten.DisplayName != tenant {
			continue
		}
		f := bec.Facts{CaseID: "case", TenantID: ten.TenantID, Tenant: ten.DefaultDomain, Now: now, Opened: now, TrustedForwardDomains: ten.Operator.TrustedForwardDomains, ApprovedApps: ten.Operator.ApprovedApps,
			ApprovedPartnerTenants: ten.Operator.ApprovedPartnerTenants, BreakGlass: ten.Operator.BreakGlass, OwnAppID: "0a0a0a0a-0000-4000-8000-000000000001"}
		f.Intel = func(a netip.Addr) (bec.Intel, bool) { i, ok := s.IPIntel[a.String()]; return i, ok }
		for _, d := range ten.Domains {
			f.OwnDomains = append(f.OwnDomains, d["id"].(string))
		}
		m := whole()
		graph, exchange := func(n string) []obj { return list(ten.Graph[n]) }, func(n string) []obj { return list(ten.Exchange[n]) }
		for _, u := range graph("users") {
			if u["userPrincipalName"] != upn {
				continue
			}
			f.User = bec.User{ID: u["id"].(string), UserPrincipalName: upn}
			m.add(bec.Profile, "user", u)
			auth, _ := u["authentication"].(obj)
			for _, x := range list(auth["methods"]) {
				m.add(bec.AuthMethods, "authenticationMethod", x)
			}
		}
		for _, r := range graph("signIns") {
			kind, _ := json.Marshal(r["signInEventTypes"])
			switch {
			case r["userId"] != f.User.ID:
				m.add(bec.OtherAccounts, "signIn", r)
			case strings.Contains(string(kind), "nonInteractive"):
				m.add(bec.SignInsNonInteractive, "signIn", r)
			default:
				m.add(bec.SignInsInteractive, "signIn", r)
			}
		}
		for _, r := range graph("directoryAudits") {
			m.add(bec.DirectoryAudits, "directoryAudit", r)
		}
		for k, v := range map[string][2]string{"riskyUsers": {bec.Risk, "riskyUser"}, "riskDetections": {bec.Risk, "riskDetection"}, "servicePrincipals": {bec.Apps, "servicePrincipal"}, "conditionalAccessPolicies": {bec.ConditionalAccess, "conditionalAccessPolicy"},
			"roleAssignments": {bec.Roles, "roleAssignment"}, "namedLocations": {bec.ConditionalAccess, "namedLocation"}} {
			for _, r := range graph(k) {
				if k != "roleAssignments" || r["principalId"] == f.User.ID {
					m.add(v[0], v[1], r)
				}
			}
		}
		for _, r := range graph("devices") {
			if slices.Contains(strs(r["registeredOwners"]), f.User.ID) {
				m.add(bec.Devices, "device", r)
			}
		}
		for _, k := range []string{"oauth2PermissionGrants", "appRoleAssignments"} {
			for _, r := range graph(k) {
				if r["principalId"] == nil || r["principalId"] == f.User.ID {
					m.add(bec.Grants, strings.TrimSuffix(k, "s"), r)
				}
			}
		}
		for _, r := range exchange("unifiedAuditLog") {
			data, _ := r["AuditData"].(obj)
			row := obj{"id": r["Identity"], "creationTime": r["CreationDate"], "operation": r["Operations"], "userId": r["UserIds"], "data": data}
			switch {
			case r["Operations"] == "MailItemsAccessed":
				m.add(bec.MailItemsAccessed, "auditRecord", row)
			case strings.HasPrefix(r["Operations"].(string), "UserLog"):
				m.add(bec.UALLogons, "auditRecord", row)
			default:
				m.add(bec.UAL, "auditRecord", row)
			}
		}
		for _, r := range exchange("messageTrace") {
			m.add(bec.MessageTrace, "messageTrace", r)
		}
		for _, b := range exchange("mailboxes") {
			if b["UserPrincipalName"] != upn {
				continue
			}
			m.add(bec.Forwarding, "mailbox", b)
			for k, v := range map[string][2]string{"InboxRules": {bec.InboxRules, "inboxRule"}, "HiddenInboxRules": {bec.HiddenRules, "inboxRule"}, "SweepRules": {bec.SweepRules, "sweepRule"}, "MailboxPermissions": {bec.Delegates, "mailboxPermission"},
				"RecipientPermissions": {bec.Delegates, "recipientPermission"}, "FolderPermissions": {bec.FolderPermissions, "folderPermission"}, "MobileDevices": {bec.MobileDevices, "mobileDevice"}} {
				for _, r := range list(b[k]) {
					m.add(v[0], v[1], r)
				}
			}
			if j, ok := b["JunkEmail"]; ok {
				m.add(bec.JunkConfig, "junkEmailConfiguration", j)
			}
			if j, ok := b["AutoReply"]; ok {
				m.add(bec.AutoReplies, "autoReplyConfiguration", j)
			}
		}
		m.add(bec.AuditConfig, "adminAuditLogConfig", ten.Exchange["adminAuditLogConfig"])
		m.add(bec.AuditConfig, "organizationConfig", ten.Exchange["organizationConfig"])
		for _, r := range exchange("transportRules") {
			m.add(bec.TransportRules, "transportRule", r)
		}
		return f, m
	}
	t.Fatal("no such tenant")
	return bec.Facts{}, nil
}

func list(v any) []obj {
	var out []obj
	a, _ := v.([]any)
	for _, x := range a {
		if o, ok := x.(obj); ok {
			out = append(out, o)
		}
	}
	return out
}

func strs(v any) []string {
	var out []string
	a, _ := v.([]any)
	for _, x := range a {
		s, _ := x.(string)
		out = append(out, s)
	}
	return out
}

// dump writes an analysis for a person who mends a test.
func dump(t testing.TB, a bec.Analysis) {
	t.Helper()
	t.Logf("%s / %s / %s / priority %d\n%s", a.Verdict, a.IncidentType, a.State, a.Priority, a.Summary)
	for _, f := range a.Findings {
		t.Logf("%-9s %-26s %-9s %s | %s | %s (%s) %v", f.Severity, f.Class, f.Status, f.Title, f.Why, f.Attribution.Value, f.Attribution.Reason, f.BenignTested)
	}
	for _, s := range a.Plan {
		t.Logf("%s %s %s %s: %s", s.ID, s.Action, s.TargetID, s.Status, s.Reason)
	}
}
