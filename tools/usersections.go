package tools

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
	"cipp-mcp/workflows"
)

func userSummary(ctx context.Context, c *Call) (*UserSummary, error) {
	u, err := c.Graph.User(ctx, c.Tenant.ID, c.User.ID, "id", "displayName", "mail", "userType", "accountEnabled", "onPremisesSyncEnabled", "usageLocation", "jobTitle", "department", "assignedLicenses", "createdDateTime", "lastPasswordChangeDateTime", "userPrincipalName", "onPremisesExtensionAttributes")
	if err != nil {
		return nil, err
	}
	var p graphclient.Privileges
	var risk string
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		return jobs.Caught(func() (err error) { p, err = c.Graph.PrivilegesOf(gctx, c.Tenant.ID, c.User.ID); return err })
	})
	g.Go(func() error {
		return jobs.Caught(func() error { risk = c.riskLevel(gctx); return nil })
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	s := &UserSummary{
		DisplayName: u.DisplayName, Mail: u.Mail, UserType: u.UserType, AccountEnabled: u.AccountEnabled, SyncState: syncState(u), UsageLocation: u.UsageLocation, JobTitle: u.JobTitle,
		Department: u.Department, Licenses: []string{}, Created: u.CreatedDateTime, LastPasswordChange: u.LastPasswordChangeDateTime, IsAdmin: p.Admin(), RiskLevel: risk, Tags: c.tags(u, p.Admin()),
	}
	if len(u.AssignedLicenses) > 0 {
		names := licenceNames(ctx, c)
		for _, l := range u.AssignedLicenses {
			s.Licenses = append(s.Licenses, licenceName(names, l.SkuID))
		}
	}
	s.AvailableActions = c.available(actionsFor(u))
	return s, nil
}

// riskLevel is what Identity Protection says of the user in a word, or why it says nothing.
func (c *Call) riskLevel(ctx context.Context) string {
	u, err := c.Graph.RiskyUser(ctx, c.Tenant.ID, c.User.ID)
	switch {
	case graphclient.KindOf(err) == graphclient.NotPremium:
		return "not licensed (Entra ID P2)"
	case err != nil:
		return "unknown"
	case u == nil:
		return "none"
	default:
		return u.RiskLevel
	}
}

// tags are words on a user: those that its state gives, and the tenant's own from the extension attribute that the
// operator names. Microsoft has no such thing.
func (c *Call) tags(u graphclient.User, admin bool) []string {
	out := []string{}
	for _, t := range []struct {
		on   bool
		word string
	}{
		{u.AccountEnabled != nil && !*u.AccountEnabled, "sign-in blocked"}, {admin, "administrator"}, {u.Guest(), "guest"}, {u.Synced(), "synchronised"},
		{isService(c.Policy.Config.ServiceAccounts, u), "service account"},
	} {
		if t.on {
			out = append(out, t.word)
		}
	}
	own := extensionOf(u, c.Policy.Config.TagsFrom)
	for _, t := range strings.FieldsFunc(own, func(r rune) bool { return r == ',' || r == ';' }) {
		if t = strings.TrimSpace(t); t != "" && len(out) < 20 {
			out = append(out, Clean(t, 60))
		}
	}
	return out
}

// extensionOf is one of a user's extension attributes.
func extensionOf(u graphclient.User, name string) string {
	if u.OnPremisesExtensionAttributes == nil || name == "" {
		return ""
	}
	b, err := json.Marshal(u.OnPremisesExtensionAttributes)
	all := map[string]string{}
	if err != nil || json.Unmarshal(b, &all) != nil {
		return ""
	}
	return all[name]
}

// available are those of the tools that a client can call here.
func (c *Call) available(names []string) []string {
	if c.Listed == nil {
		return names
	}
	listed := c.Listed()
	return slices.DeleteFunc(names, func(name string) bool {
		return !slices.ContainsFunc(listed, func(t Tool) bool { return t.Name == name })
	})
}

// actionsFor names the writes that make sense on a user as it is.
func actionsFor(u graphclient.User) []string {
	a := []string{"cipp_bec_check", "cipp_revoke_sessions", "cipp_reset_mfa", "cipp_offboard_user"}
	if u.AccountEnabled != nil && !*u.AccountEnabled {
		a = append(a, "cipp_enable_user")
	} else {
		a = append(a, "cipp_disable_user")
	}
	if !u.Synced() {
		a = append(a, "cipp_edit_user")
		if !u.Guest() {
			a = append(a, "cipp_reset_password")
		}
	}
	return a
}

func userLicenses(ctx context.Context, c *Call) ([]UserLicense, error) {
	u, err := c.Graph.User(ctx, c.Tenant.ID, c.User.ID, "id", "licenseAssignmentStates")
	if err != nil {
		return nil, err
	}
	names := licenceNames(ctx, c)
	out := []UserLicense{}
	for _, s := range u.LicenseAssignmentStates {
		l := UserLicense{SkuID: s.SkuID, Name: licenceName(names, s.SkuID), State: s.State, Error: s.Error}
		if s.AssignedByGroup != "" {
			l.FromGroup = s.AssignedByGroup
			if g, err := c.Graph.Group(ctx, c.Tenant.ID, s.AssignedByGroup); err == nil {
				l.FromGroup = g.DisplayName
			}
		}
		out = append(out, l)
	}
	return out, nil
}

var attributeNames = []string{
	"id", "displayName", "userPrincipalName", "mail", "mailNickname", "givenName", "surname", "userType", "accountEnabled", "jobTitle", "department", "companyName",
	"employeeId", "employeeType", "officeLocation", "streetAddress", "city", "state", "postalCode", "country", "usageLocation", "preferredLanguage", "businessPhones",
	"mobilePhone", "faxNumber", "otherMails", "proxyAddresses", "showInAddressList", "isResourceAccount", "createdDateTime", "employeeHireDate", "lastPasswordChangeDateTime", "signInSessionsValidFromDateTime",
	"passwordPolicies", "ageGroup", "consentProvidedForMinor", "legalAgeGroupClassification", "creationType", "externalUserState", "externalUserStateChangeDateTime", "onPremisesSyncEnabled", "onPremisesLastSyncDateTime",
	"onPremisesImmutableId", "onPremisesDistinguishedName", "onPremisesDomainName", "onPremisesSamAccountName", "onPremisesExtensionAttributes",
}

// userAttributes are all properties of a user. The leaving date has a permission of its own; without it the others
// still stand.
func userAttributes(ctx context.Context, c *Call) (map[string]any, error) {
	u, err := c.Graph.User(ctx, c.Tenant.ID, c.User.ID, attributeNames...)
	if err != nil {
		return nil, err
	}
	leaves, unread := c.Graph.User(ctx, c.Tenant.ID, c.User.ID, "id", "employeeLeaveDateTime")
	if unread == nil {
		u.EmployeeLeaveDateTime = leaves.EmployeeLeaveDateTime
	}
	b, err := json.Marshal(withMaskedPhones(u))
	if err != nil {
		return nil, err
	}
	out := map[string]any{}
	if err := json.Unmarshal(b, &out); err != nil {
		return nil, err
	}
	if unread != nil {
		return out, &Problem{Code: "partly", Message: "employeeLeaveDateTime: " + Explain(unread), Next: "The other attributes are shown."}
	}
	return out, nil
}

func consentRows(ctx context.Context, c *Call) ([]ConsentRow, error) {
	grants, err := c.Graph.OAuth2GrantsOf(ctx, c.Tenant.ID, c.User.ID)
	if err != nil {
		return nil, err
	}
	ids := make([]string, 0, len(grants))
	for _, g := range grants {
		ids = append(ids, g.ClientID)
	}
	apps, err := c.Graph.ServicePrincipals(ctx, c.Tenant.ID, ids)
	if err != nil {
		return nil, err
	}
	out := []ConsentRow{}
	for _, g := range grants {
		out = append(out, ConsentRow{ID: g.ID, App: apps[g.ClientID].DisplayName, AppID: apps[g.ClientID].AppID, Scopes: g.Scopes()})
	}
	return out, nil
}

func userMFA(ctx context.Context, c *Call) (*UserMFA, error) {
	methods, err := c.Graph.AuthMethods(ctx, c.Tenant.ID, c.User.ID)
	if err != nil {
		return nil, err
	}
	m := &UserMFA{Methods: methodRows(methods)}
	// The two below exist in beta only; without them the methods are still worth showing.
	if state, err := c.Graph.PerUserMFAState(ctx, c.Tenant.ID, c.User.ID); err == nil {
		m.PerUserState = state
	}
	if p, err := c.Graph.SignInPreferences(ctx, c.Tenant.ID, c.User.ID); err == nil {
		m.Default = p.UserPreferredMethodForSecondaryAuthentication
	}
	return m, nil
}

func methodRows(methods []graphclient.AuthMethod) []MethodRow {
	out := []MethodRow{}
	for _, m := range methods {
		if m.Type() == "password" {
			continue
		}
		detail := m.DisplayName
		switch {
		case m.PhoneNumber != "":
			detail = m.PhoneType + " " + workflows.MaskPhone(m.PhoneNumber)
		case m.EmailAddress != "":
			detail = m.EmailAddress
		}
		out = append(out, MethodRow{ID: m.ID, Type: m.Type(), Detail: detail, Created: m.CreatedDateTime})
	}
	return out
}

// withMaskedPhones is the user with telephone numbers that can be recognised but not called.
func withMaskedPhones(u graphclient.User) graphclient.User {
	phones := make([]string, len(u.BusinessPhones))
	for i, p := range u.BusinessPhones {
		phones[i] = workflows.MaskPhone(p)
	}
	u.BusinessPhones = phones
	for _, p := range []*string{&u.MobilePhone, &u.FaxNumber} {
		if *p != "" {
			*p = workflows.MaskPhone(*p)
		}
	}
	return u
}

func mailboxSummary(ctx context.Context, c *Call, ref graphclient.MailboxRef) (*MailboxSummary, error) {
	m, err := c.Graph.Mailbox(ctx, c.Tenant.ID, ref)
	if err != nil {
		return nil, err
	}
	s := &MailboxSummary{Type: m.RecipientTypeDetails, Primary: m.PrimarySMTPAddress, KeepCopy: m.DeliverToMailboxAndForward, Hidden: m.HiddenFromAddressListsEnabled, Archive: m.HasArchive(), Forwarding: forwardingOf(m)}
	for _, a := range m.EmailAddresses {
		if rest, ok := strings.CutPrefix(a, "smtp:"); ok {
			s.Aliases = append(s.Aliases, rest)
		}
	}
	s.Holds, s.QuotaGB = holdsOf(m), quotaGB(m.ProhibitSendReceiveQuota)
	if rules, err := c.Graph.InboxRules(ctx, c.Tenant.ID, ref); err == nil {
		n := len(rules)
		s.Rules = &n
	}
	if rights, err := permissionRows(ctx, c, "mailbox"); err == nil {
		n := len(rights)
		s.Delegates = &n
	}
	if st, err := c.Graph.MailboxStatistics(ctx, c.Tenant.ID, ref); err == nil {
		gb := float64(st.TotalItemSize) / (1 << 30)
		s.SizeGB, s.Items = &gb, &st.ItemCount
	}
	if r, err := c.Graph.AutoReply(ctx, c.Tenant.ID, ref); err == nil {
		s.AutoReply = r.AutoReplyState
	}
	return s, nil
}

// forwardingOf is where a mailbox forwards to, "" when nowhere. ForwardingAddress wins over
// ForwardingSmtpAddress.
func forwardingOf(m graphclient.Mailbox) string {
	if m.ForwardingAddress != "" {
		return m.ForwardingAddress
	}
	return m.ForwardingSMTPAddress
}

func holdsOf(m graphclient.Mailbox) []string {
	var out []string
	if m.LitigationHoldEnabled {
		out = append(out, "litigation hold")
	}
	if m.RetentionHoldEnabled {
		out = append(out, "retention hold")
	}
	if m.ComplianceTagHoldApplied {
		out = append(out, "compliance tag hold")
	}
	for _, h := range m.InPlaceHolds {
		if h != "" && h[0] != '-' {
			out = append(out, "policy hold "+h)
		}
	}
	return out
}
