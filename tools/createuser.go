package tools

import (
	"context"
	"slices"
	"strings"

	"github.com/google/uuid"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
	"cipp-mcp/internal/policy"
	"cipp-mcp/workflows"
)

// CreateUserIn are the arguments of cipp_create_user.
type CreateUserIn struct {
	TenantArg
	DisplayName       string `json:"displayName" jsonschema:"maxLength=256"`
	UserPrincipalName string `json:"userPrincipalName,omitempty" jsonschema_description:"Or mailNickname, primDomain."`
	MailNickname      string `json:"mailNickname,omitempty"`
	PrimDomain        string `json:"primDomain,omitempty"`
	Password          string `json:"password,omitempty" jsonschema:"maxLength=256" jsonschema_description:"Better left out."`
	MustChange        *bool  `json:"mustChangePassword,omitempty" quiet:"true"`
	PersonArgs
	Manager              string   `json:"managerId,omitempty"`
	Licenses             []string `json:"licenses,omitempty" jsonschema:"maxItems=20"`
	RequestIfUnavailable bool     `json:"requestIfUnavailable,omitempty" quiet:"true"`
	Aliases              []string `json:"aliases,omitempty" jsonschema:"maxItems=30"`
	Groups               []string `json:"groups,omitempty" jsonschema:"maxItems=30"`
	CopyGroupsFrom       string   `json:"copyGroupsFrom,omitempty"`
	Profile              string   `json:"profile,omitempty"`
	RunAtArg
	WriteArgs
}

var createUser = Write(Tool{
	Name: "cipp_create_user", Title: "Create a user", Toolset: "lifecycle", Risk: policy.Write, MayDestroy: true,
	Description: "Creates a user with licences, aliases, manager and groups. Without password one is generated and sealed; it never appears in a result. To change a user use cipp_edit_user.",
	Aliases: with(tenantAliases, map[string]string{"givenName": "firstName", "surname": "lastName", "upn": "userPrincipalName", "email": "userPrincipalName", "emailAddress": "userPrincipalName", "newPassword": "password", "username": "mailNickname", "domain": "primDomain",
		"MustChangePass": "mustChangePassword", "addedAliasses": "aliases", "addedAliases": "aliases", "businessPhones": "businessPhone", "setManager": "managerId", "manager": "managerId", "copyFrom": "copyGroupsFrom", "name": "displayName", "title": "jobTitle", "office": "officeLocation", "mobile": "mobilePhone", "company": "companyName", "street": "streetAddress", "zip": "postalCode", "fax": "faxNumber", "AddToGroups": "groups", "template": "profile",
		"alternateEmail": "otherMails", "defaultAttributes": "attributes", "addLicenseSkuIds": "licenses"}),
	Needs: Needs{App: []string{"User.ReadWrite.All", "Domain.Read.All", "LicenseAssignment.ReadWrite.All", "GroupMember.ReadWrite.All", "User-LifeCycleInfo.ReadWrite.All", "Exchange.ManageAsApp"}, AppRoles: []string{"Exchange Administrator"},
		GDAPRoles: []string{"User Administrator", "License Administrator", "Groups Administrator", "Exchange Administrator"}},
	Example: `{"tenantFilter":"contoso.onmicrosoft.com","displayName":"Nia Reyes","userPrincipalName":"nia@contoso.onmicrosoft.com","mailNickname":"nia","usageLocation":"DE","dryRun":true}`,
}, func(ctx context.Context, c *Call, in CreateUserIn) (Work, error) {
	w, err := c.withPassword(in.Password)
	if err != nil {
		return w, err
	}
	if err := in.name(); err != nil {
		return w, err
	}
	props, err := in.patch(in)
	if err != nil {
		return w, err
	}
	p := workflows.NewPerson{User: graphclient.NewUser{AccountEnabled: true, DisplayName: in.DisplayName, MailNickname: in.MailNickname, UserPrincipalName: in.UserPrincipalName,
		PasswordProfile: graphclient.PasswordProfile{ForceChangePasswordNextSignIn: in.MustChange == nil || *in.MustChange}}, Password: in.Password}
	if p.User.UsageLocation, _ = props["usageLocation"].(string); p.User.UsageLocation == "" {
		p.User.UsageLocation = strings.ToUpper(c.Policy.UsageLocation(c.Tenant.DefaultDomain))
	}
	delete(props, "usageLocation")
	delete(props, "displayName")
	if at, ok := props["employeeLeaveDateTime"]; ok {
		p.Later = map[string]any{"employeeLeaveDateTime": at}
		delete(props, "employeeLeaveDateTime")
	}
	p.User.Properties = props
	if err := c.belongings(ctx, in, &p); err != nil {
		return w, err
	}
	if len(p.Groups) > 0 {
		w.Risk = policy.Destructive // what a group lets in is more than a place on a list
	}
	w.Warnings = append(w.Warnings, p.Skipped...)
	if w.Steps, err = workflows.CreatePerson(ctx, c.target(), c.Run, c.sealer(), p); err != nil || in.Profile == "" {
		return w, err
	}
	profile, err := c.profile(in.Profile)
	if err != nil {
		return w, err
	}
	w.Risk = policy.Destructive
	w.Steps = append(w.Steps, c.applyLater(in.Profile, profile, "add", w.Steps))
	return w, nil
})

// signInName is the name a row of a bulk takes for itself.
func (in CreateUserIn) signInName(string) string {
	if in.name() != nil {
		return ""
	}
	return in.UserPrincipalName
}

// name makes of mailNickname, primDomain and userPrincipalName what is missing of them.
func (in *CreateUserIn) name() error {
	in.UserPrincipalName, in.MailNickname, in.PrimDomain = strings.TrimSpace(in.UserPrincipalName), strings.TrimSpace(in.MailNickname), strings.TrimPrefix(strings.TrimSpace(in.PrimDomain), "@")
	local, domain, ok := strings.Cut(in.UserPrincipalName, "@")
	switch {
	case in.UserPrincipalName == "" && (in.MailNickname == "" || in.PrimDomain == ""):
		return invalid("Give userPrincipalName, or mailNickname and primDomain, of which it is made.")
	case in.UserPrincipalName == "":
		in.UserPrincipalName = in.MailNickname + "@" + in.PrimDomain
	case !ok || local == "" || domain == "" || len(in.UserPrincipalName) > 113:
		return invalid("userPrincipalName must be name@domain (got %q).", Clean(in.UserPrincipalName, 120))
	case in.PrimDomain != "" && !strings.EqualFold(in.PrimDomain, domain):
		return invalid("primDomain is %q and userPrincipalName is of %q; give one of the two.", Clean(in.PrimDomain, 80), Clean(domain, 80))
	case in.MailNickname == "":
		in.MailNickname = local
	}
	if strings.ContainsAny(in.MailNickname, `@()\[]";:<>, `) || len(in.MailNickname) > 64 {
		return invalid("mailNickname must have at most 64 characters, and no domain, spaces or any of @()\\[]\";:<>, (got %q).", Clean(in.MailNickname, 80))
	}
	return nil
}

// belongings finds what goes with a new user: manager, licences, aliases and groups.
func (c *Call) belongings(ctx context.Context, in CreateUserIn, p *workflows.NewPerson) error {
	if in.Manager != "" {
		m, err := jobs.Found(ctx, c.Run, "manager", func(ctx context.Context) (graphclient.User, error) { return c.userNamed(ctx, "managerId", in.Manager) })
		if err != nil {
			return err
		}
		p.Manager = &m
	}
	_, domain, _ := strings.Cut(in.UserPrincipalName, "@")
	for _, a := range in.Aliases {
		if a = strings.TrimSpace(a); a == "" || strings.Count(a, "@") > 1 || strings.ContainsAny(a, " <>,;:") {
			return invalid("aliases: %q is no address.", Clean(a, 80))
		}
		if !strings.Contains(a, "@") {
			a += "@" + domain
		}
		if !strings.EqualFold(a, in.UserPrincipalName) {
			p.Aliases = append(p.Aliases, a)
		}
	}
	if len(in.Licenses) > 0 {
		skus, err := c.skusFound(ctx)
		if err != nil {
			return err
		}
		ch, err := c.licenceChange("licenses", skus, in.Licenses, nil, nil)
		if err != nil {
			return err
		}
		if in.RequestIfUnavailable {
			t := c.target()
			t.User.UserPrincipalName = in.UserPrincipalName
			if p.Requests, err = c.licenceRequests(ctx, t, skus, &ch); err != nil {
				return err
			}
		}
		p.Licences = &ch
	}
	var err error
	if p.Groups, err = c.groupsNamed(ctx, "groups", in.Groups); err != nil || in.CopyGroupsFrom == "" {
		return err
	}
	from, err := jobs.Found(ctx, c.Run, "copyGroupsFrom", func(ctx context.Context) (graphclient.User, error) {
		return c.userNamed(ctx, "copyGroupsFrom", in.CopyGroupsFrom)
	})
	if err != nil {
		return err
	}
	more, skipped, err := workflows.CopyGroups(ctx, c.target(), c.Run, from)
	for _, g := range more {
		if !slices.ContainsFunc(p.Groups, func(x graphclient.Group) bool { return x.ID == g.ID }) {
			p.Groups = append(p.Groups, g)
		}
	}
	p.Skipped = skipped
	return err
}

// groupsNamed are the groups an argument names by id, name or address, found once in the run's life.
func (c *Call) groupsNamed(ctx context.Context, argument string, names []string) ([]graphclient.Group, error) {
	return jobs.Found(ctx, c.Run, "named/"+argument, func(ctx context.Context) ([]graphclient.Group, error) {
		var out []graphclient.Group
		for _, n := range names {
			g, err := c.groupNamed(ctx, argument, n)
			if err != nil {
				return nil, err
			}
			if !slices.ContainsFunc(out, func(x graphclient.Group) bool { return x.ID == g.ID }) {
				out = append(out, g)
			}
		}
		return out, nil
	})
}

func (c *Call) groupNamed(ctx context.Context, argument, name string) (graphclient.Group, error) {
	if uuid.Validate(name) == nil {
		g, err := c.Graph.Group(ctx, c.Tenant.ID, name)
		if graphclient.KindOf(err) == graphclient.NotFound {
			return g, invalid("%s: there is no group %s in %s.", argument, name, c.Tenant.DefaultDomain)
		}
		return g, err
	}
	found, err := c.Graph.GroupsNamed(ctx, c.Tenant.ID, name)
	switch {
	case err != nil:
		return graphclient.Group{}, err
	case len(found) == 0:
		hint := ""
		if near, err := c.Graph.GroupsNear(ctx, c.Tenant.ID, name); err == nil && len(near) > 0 {
			var names []string
			for _, g := range near {
				names = append(names, q(g.DisplayName))
			}
			hint = "; near it: " + strings.Join(names, ", ")
		}
		return graphclient.Group{}, invalid("%s: there is no group %q in %s%s.", argument, Clean(name, 120), c.Tenant.DefaultDomain, hint)
	case len(found) > 1:
		return graphclient.Group{}, invalid("%s: several groups are called %q; name one by its id.", argument, Clean(name, 120))
	}
	return found[0], nil
}
