package tools

import (
	"context"
	"slices"
	"strings"
	"time"

	"cipp-mcp/graphclient"
)

// ListTenantsIn are the arguments of cipp_list_tenants.
type ListTenantsIn struct {
	Search           string `json:"search,omitempty" jsonschema:"maxLength=100" jsonschema_description:"Part of a name, domain or id."`
	IncludeUnhealthy bool   `json:"includeUnhealthy,omitempty" jsonschema_description:"Also customers that cannot be reached now."`
	PageArgs
}

// TenantRow is one customer.
type TenantRow struct {
	TenantID        string     `json:"tenantId"`
	DisplayName     string     `json:"displayName"`
	DefaultDomain   string     `json:"defaultDomainName"`
	Health          string     `json:"health"`
	Reason          string     `json:"reason,omitempty"`
	RelationshipEnd *time.Time `json:"relationshipEnd,omitempty"`
}

// ListTenantsOut is the answer of cipp_list_tenants.
type ListTenantsOut struct {
	Tenants   []TenantRow `json:"tenants"`
	Total     int         `json:"total"`
	Unhealthy int         `json:"unhealthyLeftOut"`
	Part
}

// Text lists the customers.
func (o *ListTenantsOut) Text() string {
	var l lines
	l.add("%s", count(o.Total, "tenant", "tenants"))
	for _, t := range o.Tenants {
		l.add("%s | %s | %s | %s", t.DefaultDomain, q(t.DisplayName), t.TenantID, strings.TrimSpace(t.Health+" "+t.Reason))
	}
	if o.Unhealthy > 0 {
		l.add("%d more cannot be reached now; includeUnhealthy=true shows them", o.Unhealthy)
	}
	more(&l, o.Part, "search")
	return l.String()
}

// Shrink drops the second half of the rows.
func (o *ListTenantsOut) Shrink() bool { return shrinkRows(&o.Tenants, &o.Part) }

var listTenants = Read(Tool{
	Name: "cipp_list_tenants", Title: "List customer tenants", Toolset: "tenants",
	Description: "Lists the customer tenants this server can work in, with the domain to use as tenantFilter. Call it first when the customer is only known by name.",
	Needs:       Needs{App: []string{"DelegatedAdminRelationship.Read.All", "Directory.Read.All"}, GDAPRoles: nil},
	Example:     `{"search":"contoso"}`,
}, func(ctx context.Context, c *Call, in ListTenantsIn) (ListTenantsOut, error) {
	all, err := c.Graph.Tenants(ctx)
	if err != nil {
		return ListTenantsOut{}, err
	}
	var out ListTenantsOut
	var rows []TenantRow
	for _, t := range all {
		if !matches(in.Search, t.DisplayName, t.DefaultDomain, t.InitialDomain, t.ID) {
			continue
		}
		if t.Health == graphclient.HealthInactive && !in.IncludeUnhealthy {
			out.Unhealthy++
			continue
		}
		row := TenantRow{TenantID: t.ID, DisplayName: t.DisplayName, DefaultDomain: t.DefaultDomain, Health: t.Health, Reason: t.Reason}
		if !t.RelationshipEnd.IsZero() {
			row.RelationshipEnd = &t.RelationshipEnd
		}
		rows = append(rows, row)
	}
	out.Total = len(rows)
	out.Tenants, out.Part, err = slicePage(c, "cipp_list_tenants", rows, in.PageArgs)
	return out, err
})

func matches(search string, in ...string) bool {
	for _, s := range in {
		if strings.Contains(strings.ToLower(s), strings.ToLower(search)) {
			return true
		}
	}
	return false
}

// TenantDetailsIn are the arguments of cipp_get_tenant_details.
type TenantDetailsIn struct {
	TenantArg
	Sections []string `json:"sections,omitempty" jsonschema:"enum=summary,enum=domains,enum=capabilities,enum=health,enum=defaults,enum=myPermissions,enum=all,maxItems=6" jsonschema_description:"Default summary."`
}

// TenantDetailsOut is the answer of cipp_get_tenant_details; absent sections were not asked for.
type TenantDetailsOut struct {
	TenantID     string               `json:"tenantId"`
	Tenant       string               `json:"tenant"`
	Summary      *TenantSummary       `json:"summary,omitempty"`
	Domains      []graphclient.Domain `json:"domains,omitempty"`
	Capabilities *TenantCapabilities  `json:"capabilities,omitempty"`
	Health       *TenantHealth        `json:"health,omitempty"`
	Defaults     map[string]string    `json:"defaults,omitempty"`
	Permissions  map[string]string    `json:"myPermissions,omitempty"`
	Unavailable  []Unavailable        `json:"unavailable,omitempty"`
}

// Unavailable says which part could not be read and why.
type Unavailable struct {
	Section string `json:"section"`
	Reason  string `json:"reason"`
	Next    string `json:"next,omitempty"`
}

// TenantSummary identifies a customer.
type TenantSummary struct {
	DisplayName   string `json:"displayName"`
	DefaultDomain string `json:"defaultDomainName"`
	InitialDomain string `json:"initialDomainName,omitempty"`
	Country       string `json:"country,omitempty"`
	IdentityModel string `json:"identityModel"` // cloud | hybrid
}

// TenantCapabilities turns a later failure into an early sentence.
type TenantCapabilities struct {
	SecurityDefaults      *bool `json:"securityDefaults"`
	TemporaryAccessPass   *bool `json:"temporaryAccessPass"`
	RegistrationCampaign  *bool `json:"registrationCampaign"`
	ConditionalAccessMFA  *int  `json:"conditionalAccessMfaPolicies"`
	MailboxAuditing       *bool `json:"mailboxAuditing"`
	UnifiedAuditIngestion *bool `json:"unifiedAuditLog"`
	// Passwordless are the methods that the policy lets people sign in with instead of a password; null where it cannot
	// be read.
	Passwordless []string `json:"passwordlessMethods"`
	// MethodsMigration is whether the legacy MFA and reset policies still count: preMigration, migrationInProgress or
	// migrationComplete.
	MethodsMigration string `json:"legacyMfaMigration,omitempty"`
	IdentityModel    string `json:"identityModel"` // cloud | hybrid | unknown
	Marketplace      string `json:"licenceProvider"`
	// Consequences say which tool will fail or do nothing here, and why.
	Consequences []string `json:"consequences"`
}

// TenantHealth says how this server reaches the tenant and what works.
type TenantHealth struct {
	SignInMode      string            `json:"signInMode"`
	Relationship    string            `json:"relationship"`
	RelationshipEnd *time.Time        `json:"relationshipEnd,omitempty"`
	Checks          map[string]string `json:"checks"`
	// Lacks are permissions and roles that the tools in use need and this server has not got here.
	Lacks []Lack `json:"lacks"`
	Note  string `json:"note,omitempty"`
}

// Text lists what was asked for.
func (o *TenantDetailsOut) Text() string {
	var l lines
	l.add("%s (%s)", o.Tenant, o.TenantID)
	if s := o.Summary; s != nil {
		l.add("name %s, default domain %s, initial domain %s, country %s, identity %s", q(s.DisplayName), s.DefaultDomain, s.InitialDomain, s.Country, s.IdentityModel)
	}
	for _, d := range o.Domains {
		l.add("domain %s | verified %t | default %t | %s", d.ID, d.IsVerified, d.IsDefault, d.AuthenticationType)
	}
	if c := o.Capabilities; c != nil {
		l.add("security defaults %s | temporary access pass %s | registration campaign %s | mailbox auditing %s | unified audit log %s", yesNo(c.SecurityDefaults), yesNo(c.TemporaryAccessPass), yesNo(c.RegistrationCampaign), yesNo(c.MailboxAuditing), yesNo(c.UnifiedAuditIngestion))
		if c.ConditionalAccessMFA != nil {
			l.add("Conditional Access policies that ask for MFA: %d", *c.ConditionalAccessMFA)
		}
		passwordless := "unknown"
		if c.Passwordless != nil {
			passwordless = orNone(c.Passwordless)
		}
		l.add("passwordless: %s | legacy MFA policies: %s | identity %s | licences from: %s", passwordless, orUnknown(c.MethodsMigration), c.IdentityModel, c.Marketplace)
		for _, s := range c.Consequences {
			l.add("- %s", s)
		}
	}
	if h := o.Health; h != nil {
		l.add("signs in as %s; relationship %s", h.SignInMode, h.Relationship)
		for _, k := range sortedKeys(h.Checks) {
			l.add("- %s: %s", k, h.Checks[k])
		}
		for _, x := range h.Lacks {
			l.add("lacks the %s %s, for %s", x.What, x.Name, strings.Join(x.Tools, ", "))
		}
		if h.Note != "" {
			l.add("%s", h.Note)
		}
	}
	for _, m := range []map[string]string{o.Defaults, o.Permissions} {
		for _, k := range sortedKeys(m) {
			l.add("%s: %s", k, m[k])
		}
	}
	for _, u := range o.Unavailable {
		l.add("not read: %s: %s %s", u.Section, u.Reason, u.Next)
	}
	return l.String()
}

var getTenantDetails = Read(Tool{
	Name: "cipp_get_tenant_details", Title: "Tenant details", Toolset: "tenants", Aliases: tenantAliases,
	Description: "Shows one tenant: domains, what it allows (MFA policies, auditing), and what this server can do there. Use it when a call fails for lack of rights; use cipp_list_tenants to find the tenant.",
	Needs:       Needs{App: []string{"Organization.Read.All", "Domain.Read.All", "Policy.Read.All"}, AppRoles: []string{"Exchange Administrator"}, GDAPRoles: []string{"Global Reader"}},
	Example:     `{"tenantFilter":"contoso.onmicrosoft.com","sections":["summary","domains"]}`,
}, tenantDetails)

func tenantDetails(ctx context.Context, c *Call, in TenantDetailsIn) (TenantDetailsOut, error) {
	out := TenantDetailsOut{TenantID: c.Tenant.ID, Tenant: c.Tenant.DefaultDomain}
	want := wanted(in.Sections, "summary")
	s := newSections(&out.Unavailable)
	s.run(want("summary"), "summary", func() error {
		o, err := c.Graph.Organization(ctx, c.Tenant.ID)
		if err != nil {
			return err
		}
		sum := &TenantSummary{DisplayName: o.DisplayName, DefaultDomain: c.Tenant.DefaultDomain, InitialDomain: c.Tenant.InitialDomain, Country: o.CountryLetterCode, IdentityModel: "cloud"}
		if o.OnPremisesSyncEnabled != nil && *o.OnPremisesSyncEnabled {
			sum.IdentityModel = "hybrid"
		}
		for _, d := range o.VerifiedDomains {
			if d.IsDefault {
				sum.DefaultDomain = d.Name
			}
			if d.IsInitial {
				sum.InitialDomain = d.Name
			}
		}
		out.Summary = sum
		return nil
	})
	s.run(want("domains"), "domains", func() (err error) {
		out.Domains, err = c.Graph.Domains(ctx, c.Tenant.ID)
		return err
	})
	s.run(want("capabilities"), "capabilities", func() error {
		caps := capabilities(ctx, c)
		out.Capabilities = &caps
		return nil
	})
	s.run(want("health"), "health", func() error {
		h := health(ctx, c)
		h.Lacks, h.Note = c.lacking(ctx)
		out.Health = &h
		return nil
	})
	s.wait()
	if want("defaults") {
		out.Defaults = map[string]string{"usageLocation": c.Policy.UsageLocation(c.Tenant.DefaultDomain), "password": "generated where none is given; kept for a person (" + c.Policy.Config.Passwords.Sink + ")"}
		for _, o := range offboardingOptions {
			v, from := c.Policy.OffboardingDefault(c.Tenant.DefaultDomain, o, false)
			if from == "" && !slices.Contains(postures["standard"][:4], o) {
				continue // nobody said anything of it
			}
			out.Defaults["offboarding "+o] = strings.TrimSpace(map[bool]string{true: "yes", false: "no"}[v] + " " + from)
		}
	}
	if want("myPermissions") {
		out.Permissions = c.myPermissions(ctx)
	}
	return out, nil
}

// CompleteTenant lists the domains of tenants whose domain or name begins with, or contains, what was
// typed.
func (e *Env) CompleteTenant(ctx context.Context, typed string) ([]string, error) {
	all, err := e.Graph.Tenants(ctx)
	if err != nil {
		return nil, err
	}
	out := []string{}
	for _, t := range all {
		if t.DefaultDomain != "" && matches(typed, t.DefaultDomain, t.DisplayName) {
			out = append(out, Clean(t.DefaultDomain, 253))
		}
	}
	return out, nil
}
