package tools

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"cipp-mcp/graphclient"
)

// GetUserIn are the arguments of cipp_get_user.
type GetUserIn struct {
	TenantArg
	UserArg
	Sections []string `json:"sections,omitempty" jsonschema:"enum=summary,enum=attributes,enum=manager,enum=licenses,enum=groups,enum=roles,enum=profiles,enum=apps,enum=consents,enum=mfa,enum=signIns,enum=risk,enum=devices,enum=mailbox,enum=onedrive,enum=sites,enum=schedules,enum=all,maxItems=17" jsonschema_description:"Default summary."`
}

// GetUserOut is the answer of cipp_get_user; absent sections were not asked for or stand in
// unavailable.
type GetUserOut struct {
	TenantID    string                          `json:"tenantId"`
	Tenant      string                          `json:"tenant"`
	ID          string                          `json:"id"`
	UPN         string                          `json:"userPrincipalName"`
	Summary     *UserSummary                    `json:"summary,omitempty"`
	Attributes  map[string]any                  `json:"attributes,omitempty"`
	Manager     *UserManager                    `json:"manager,omitempty"`
	Licenses    []UserLicense                   `json:"licenses,omitempty"`
	Groups      []GroupRow                      `json:"groups,omitempty"`
	Roles       []RoleRow                       `json:"roles,omitempty"`
	Profiles    []UserProfile                   `json:"profiles,omitempty"`
	Apps        []graphclient.AppRoleAssignment `json:"apps,omitempty"`
	Consents    []ConsentRow                    `json:"consents,omitempty"`
	MFA         *UserMFA                        `json:"mfa,omitempty"`
	SignIns     []SignInRow                     `json:"signIns,omitempty"`
	Risk        *UserRisk                       `json:"risk,omitempty"`
	Devices     []DeviceRow                     `json:"devices,omitempty"`
	Mailbox     *MailboxSummary                 `json:"mailbox,omitempty"`
	OneDrive    *graphclient.Drive              `json:"onedrive,omitempty"`
	Sites       []SiteRow                       `json:"sites,omitempty"`
	Schedules   []JobRow                        `json:"schedules,omitempty"`
	Unavailable []Unavailable                   `json:"unavailable,omitempty"`
}

// UserSummary is what one usually wants to know first.
type UserSummary struct {
	DisplayName        string     `json:"displayName"`
	Mail               string     `json:"mail,omitempty"`
	UserType           string     `json:"userType"`
	AccountEnabled     *bool      `json:"accountEnabled"`
	SyncState          string     `json:"syncState"`
	UsageLocation      string     `json:"usageLocation,omitempty"`
	JobTitle           string     `json:"jobTitle,omitempty"`
	Department         string     `json:"department,omitempty"`
	Licenses           []string   `json:"licenses"`
	Created            *time.Time `json:"createdDateTime,omitempty"`
	LastPasswordChange *time.Time `json:"lastPasswordChangeDateTime,omitempty"`
	IsAdmin            bool       `json:"isAdmin"`
	Tags               []string   `json:"tags"`
	RiskLevel          string     `json:"riskLevel"` // or why there is none
	AvailableActions   []string   `json:"availableActions"`
}

// UserManager is the user's place in the hierarchy.
type UserManager struct {
	Manager       string   `json:"manager,omitempty"`
	DirectReports []string `json:"directReports"`
}

// UserLicense is one licence and where it comes from.
type UserLicense struct {
	SkuID     string `json:"skuId"`
	Name      string `json:"name"`
	FromGroup string `json:"fromGroup,omitempty"`
	State     string `json:"state,omitempty"`
	Error     string `json:"error,omitempty"`
}

// ConsentRow is one delegated consent of this user.
type ConsentRow struct {
	ID     string   `json:"id"`
	App    string   `json:"app"`
	AppID  string   `json:"appId,omitempty"`
	Scopes []string `json:"scopes"`
}

// UserMFA is what is registered; phone numbers are masked.
type UserMFA struct {
	PerUserState string      `json:"perUserMfaState,omitempty"`
	Default      string      `json:"defaultMethod,omitempty"`
	Methods      []MethodRow `json:"methods"`
}

// MethodRow is one authentication method.
type MethodRow struct {
	ID      string     `json:"id"`
	Type    string     `json:"type"`
	Detail  string     `json:"detail,omitempty"`
	Created *time.Time `json:"createdDateTime,omitempty"`
}

// MailboxSummary is a mailbox in a few words.
type MailboxSummary struct {
	Type       string   `json:"type"`
	Primary    string   `json:"primarySmtpAddress"`
	Aliases    []string `json:"aliases,omitempty"`
	SizeGB     *float64 `json:"sizeGB,omitempty"`
	Items      *int     `json:"items,omitempty"`
	Forwarding string   `json:"forwarding,omitempty"`
	KeepCopy   bool     `json:"deliverToMailboxAndForward"`
	AutoReply  string   `json:"autoReply,omitempty"`
	Hidden     bool     `json:"hiddenFromAddressLists"`
	Archive    bool     `json:"archive"`
	Holds      []string `json:"holds,omitempty"`
	QuotaGB    *float64 `json:"quotaGB,omitempty"`
	Rules      *int     `json:"rules,omitempty"`
	Delegates  *int     `json:"delegates,omitempty"`
}

func (m *MailboxSummary) lines(l *lines) {
	size := "size unknown"
	if m.SizeGB != nil {
		size = fmt.Sprintf("%.1f GB", *m.SizeGB)
	}
	if m.QuotaGB != nil {
		size += fmt.Sprintf(" of %.0f GB", *m.QuotaGB)
	}
	l.add("mailbox %s | %s | %s | forwarding %s | auto-reply %s | archive %t | holds %s", m.Type, m.Primary, size, cmp.Or(fenced("", m.Forwarding), "none"), m.AutoReply, m.Archive, orNone(m.Holds))
	if m.Rules != nil && m.Delegates != nil {
		l.add("%s, %s", count(*m.Rules, "rule", "rules"), count(*m.Delegates, "right of others", "rights of others"))
	}
}

// Text tells each section in short lines.
func (o *GetUserOut) Text() string {
	var l lines
	l.add("%s (%s) in %s", o.UPN, o.ID, o.Tenant)
	if s := o.Summary; s != nil {
		state := signInState(s.AccountEnabled)
		l.add("%s | %s | %s %s | admin %t | location %s", q(s.DisplayName), state, strings.ToLower(s.UserType), s.SyncState, s.IsAdmin, s.UsageLocation)
		l.add("job %s, %s | licences: %s | password changed %s", q(s.JobTitle), q(s.Department), orNone(s.Licenses), date(s.LastPasswordChange))
		l.add("tags: %s | risk level: %s", cmp.Or(fencedList(s.Tags), "none"), s.RiskLevel)
		l.add("actions: %s", strings.Join(s.AvailableActions, ", "))
	}
	for _, k := range sortedKeys(o.Attributes) {
		l.add("%s: %s", k, value(o.Attributes[k]))
	}
	if m := o.Manager; m != nil {
		l.add("manager: %s | direct reports: %s", m.Manager, orNone(m.DirectReports))
	}
	for _, x := range o.Licenses {
		l.add("licence %s%s %s%s", x.Name, fenced(" from group ", x.FromGroup), x.State, strings.TrimSuffix(ifText(x.Error, " "), " None"))
	}
	for _, g := range o.Groups {
		l.add("%s", g.line())
	}
	for _, r := range o.Roles {
		l.add("%s", r.line())
	}
	for _, p := range o.Profiles {
		l.add("profile %s: %s%s%s", q(p.Profile), p.Has, ifText(strings.Join(p.Missing, ", "), "; missing "), ifText(strings.Join(p.NotChecked, ", "), "; not looked at: "))
	}
	for _, a := range o.Apps {
		l.add("app %s (%s)", q(a.ResourceDisplayName), a.PrincipalType)
	}
	for _, x := range o.Consents {
		l.add("consent %s: %s (grant %s)", q(x.App), strings.Join(x.Scopes, " "), x.ID)
	}
	if m := o.MFA; m != nil {
		l.add("per-user MFA %s | default %s", m.PerUserState, cmp.Or(m.Default, "none set"))
		for _, x := range m.Methods {
			l.add("method %s %s added %s (%s)", x.Type, q(x.Detail), date(x.Created), x.ID)
		}
	}
	if o.SignIns != nil && len(o.SignIns) == 0 {
		l.add("no sign-in in the tenant's log")
	}
	for _, s := range o.SignIns {
		l.add("%s", s.line())
	}
	if r := o.Risk; r != nil {
		r.lines(&l)
	}
	for _, d := range o.Devices {
		l.add("%s", d.line())
	}
	if m := o.Mailbox; m != nil {
		m.lines(&l)
	}
	if d := o.OneDrive; d != nil {
		l.add("OneDrive %s | %.1f GB used", d.WebURL, float64(d.Quota.Used)/(1<<30))
	}
	for _, s := range o.Sites {
		l.add("%s", s.line())
	}
	for _, j := range o.Schedules {
		l.add("job %s | %s | %s%s | created %s by %s", j.JobID, j.Status, j.Tool, ifText(stampOf(j.RunAt), " | at "), date(&j.Created), q(j.By))
	}
	for _, u := range o.Unavailable {
		l.add("not read: %s: %s %s", u.Section, u.Reason, u.Next)
	}
	return l.String()
}

// fencedList are a tenant's words, "" when there are none.
func fencedList(words []string) string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = q(w)
	}
	return strings.Join(out, ", ")
}

// fenced is a tenant's text with a word before it, "" when there is none.
func fenced(before, s string) string {
	if s == "" {
		return ""
	}
	return before + q(s)
}

// value is one of a user's properties for a line of text; words are a tenant's own.
func value(v any) string {
	switch x := v.(type) {
	case string:
		return q(x)
	case nil, bool, float64:
		return fmt.Sprint(x)
	case []any:
		out := make([]string, len(x))
		for i, v := range x {
			out[i] = value(v)
		}
		return strings.Join(out, ", ")
	default:
		return q(fmt.Sprint(x))
	}
}

// signInState is accountEnabled in a word; Microsoft may leave the property out.
func signInState(enabled *bool) string {
	switch {
	case enabled == nil:
		return "sign-in unknown"
	case *enabled:
		return "enabled"
	default:
		return "BLOCKED"
	}
}

func ifText(s, before string) string {
	if s == "" {
		return ""
	}
	return before + s
}

func date(t *time.Time) string {
	if t == nil || t.Year() <= 1 {
		return "unknown"
	}
	return t.UTC().Format("2006-01-02 15:04Z")
}

var getUser = Read(Tool{
	Name: "cipp_get_user", Title: "One user", Toolset: "users", Aliases: userAliases,
	Description: "Shows one user; sections add licences, groups, roles, mfa, signIns, mailbox, devices and more. Use cipp_list_users to find somebody, cipp_bec_check to investigate a suspicion.",
	Needs:       Needs{App: []string{"User.Read.All", "Directory.Read.All", "UserAuthenticationMethod.Read.All", "AuditLog.Read.All", "Policy.Read.All", "IdentityRiskyUser.Read.All", "IdentityRiskEvent.Read.All", "DeviceManagementManagedDevices.Read.All", "Files.Read.All", "Sites.Read.All"}, AppRoles: []string{"Exchange Administrator"}, GDAPRoles: []string{"Global Reader", "Authentication Administrator", "Exchange Administrator", "SharePoint Administrator"}},
	Example:     `{"tenantFilter":"contoso.onmicrosoft.com","userId":"anna@contoso.com","sections":["summary","mfa"]}`,
}, getUserHandler)

func getUserHandler(ctx context.Context, c *Call, in GetUserIn) (GetUserOut, error) {
	out := GetUserOut{TenantID: c.Tenant.ID, Tenant: c.Tenant.DefaultDomain, ID: c.User.ID, UPN: c.User.UserPrincipalName}
	want := wanted(in.Sections, "summary")
	tid, id, box := c.Tenant.ID, c.User.ID, c.Mailbox()
	s := newSections(&out.Unavailable)
	s.run(want("summary"), "summary", func() (err error) { out.Summary, err = userSummary(ctx, c); return err })
	s.run(want("attributes"), "attributes", func() (err error) { out.Attributes, err = userAttributes(ctx, c); return err })
	s.run(want("manager"), "manager", func() error {
		m, err := c.Graph.Manager(ctx, tid, id)
		if err != nil && graphclient.KindOf(err) != graphclient.NotFound {
			return err
		}
		reports, err := c.Graph.DirectReports(ctx, tid, id)
		if err != nil {
			return err
		}
		out.Manager = &UserManager{DirectReports: []string{}}
		if m != nil {
			out.Manager.Manager = m.UserPrincipalName
		}
		for _, r := range reports {
			out.Manager.DirectReports = append(out.Manager.DirectReports, r.UserPrincipalName)
		}
		return nil
	})
	s.run(want("licenses"), "licenses", func() (err error) { out.Licenses, err = userLicenses(ctx, c); return err })
	s.run(want("groups"), "groups", func() (err error) { out.Groups, err = groupRows(ctx, c); return err })
	s.run(want("roles"), "roles", func() (err error) { out.Roles, err = roleRows(ctx, c); return err })
	s.run(want("profiles"), "profiles", func() (err error) { out.Profiles, err = userProfiles(ctx, c); return err })
	s.run(want("apps"), "apps", func() (err error) {
		out.Apps, err = c.Graph.AppRoleAssignmentsOf(ctx, tid, id)
		return err
	})
	s.run(want("consents"), "consents", func() (err error) { out.Consents, err = consentRows(ctx, c); return err })
	s.run(want("mfa"), "mfa", func() (err error) { out.MFA, err = userMFA(ctx, c); return err })
	s.run(want("signIns"), "signIns", func() error {
		rows, err := c.Graph.SignIns(ctx, tid, graphclient.SignInQuery{UserID: id, Max: 10})
		if err == nil {
			out.SignIns = signInRows(rows)
		}
		return err
	})
	s.run(want("risk"), "risk", func() (err error) { out.Risk, err = userRisk(ctx, c); return err })
	s.run(want("devices"), "devices", func() error {
		var missing []Unavailable
		out.Devices, missing = deviceRows(ctx, c)
		for i := range out.Devices {
			out.Devices[i].Detail = nil // of cipp_list_user_devices with deviceId
		}
		if len(missing) > 0 {
			return &Problem{Code: "partly", Message: missing[0].Section + ": " + missing[0].Reason, Next: missing[0].Next}
		}
		return nil
	})
	s.run(want("mailbox"), "mailbox", func() (err error) { out.Mailbox, err = mailboxSummary(ctx, c, box); return err })
	s.run(want("onedrive"), "onedrive", func() (err error) {
		if out.OneDrive, err = c.Graph.Drive(ctx, tid, id); err == nil && out.OneDrive == nil {
			return &Problem{Code: "no_onedrive", Message: "the user's OneDrive is not provisioned.", Next: "cipp_provision_onedrive makes it."}
		}
		return err
	})
	s.run(want("sites"), "sites", func() (err error) { out.Sites, err = siteRows(ctx, c); return err })
	s.run(want("schedules"), "schedules", func() (err error) { out.Schedules, err = userJobs(ctx, c); return err })
	s.wait()
	return out, nil
}
