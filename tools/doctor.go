package tools

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"cipp-mcp/graphclient"
)

// Examination is what the enabled tools need in one tenant and lack.
type Examination struct {
	TenantID     string     `json:"tenantId"`
	Tenant       string     `json:"tenant"`
	SignIn       string     `json:"signIn"` // works, or why it does not
	SignsInAs    string     `json:"signsInAs"`
	Relationship string     `json:"relationship,omitempty"`
	Ends         *time.Time `json:"relationshipEnd,omitempty"`
	// Lacks are permissions and roles, with the tools that need them.
	Lacks []Lack `json:"lacks,omitempty"`
	// Extra are permissions that no enabled tool needs.
	Extra []string `json:"notNeeded,omitempty"`
	// Notes are licences, policies and what else limits some tools here.
	Notes []string `json:"notes,omitempty"`
}

// Lack is something that is missing in a tenant.
type Lack struct {
	What  string   `json:"what"` // permission | role | GDAP role
	Name  string   `json:"name"`
	Tools []string `json:"tools"`
}

// Works says whether nothing is missing.
func (x *Examination) Works() bool { return x.SignIn == "works" && len(x.Lacks) == 0 }

// wider are permissions and roles that stand for smaller ones, beside X.ReadWrite.All for X.Read.All.
var wider = map[string][]string{
	"Directory.Read.All":                      {"Application.Read.All", "Device.Read.All", "Domain.Read.All", "Organization.Read.All", "User.Read.All", "Group.Read.All", "GroupMember.Read.All"},
	"Directory.ReadWrite.All":                 {"Directory.Read.All", "User.Read.All", "Group.Read.All", "GroupMember.ReadWrite.All", "Group.ReadWrite.All"},
	"User.ReadWrite.All":                      {"User.EnableDisableAccount.All", "User.RevokeSessions.All", "LicenseAssignment.ReadWrite.All", "User.Read.All", "LicenseAssignment.Read.All", "User.Invite.All"},
	"Group.ReadWrite.All":                     {"GroupMember.ReadWrite.All", "Group.Read.All", "GroupMember.Read.All"},
	"Global Administrator":                    nil, // everything
	"Exchange Administrator":                  {"Exchange Recipient Administrator"},
	"Application Administrator":               {"Cloud Application Administrator"},
	"Global Reader":                           {"Reports Reader", "Security Reader", "Directory Readers"},
	"Security Administrator":                  {"Security Reader", "Reports Reader"},
	"User Administrator":                      {"Groups Administrator", "License Administrator", "Guest Inviter", "Directory Readers"},
	"Privileged Authentication Administrator": {"Authentication Administrator"},
}

// covered says whether what is held is, or stands for, what is needed.
func covered(held []string, need string) bool {
	has := func(s string) bool {
		return slices.ContainsFunc(held, func(h string) bool { return strings.EqualFold(h, s) })
	}
	if has(need) || has("Global Administrator") {
		return true
	}
	for _, level := range [][2]string{{".Read.All", ".ReadWrite.All"}, {".Read", ".ReadWrite"}, {".ReadBasic.All", ".Read"}, {".ReadBasic.All", ".Read.All"}} {
		if base, ok := strings.CutSuffix(need, level[0]); ok && has(base+level[1]) {
			return true
		}
	}
	return slices.ContainsFunc(held, func(h string) bool { return slices.Contains(wider[h], need) })
}

// Examine holds what the given tools need against what this server has in a tenant.
func (e *Env) Examine(ctx context.Context, t graphclient.Tenant, enabled []Tool) Examination {
	x := Examination{TenantID: t.ID, Tenant: t.DefaultDomain, SignIn: "works", SignsInAs: string(e.Graph.Mode()), Relationship: strings.TrimSpace(t.Health + " " + t.Reason)}
	if !t.RelationshipEnd.IsZero() {
		x.Ends = &t.RelationshipEnd
		if left := t.RelationshipEnd.Sub(e.Clock.Now()); left < 30*24*time.Hour {
			x.Notes = append(x.Notes, "the GDAP relationship ends on "+t.RelationshipEnd.Format(time.DateOnly)+"; renew it in Partner Center")
		}
	}
	g, err := e.Graph.Granted(ctx, t.ID)
	if err != nil {
		x.SignIn = Explain(err)
		return x
	}
	if !g.Readable {
		x.Notes = append(x.Notes, "what the access token grants cannot be read here, so permissions are not checked")
	} else {
		x.lacks(e.Graph.Mode() == graphclient.App, g, enabled)
	}
	c := &Call{Env: e, Tenant: t, Progress: func(int, int, string) {}}
	x.notes(capabilities(ctx, c), health(ctx, c))
	return x
}

// lacks finds what is missing and what is too much.
func (x *Examination) lacks(app bool, g graphclient.Granted, enabled []Tool) {
	type need struct{ what, name string }
	missing := map[need][]string{}
	needed := []string{}
	for _, t := range enabled {
		if t.Name == "cipp_list_tenants" {
			continue // it works in the partner's own tenant
		}
		for _, p := range t.Needs.App {
			held := g.Graph
			if strings.HasPrefix(p, "Exchange.") {
				if !app {
					continue // a person's own roles decide in Exchange
				}
				held = g.Exchange
			}
			needed = append(needed, p)
			if !covered(held, p) {
				missing[need{"permission", p}] = append(missing[need{"permission", p}], t.Name)
			}
		}
		roles, what := t.Needs.GDAPRoles, "GDAP role"
		if app {
			roles, what = t.Needs.AppRoles, "role"
		}
		for _, r := range roles {
			if !covered(g.Roles, r) {
				missing[need{what, r}] = append(missing[need{what, r}], t.Name)
			}
		}
	}
	for n, tools := range maps.All(missing) {
		x.Lacks = append(x.Lacks, Lack{n.what, n.name, tools})
	}
	slices.SortFunc(x.Lacks, func(a, b Lack) int { return strings.Compare(a.What+a.Name, b.What+b.Name) })
	if !app {
		return // scopes of sign-in itself stand among them
	}
	for _, p := range g.Graph {
		if !slices.ContainsFunc(needed, func(n string) bool { return strings.EqualFold(n, p) || covered([]string{p}, n) }) {
			x.Extra = append(x.Extra, p)
		}
	}
	slices.Sort(x.Extra)
}

// notes are what the tenant itself does not allow or has not bought.
func (x *Examination) notes(c TenantCapabilities, h TenantHealth) {
	for _, check := range sortedKeys(h.Checks) {
		if h.Checks[check] != "works" {
			x.Notes = append(x.Notes, check+": "+h.Checks[check])
		}
	}
	x.Notes = append(x.Notes, c.Consequences...)
}

// Text is the examination for a terminal.
func (x *Examination) Text() string {
	var l lines
	state := "ok"
	switch {
	case x.SignIn != "works":
		state = "no sign-in"
	case len(x.Lacks) > 0:
		state = "lacks " + count(len(x.Lacks), "grant", "grants")
	}
	l.add("%s (%s): %s", x.Tenant, x.TenantID, state)
	if x.SignIn != "works" {
		l.add("  %s", x.SignIn)
	}
	for _, k := range x.Lacks {
		l.add("  lacks the %s %s, for %s", k.What, k.Name, strings.Join(k.Tools, ", "))
	}
	for _, n := range x.Notes {
		l.add("  note: %s", n)
	}
	if len(x.Extra) > 0 {
		l.add("  not needed by the enabled tools: %s", strings.Join(x.Extra, ", "))
	}
	return l.String()
}
