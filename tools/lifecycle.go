package tools

import (
	"context"
	"slices"
	"strings"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
	"cipp-mcp/internal/policy"
	"cipp-mcp/workflows"
)

// target is the call's user as workflows take it.
func (c *Call) target() workflows.Target {
	t := workflows.Target{Graph: c.Graph, Clock: c.Clock, Tenant: c.Tenant}
	if c.User != nil {
		t.User = *c.User
	}
	return t
}

// CreateUserIn are the arguments of cipp_create_user.
type CreateUserIn struct {
	TenantArg
	DisplayName       string `json:"displayName" jsonschema:"maxLength=256" jsonschema_description:"Full name."`
	UserPrincipalName string `json:"userPrincipalName" jsonschema:"maxLength=113" jsonschema_description:"Sign-in name, in a verified domain."`
	MailNickname      string `json:"mailNickname" jsonschema:"maxLength=64" jsonschema_description:"Mail alias, without domain."`
	Password          string `json:"password,omitempty" jsonschema:"maxLength=256" jsonschema_description:"Leave it out: one is generated and sealed for the operator."`
	FirstName         string `json:"firstName,omitempty" jsonschema:"maxLength=64" jsonschema_description:"Given name."`
	LastName          string `json:"lastName,omitempty" jsonschema:"maxLength=64" jsonschema_description:"Surname."`
	JobTitle          string `json:"jobTitle,omitempty" jsonschema:"maxLength=128" jsonschema_description:"Job title."`
	Department        string `json:"department,omitempty" jsonschema:"maxLength=64" jsonschema_description:"Department."`
	UsageLocation     string `json:"usageLocation,omitempty" jsonschema:"maxLength=2" jsonschema_description:"ISO 3166 country; licences need it."`
	RunAtArg
	WriteArgs
}

var createUser = Write(Tool{
	Name: "cipp_create_user", Title: "Create a user", Toolset: "lifecycle", Risk: policy.Write, MayDestroy: true,
	Description: "Creates a user in one tenant. Without password a strong one is generated and kept for the operator; it never appears in a result. To change a user use cipp_edit_user.",
	Aliases:     with(tenantAliases, map[string]string{"givenName": "firstName", "surname": "lastName", "upn": "userPrincipalName", "newPassword": "password"}),
	Needs:       Needs{App: []string{"User.ReadWrite.All", "Domain.Read.All"}, GDAPRoles: []string{"User Administrator"}},
	Example:     `{"tenantFilter":"contoso.onmicrosoft.com","displayName":"Nia Reyes","userPrincipalName":"nia@contoso.onmicrosoft.com","mailNickname":"nia","usageLocation":"DE","dryRun":true}`,
}, func(_ context.Context, c *Call, in CreateUserIn) (Work, error) {
	if !strings.Contains(in.UserPrincipalName, "@") {
		return Work{}, invalid("userPrincipalName must be name@domain (got %q).", in.UserPrincipalName)
	}
	if strings.ContainsAny(in.MailNickname, `@()\[]";:<>, `) {
		return Work{}, invalid("mailNickname must have no domain, spaces or any of @()\\[]\";:<>, (got %q).", in.MailNickname)
	}
	if in.UsageLocation == "" {
		in.UsageLocation = c.Policy.UsageLocation(c.Tenant.DefaultDomain)
	}
	w, err := c.withPassword(in.Password)
	if err != nil {
		return w, err
	}
	u := graphclient.NewUser{
		AccountEnabled: true, DisplayName: in.DisplayName, MailNickname: in.MailNickname, UserPrincipalName: in.UserPrincipalName,
		GivenName: in.FirstName, Surname: in.LastName, JobTitle: in.JobTitle, Department: in.Department, UsageLocation: strings.ToUpper(in.UsageLocation),
		PasswordProfile: graphclient.PasswordProfile{ForceChangePasswordNextSignIn: true},
	}
	w.Steps = []jobs.Step{workflows.CreateUser(c.target(), c.sealer(), u, in.Password)}
	return w, nil
})

// EditUserIn are the arguments of cipp_edit_user.
type EditUserIn struct {
	TenantArg
	UserArg
	DisplayName       *string  `json:"displayName,omitempty" jsonschema:"maxLength=256"`
	FirstName         *string  `json:"firstName,omitempty" jsonschema:"maxLength=64"`
	LastName          *string  `json:"lastName,omitempty" jsonschema:"maxLength=64"`
	JobTitle          *string  `json:"jobTitle,omitempty" jsonschema:"maxLength=128"`
	Department        *string  `json:"department,omitempty" jsonschema:"maxLength=64"`
	CompanyName       *string  `json:"companyName,omitempty" jsonschema:"maxLength=64"`
	OfficeLocation    *string  `json:"officeLocation,omitempty" jsonschema:"maxLength=128"`
	StreetAddress     *string  `json:"streetAddress,omitempty" jsonschema:"maxLength=1024"`
	City              *string  `json:"city,omitempty" jsonschema:"maxLength=128"`
	State             *string  `json:"state,omitempty" jsonschema:"maxLength=128"`
	PostalCode        *string  `json:"postalCode,omitempty" jsonschema:"maxLength=40"`
	Country           *string  `json:"country,omitempty" jsonschema:"maxLength=128"`
	MobilePhone       *string  `json:"mobilePhone,omitempty" jsonschema:"maxLength=64"`
	BusinessPhone     *string  `json:"businessPhone,omitempty" jsonschema:"maxLength=64"`
	EmployeeID        *string  `json:"employeeId,omitempty" jsonschema:"maxLength=16"`
	UsageLocation     *string  `json:"usageLocation,omitempty" jsonschema:"maxLength=2" jsonschema_description:"ISO 3166 country."`
	UserPrincipalName *string  `json:"newUserPrincipalName,omitempty" jsonschema:"maxLength=113" jsonschema_description:"New sign-in name."`
	Manager           *string  `json:"managerId,omitempty" jsonschema_description:"Manager's user principal name or id."`
	Clear             []string `json:"clear,omitempty" jsonschema:"maxItems=15" jsonschema_description:"Properties to empty, by name."`
	WriteArgs
}

// graphNames are Microsoft's names of the arguments that differ from them.
var graphNames = map[string]string{"firstName": "givenName", "lastName": "surname"}

// clearable are the properties Microsoft lets be emptied.
var clearable = []string{"firstName", "lastName", "jobTitle", "department", "companyName", "officeLocation", "streetAddress", "city", "state", "postalCode", "country", "mobilePhone", "businessPhone", "employeeId"}

var editUser = Write(Tool{
	Name: "cipp_edit_user", Title: "Edit a user", Toolset: "lifecycle", Risk: policy.Write, MayDestroy: true, Idempotent: true,
	Description: "Changes the named properties of a user and no others. Sign-in is blocked with cipp_disable_user, a password set with cipp_reset_password.",
	Aliases:     with(userAliases, map[string]string{"userPrincipalName": "userId", "givenName": "firstName", "surname": "lastName", "businessPhones": "businessPhone", "manager": "managerId"}),
	Needs:       Needs{App: []string{"User.ReadWrite.All", "Domain.Read.All"}, GDAPRoles: []string{"User Administrator"}},
	Example:     `{"tenantFilter":"contoso.onmicrosoft.com","userId":"anna@contoso.com","jobTitle":"Head of Sales","dryRun":true}`,
}, func(ctx context.Context, c *Call, in EditUserIn) (Work, error) {
	patch := map[string]any{}
	for name, v := range map[string]*string{
		"displayName": in.DisplayName, "givenName": in.FirstName, "surname": in.LastName, "jobTitle": in.JobTitle, "department": in.Department, "companyName": in.CompanyName,
		"officeLocation": in.OfficeLocation, "streetAddress": in.StreetAddress, "city": in.City, "state": in.State, "postalCode": in.PostalCode, "country": in.Country,
		"mobilePhone": in.MobilePhone, "employeeId": in.EmployeeID, "userPrincipalName": in.UserPrincipalName,
	} {
		if v == nil {
			continue
		}
		if strings.TrimSpace(*v) == "" {
			return Work{}, invalid("%s must not be empty text; to empty a property name it in clear.", name)
		}
		patch[name] = *v
	}
	if in.UsageLocation != nil {
		patch["usageLocation"] = strings.ToUpper(*in.UsageLocation)
	}
	if in.BusinessPhone != nil {
		patch["businessPhones"] = []string{*in.BusinessPhone}
	}
	for _, name := range in.Clear {
		if !slices.Contains(clearable, name) {
			return Work{}, invalid("clear: %q cannot be emptied; these can: %s.", Clean(name, 40), strings.Join(clearable, ", "))
		}
		switch g := graphNames[name]; {
		case name == "businessPhone":
			patch["businessPhones"] = []string{}
		case g != "":
			patch[g] = nil
		default:
			patch[name] = nil
		}
	}
	var w Work
	if len(patch) > 0 {
		w.Steps = append(w.Steps, workflows.EditUser(c.target(), patch))
	}
	if in.Manager != nil {
		m, err := c.Graph.User(ctx, c.Tenant.ID, *in.Manager, "id", "userPrincipalName", "displayName")
		if err != nil {
			if graphclient.KindOf(err) == graphclient.NotFound {
				return w, invalid("managerId: there is no user %q in %s.", Clean(*in.Manager, 120), c.Tenant.DefaultDomain)
			}
			return w, err
		}
		w.Steps = append(w.Steps, workflows.SetManager(c.target(), m))
	}
	if len(w.Steps) == 0 {
		return w, invalid("Name at least one property to change.")
	}
	if in.UserPrincipalName != nil || in.MobilePhone != nil {
		w.Risk = policy.Destructive // the sign-in name, or a contact that recovery may use
	}
	return w, nil
})

// UserWriteIn are the arguments of writes that take nothing but the user.
type UserWriteIn struct {
	TenantArg
	UserArg
	WriteArgs
}

var signInNeeds = Needs{App: []string{"User.EnableDisableAccount.All", "User.Read.All"}, AppRoles: []string{"User Administrator"}, GDAPRoles: []string{"User Administrator"}}

// LaterUserIn are the arguments of writes that take the user and are often wanted for later.
type LaterUserIn struct {
	TenantArg
	UserArg
	RunAtArg
	WriteArgs
}

// DisableUserIn are the arguments of cipp_disable_user.
type DisableUserIn struct {
	TenantArg
	UserArg
	RevokeSessions bool `json:"revokeSessions,omitempty" jsonschema_description:"Also end open sessions."`
	RunAtArg
	WriteArgs
}

var disableUser = Write(Tool{
	Name: "cipp_disable_user", Title: "Block sign-in", Toolset: "lifecycle", Risk: policy.Destructive, Idempotent: true, Aliases: userAliases, Needs: signInNeeds,
	Description: "Blocks a user's sign-in; sessions that are open go on unless revokeSessions is true. For a leaver use cipp_offboard_user, for a suspicion cipp_bec_check first.",
	Example:     `{"tenantFilter":"contoso.onmicrosoft.com","userId":"anna@contoso.com","dryRun":true}`,
}, func(_ context.Context, c *Call, in DisableUserIn) (Work, error) {
	w := Work{Steps: []jobs.Step{workflows.SetSignIn(c.target(), false)}}
	if in.RevokeSessions {
		w.Steps = append(w.Steps, workflows.RevokeSessions(c.target()))
	} else {
		w.Warnings = []string{"open sessions go on; revokeSessions=true ends them too"}
	}
	return w, nil
})

var enableUser = Write(Tool{
	Name: "cipp_enable_user", Title: "Allow sign-in", Toolset: "lifecycle", Extra: true, Risk: policy.Destructive, Idempotent: true, Aliases: userAliases, Needs: signInNeeds,
	Description: "Allows a blocked user to sign in again. It does not restore deleted users, licences or groups.",
	Example:     `{"tenantFilter":"contoso.onmicrosoft.com","userId":"anna@contoso.com","dryRun":true}`,
}, func(_ context.Context, c *Call, _ LaterUserIn) (Work, error) {
	return Work{Steps: []jobs.Step{workflows.SetSignIn(c.target(), true)}}, nil
})
