package tools

import (
	"context"
	"slices"
	"strings"
	"time"

	"cipp-mcp/graphclient"
)

type user = graphclient.User

// userTexts are the text fields of a user that a filter may name.
var userTexts = map[string]func(user) string{
	"id": func(u user) string { return u.ID }, "userPrincipalName": func(u user) string { return u.UserPrincipalName }, "displayName": func(u user) string { return u.DisplayName },
	"mail": func(u user) string { return u.Mail }, "department": func(u user) string { return u.Department }, "jobTitle": func(u user) string { return u.JobTitle },
	"companyName": func(u user) string { return u.CompanyName }, "officeLocation": func(u user) string { return u.OfficeLocation }, "city": func(u user) string { return u.City },
	"state": func(u user) string { return u.State }, "country": func(u user) string { return u.Country }, "usageLocation": func(u user) string { return u.UsageLocation },
	"employeeId": func(u user) string { return u.EmployeeID }, "employeeType": func(u user) string { return u.EmployeeType },
	"domain": func(u user) string { _, d, _ := strings.Cut(u.UserPrincipalName, "@"); return d },
}

// userTimes are the times of a user that a filter may name.
var userTimes = map[string]func(user) *time.Time{
	"createdDateTime": func(u user) *time.Time { return u.CreatedDateTime }, "lastPasswordChangeDateTime": func(u user) *time.Time { return u.LastPasswordChangeDateTime },
	"deletedDateTime": func(u user) *time.Time { return u.DeletedDateTime }, "employeeHireDate": func(u user) *time.Time { return u.EmployeeHireDate },
	"employeeLeaveDateTime": func(u user) *time.Time { return u.EmployeeLeaveDateTime }, "lastSignInDateTime": lastSuccess,
}

// lastSuccess is when a user last signed in, nil where Microsoft knows of none.
func lastSuccess(u user) *time.Time {
	if u.SignInActivity == nil || none(u.SignInActivity.LastSuccessfulSignInDateTime) {
		return nil
	}
	return u.SignInActivity.LastSuccessfulSignInDateTime
}

// notColumns are fields that are no property of their own at Microsoft.
var notColumns = map[string]string{"domain": "userPrincipalName", "lastSignInDateTime": "signInActivity"}

// userFields are all fields with the kind of their comparisons.
func userFields() map[string]string {
	out := map[string]string{
		"kind": "word", "userType": "word", "syncState": "word", "mailboxType": "word", "riskLevel": "word",
		"accountEnabled": "bool", "licensed": "bool", "isAdmin": "bool", "mfaRegistered": "bool", "mfaCapable": "bool", "hasManager": "bool",
		"licenses": "list", "groups": "list", "roles": "list", "methods": "list",
	}
	for f := range userTexts {
		out[f] = "text"
	}
	for f := range userTimes {
		out[f] = "time"
	}
	return out
}

// userFilter makes a sieve of a filter, and adds to the query what Microsoft has to send for it. What one report or
// list of the tenant tells is read once; no user is asked for singly.
func userFilter(ctx context.Context, c *Call, filter string, q *userLook) (func(user) bool, error) {
	if strings.TrimSpace(filter) == "" {
		return nil, nil
	}
	conditions, err := parseFilter(filter)
	if err != nil {
		return nil, err
	}
	var tests []func(user) bool
	for _, cond := range conditions {
		kind, err := cond.canonical(userFields())
		if err != nil {
			return nil, err
		}
		test, err := userTest(ctx, c, q.reg, cond, kind, q)
		if err != nil {
			return nil, err
		}
		tests = append(tests, test)
	}
	return func(u user) bool {
		return !slices.ContainsFunc(tests, func(t func(user) bool) bool { return !t(u) })
	}, nil
}

// canonical puts field and op under their own spelling and says of what kind the field is.
func (c *condition) canonical(fields map[string]string) (kind string, err error) {
	names := sortedKeys(fields)
	i := slices.IndexFunc(names, func(n string) bool { return strings.EqualFold(n, c.field) })
	if i < 0 {
		if strings.EqualFold(c.field, "perUserMfaState") {
			return "", invalid("filter: perUserMfaState stands in no list of Microsoft's, so nobody can be found by it; cipp_get_user with sections=[\"mfa\"] shows it for one user.")
		}
		return "", invalid("filter: there is no field %q; these exist: %s.", Clean(c.field, 40), strings.Join(names, ", "))
	}
	c.field = names[i]
	kind = fields[c.field]
	ops := filterOps[kind]
	i = slices.IndexFunc(ops, func(o string) bool { return strings.EqualFold(o, c.op) })
	if i < 0 {
		return "", invalid("filter: %s is compared by %s (got %q).", c.field, strings.Join(ops, ", "), Clean(c.op, 20))
	}
	c.op = ops[i]
	return kind, nil
}

func userTest(ctx context.Context, c *Call, reg *registrations, cond condition, kind string, q *userLook) (func(user) bool, error) {
	column := cond.field
	if n, ok := notColumns[column]; ok {
		column = n
	}
	switch kind {
	case "text":
		q.Select = append(q.Select, column)
		get := userTexts[cond.field]
		t, err := cond.textTest()
		return func(u user) bool { return t(get(u)) }, err
	case "time":
		q.Select = append(q.Select, column)
		get := userTimes[cond.field]
		t, err := cond.timeTest(c.Clock.Now())
		return func(u user) bool { return t(get(u)) }, err
	case "bool":
		return userBool(ctx, c, reg, cond, q)
	case "list":
		return userList(ctx, c, reg, cond)
	default:
		return userWord(ctx, c, cond, q)
	}
}

func userBool(ctx context.Context, c *Call, reg *registrations, cond condition, q *userLook) (func(user) bool, error) {
	t, err := cond.boolTest()
	if err != nil {
		return nil, err
	}
	known := func(b bool) *bool { return &b }
	switch cond.field {
	case "accountEnabled":
		return func(u user) bool { return t(u.AccountEnabled) }, nil
	case "licensed":
		return func(u user) bool { return t(known(len(u.AssignedLicenses) > 0)) }, nil
	case "hasManager":
		q.Expand = "manager($select=id)"
		return func(u user) bool { return t(known(u.Manager != nil)) }, nil
	case "isAdmin":
		admins, err := q.administrators(ctx, c)
		return func(u user) bool { return t(known(admins[strings.ToLower(u.ID)] != "")) }, err
	}
	rows, err := reg.rows(ctx)
	if err != nil {
		return nil, err
	}
	return func(u user) bool {
		d, ok := rows[u.ID]
		switch {
		case !ok:
			return t(nil) // Microsoft's report does not know the user
		case cond.field == "mfaCapable":
			return t(&d.IsMfaCapable)
		default:
			return t(&d.IsMfaRegistered)
		}
	}, nil
}

// registrations is the tenant's registration report, read when it is first needed.
type registrations struct {
	call *Call
	read map[string]graphclient.RegistrationDetail
}

func (r *registrations) rows(ctx context.Context) (map[string]graphclient.RegistrationDetail, error) {
	if r.read != nil {
		return r.read, nil
	}
	read := map[string]graphclient.RegistrationDetail{}
	for page, err := range r.call.Graph.RegistrationDetails(ctx, r.call.Tenant.ID, "") {
		if err != nil {
			return nil, err
		}
		for _, d := range page {
			read[d.ID] = d
		}
	}
	r.read = read
	return r.read, nil
}
