package graph

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"cipp-mcp/sandbox/cloud"
	"cipp-mcp/sandbox/odata"
)

const (
	userRead  = "User.ReadBasic.All User.Read.All User.ReadWrite.All Directory.Read.All Directory.ReadWrite.All"
	userRead2 = "User.Read.All User.ReadWrite.All Directory.Read.All Directory.ReadWrite.All"
	userWrite = "User.ReadWrite.All Directory.ReadWrite.All"
	userRoles = "User Administrator,Directory Writers,Privileged Authentication Administrator,Authentication Administrator,Helpdesk Administrator,Password Administrator,License Administrator"
)

var userOperations = []op{
	{verb: "GET", path: "/users", app: userRead, do: listUsers},
	{verb: "GET", path: "/users/$count", app: userRead, do: countUsers},
	{verb: "POST", path: "/users", app: userWrite, roles: "User Administrator,Directory Writers", do: createUser},
	{verb: "GET", path: "/users/delta", app: userRead2, do: deltaUsers},
	{verb: "GET", path: "/users/{id}", app: userRead, do: getUser},
	{verb: "PATCH", path: "/users/{id}", app: userWrite + " User-PasswordProfile.ReadWrite.All User.EnableDisableAccount.All User-Phone.ReadWrite.All User-Mail.ReadWrite.All User.ManageIdentities.All User-LifeCycleInfo.ReadWrite.All",
		roles: userRoles, do: updateUser},
	{verb: "DELETE", path: "/users/{id}", app: "User.DeleteRestore.All " + userWrite, roles: "User Administrator,Privileged Authentication Administrator", do: deleteUser},
}

// defaults is the properties a type shows without $select, where that is not everything.
var defaults = map[string][]string{
	"user": {"businessPhones", "displayName", "givenName", "jobTitle", "mail", "mobilePhone", "officeLocation", "preferredLanguage",
		"surname", "userPrincipalName", "id"},
	"group": {"id", "deletedDateTime", "classification", "createdDateTime", "description", "displayName", "expirationDateTime",
		"groupTypes", "isAssignableToRole", "mail", "mailEnabled", "mailNickname", "membershipRule", "membershipRuleProcessingState",
		"onPremisesLastSyncDateTime", "onPremisesSecurityIdentifier", "onPremisesSyncEnabled", "preferredDataLocation",
		"preferredLanguage", "proxyAddresses", "renewedDateTime", "resourceBehaviorOptions", "resourceProvisioningOptions",
		"securityEnabled", "theme", "visibility", "onPremisesProvisioningErrors"},
}

// user is the user a path names by object id or user principal name.
func (c *call) user(key string) (cloud.Object, error) {
	if o := c.t.SeenUser(key); o != nil {
		return o, nil
	}
	return nil, notFound(key)
}

// target is the user a write is aimed at: the stored object, not an older view of it.
func (c *call) target(key string) (cloud.Object, error) {
	o := c.t.User(key)
	if o == nil || c.t.Seen(o) == nil {
		return nil, notFound(key)
	}
	return o, nil
}

func moment(s string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

func (c *call) users() listing {
	return listing{set: "users", typ: "user", rows: c.t.SeenUsers(), byDefault: defaults["user"], page: 100, max: 999, directory: true,
		expand: c.expandUser, expands: []string{"manager", "extensions", "memberOf", "directReports", "ownedObjects", "registeredDevices", "ownedDevices", "transitiveMemberOf"}}
}

func listUsers(c *call) error {
	l := c.users()
	selected, err := c.selected("user")
	if err != nil {
		return err
	}
	for _, name := range selected {
		if slices.Contains(singleOnly, name) {
			return notImplemented()
		}
	}
	if slices.Contains(selected, "signInActivity") || strings.Contains(strings.ToLower(c.q.Filter), "signinactivity") {
		if err := c.mayReadActivity(); err != nil {
			return err
		}
		if c.q.Top > 999 {
			return badRequest("Invalid page size specified: '%d'. Must be between 1 and 999 inclusive.", c.q.Top)
		}
		l.max, l.clamp = 500, true
	}
	return c.list(l)
}

// mayReadActivity: signInActivity takes a premium tenant and AuditLog.Read.All.
func (c *call) mayReadActivity() error {
	if !c.t.Premium() {
		return notPremium()
	}
	if !c.has("AuditLog.Read.All") {
		return denied()
	}
	return nil
}

func countUsers(c *call) error { return c.count(c.users()) }

func getUser(c *call) error {
	o, err := c.user(c.args[0])
	if err != nil {
		return err
	}
	selected, err := c.selected("user")
	if err != nil {
		return err
	}
	if slices.Contains(selected, "signInActivity") {
		if !cloud.IsGUID(c.args[0]) {
			return badRequest("Get By Key only supports UserId and the key has to be a valid Guid")
		}
		if err := c.mayReadActivity(); err != nil {
			return err
		}
	}
	if slices.Contains(selected, "mailboxSettings") && !c.has("MailboxSettings.Read", "MailboxSettings.ReadWrite") {
		return refused(http.StatusForbidden, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
	}
	expand, err := odata.ParseExpand(c.q.Expand, c.m, "user")
	if err != nil {
		return err
	}
	if err := c.judge(listing{expands: c.users().expands}, nil, nil, expand); err != nil {
		return err
	}
	if slices.Contains(selected, "mailboxSettings") {
		s, err := c.settingsOf(o)
		if err != nil {
			return err
		}
		o = merged(o, cloud.Object{"mailboxSettings": s})
	}
	fields := c.shape("user", selected, defaults["user"])
	if len(expand) > 0 {
		if o, fields, err = c.expanded(c.users(), o, fields, expand); err != nil {
			return err
		}
	}
	head := c.context(fragment("users", selected) + "/$entity")
	if c.meta == "full" {
		head += typed("user") + ","
	}
	c.out = appendObject(nil, o, fields, strings.TrimSuffix(head, ","))
	return nil
}

func merged(o, more cloud.Object) cloud.Object {
	out := make(cloud.Object, len(o)+len(more))
	for k, v := range o {
		out[k] = v
	}
	for k, v := range more {
		out[k] = v
	}
	return out
}

// expandUser answers one expanded navigation property of a user, at most 20 members.
func (c *call) expandUser(o cloud.Object, e odata.Expand) (any, error) {
	selected, err := odata.ParseSelect(e.Query.Select, c.m, "user")
	if err != nil {
		return nil, err
	}
	id := cloud.Str(o, "id")
	show := func(list []cloud.Object) (any, error) {
		out := []any{}
		for _, x := range list[:min(len(list), 20)] {
			typ := typeOf(x)
			out = append(out, raw(appendObject(nil, x, c.shape(typ, selected, defaults[typ]), typed(typ))))
		}
		return out, nil
	}
	switch e.Property {
	case "manager":
		m := c.t.Seen(c.t.User(cloud.Str(o, "manager")))
		if m == nil {
			return nil, nil
		}
		return c.managerChain(m, selected, e, 0), nil
	case "memberOf":
		return show(c.memberships(id))
	case "transitiveMemberOf":
		return show(c.transitiveMemberships(id))
	case "directReports":
		return show(c.reports(id))
	case "ownedObjects":
		return show(c.owned(id))
	case "registeredDevices":
		return show(c.devicesOf(id, "registeredUsers"))
	case "ownedDevices":
		return show(c.devicesOf(id, "registeredOwners"))
	}
	return []any{}, nil
}

func (c *call) managerChain(m cloud.Object, selected []string, e odata.Expand, depth int) raw {
	fields := c.shape("user", selected, defaults["user"])
	up := c.t.Seen(c.t.User(cloud.Str(m, "manager")))
	if e.Levels != "" && e.Levels != "1" && up != nil && depth < 50 {
		m = merged(m, cloud.Object{"manager": c.managerChain(up, selected, e, depth+1)})
		fields = append(fields, field{name: "manager", key: `"manager":`, empty: "null", must: true})
	}
	return raw(appendObject(nil, m, fields, typed("user")))
}
