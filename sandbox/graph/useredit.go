package graph

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"cipp-mcp/sandbox/cloud"
)

var userReadOnly = []string{"id", "deletedDateTime", "proxyAddresses", "assignedLicenses", "assignedPlans", "provisionedPlans",
	"licenseAssignmentStates", "imAddresses", "createdDateTime", "creationType", "externalUserState", "externalUserStateChangeDateTime",
	"onPremisesSyncEnabled", "onPremisesLastSyncDateTime", "onPremisesDistinguishedName", "onPremisesDomainName",
	"onPremisesSamAccountName", "onPremisesUserPrincipalName", "onPremisesSecurityIdentifier", "onPremisesProvisioningErrors",
	"legalAgeGroupClassification", "lastPasswordChangeDateTime", "signInSessionsValidFromDateTime", "signInActivity", "securityIdentifier",
	"mailboxSettings", "serviceProvisioningErrors", "isResourceAccount", "authorizationInfo", "deviceEnrollmentLimit"}

var userLengths = map[string]int{"displayName": 256, "givenName": 64, "surname": 64, "mailNickname": 64, "department": 64, "companyName": 64,
	"mobilePhone": 64, "jobTitle": 128, "city": 128, "country": 128, "state": 128, "officeLocation": 128, "postalCode": 40, "streetAddress": 1024, "employeeId": 16}

// profileOnly is stored in SharePoint: each goes in a request of its own, and not with application permissions.
var profileOnly = []string{"aboutMe", "birthday", "interests", "mySite", "pastProjects", "responsibilities", "schools", "skills"}

// cloudManaged is what may be written of a user whose master is on-premises.
var cloudManaged = []string{"accountEnabled", "usageLocation", "passwordPolicies", "otherMails", "ageGroup", "consentProvidedForMinor",
	"preferredDataLocation", "passwordProfile"}

const domainRefusal = "The domain portion of the userPrincipalName property is invalid. You must use one of the verified domain names in your organization."

// createUser is POST /users.
// https://learn.microsoft.com/graph/api/user-post-users
func createUser(c *call) error {
	o, binds, err := c.body(rules{resource: "User", typ: "user", readOnly: userReadOnly, lengths: userLengths,
		required: []string{"accountEnabled", "displayName", "mailNickname", "userPrincipalName", "passwordProfile"}, bind: []string{"manager"}})
	if err != nil {
		return err
	}
	if err := c.judgeUser(o, nil); err != nil {
		return err
	}
	profile := cloud.Child(o, "passwordProfile")
	if profile["password"] == nil {
		return badRequest("A password must be specified to create a new user.")
	}
	upn := cloud.Str(o, "userPrincipalName")
	if d := c.t.Domain(upn[strings.LastIndexByte(upn, '@')+1:]); cloud.Str(d, "authenticationType") == "Federated" && o["onPremisesImmutableId"] == nil {
		return badRequest("Property 'onPremisesImmutableId' is required for users of a federated domain.")
	}
	now := cloud.Stamp(c.t.Now())
	o["id"] = c.t.NewID()
	o["createdDateTime"], o["lastPasswordChangeDateTime"], o["signInSessionsValidFromDateTime"] = now, now, now
	if o["userType"] == nil {
		o["userType"] = "Member"
	}
	o["identities"] = []any{cloud.Object{"signInType": "userPrincipalName", "issuer": c.t.InitialDomain(), "issuerAssignedId": upn}}
	forgetPassword(o)
	o["authentication"] = cloud.Object{"methods": []any{cloud.Object{"@odata.type": "#microsoft.graph.passwordAuthenticationMethod",
		"id": passwordMethod, "createdDateTime": now}}, "requirements": cloud.Object{"perUserMfaState": "disabled"}, "signInPreferences": cloud.Object{}}
	if m := binds["manager"]; len(m) == 1 {
		if c.t.User(m[0]) == nil {
			return notFound(m[0])
		}
		o["manager"] = cloud.Str(c.t.User(m[0]), "id")
	}
	c.t.AddUser(o)
	id := cloud.Str(o, "id")
	c.wrote(id, nil)
	c.t.Note(id)
	c.audit("UserManagement", "Add user", "Add", o, "User")
	c.status = http.StatusCreated
	c.header.Set("Location", c.base+"/users/"+id)
	return c.entity("users", "user", o, defaults["user"])
}

// judgeUser refuses values a user cannot have; have is the user that is changed, nil for a new one.
func (c *call) judgeUser(o, have cloud.Object) error {
	for _, name := range profileOnly {
		if _, given := o[name]; given {
			if c.p.AppOnly {
				return denied()
			}
			if len(o) > 1 {
				return badRequest("The property '%s' must be updated in a request of its own.", name)
			}
		}
	}
	if o["employeeHireDate"] != nil && c.p.AppOnly {
		return denied()
	}
	if o["employeeLeaveDateTime"] != nil && (!c.has("User-LifeCycleInfo.ReadWrite.All") || !c.p.AppOnly && !c.role()) {
		return denied()
	}
	if o["identities"] != nil && !c.has("User.ManageIdentities.All") {
		return denied()
	}
	if upn, given := o["userPrincipalName"]; given {
		if err := c.judgeUPN(upn, have); err != nil {
			return err
		}
	}
	if nick := cloud.Str(o, "mailNickname"); strings.ContainsAny(nick, `@()\[]";:<>, `) || !ascii(nick) {
		return invalidValue("mailNickname", "User")
	}
	if loc, given := o["usageLocation"]; given {
		s, _ := loc.(string)
		if len(s) != 2 || strings.ToUpper(s) != s || !letters(s) {
			return invalidValue("usageLocation", "User")
		}
	}
	if len(cloud.List(o, "businessPhones")) > 1 {
		return invalidValue("businessPhones", "User")
	}
	if m := cloud.Strings(o, "otherMails"); len(m) > 250 || slices.ContainsFunc(m, func(s string) bool { return len(s) > 250 || !strings.Contains(s, "@") }) {
		return invalidValue("otherMails", "User")
	}
	for name, allowed := range map[string]string{"ageGroup": "Minor NotAdult Adult", "consentProvidedForMinor": "Granted Denied NotRequired", "userType": "Member Guest"} {
		if s := cloud.Str(o, name); s != "" && !slices.Contains(strings.Fields(allowed), s) {
			return invalidValue(name, "User")
		}
	}
	for _, p := range strings.Split(cloud.Str(o, "passwordPolicies"), ",") {
		if p = strings.TrimSpace(p); p != "" && p != "None" && p != "DisablePasswordExpiration" && p != "DisableStrongPassword" {
			return invalidValue("passwordPolicies", "User")
		}
	}
	if s := cloud.Str(o, "onPremisesImmutableId"); strings.ContainsAny(s, "$_") {
		return invalidValue("onPremisesImmutableId", "User")
	}
	if profile := cloud.Child(o, "passwordProfile"); profile["password"] != nil {
		policies := cloud.Str(o, "passwordPolicies") + cloud.Str(have, "passwordPolicies")
		if !strong(cloud.Str(profile, "password"), strings.Contains(policies, "DisableStrongPassword")) {
			return badRequest("The specified password does not comply with password complexity requirements. Please provide a different password.")
		}
	}
	if mail, given := o["mail"]; given {
		if s, _ := mail.(string); !strings.Contains(s, "@") || have != nil && c.t.MailboxOf(have) != nil {
			return invalidValue("mail", "User")
		}
	}
	return nil
}

func (c *call) judgeUPN(v any, have cloud.Object) error {
	upn, _ := v.(string)
	at := strings.LastIndexByte(upn, '@')
	const allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'.-_!#^~"
	if at < 1 || strings.ContainsFunc(upn[:at], func(r rune) bool { return !strings.ContainsRune(allowed, r) }) {
		return invalidValue("userPrincipalName", "User")
	}
	if d := c.t.Domain(upn[at+1:]); !cloud.Bool(d, "isVerified") {
		return badRequest(domainRefusal)
	}
	for _, o := range c.t.HoldersOf(upn) {
		if have != nil && cloud.Str(o, "id") == cloud.Str(have, "id") {
			continue
		}
		if strings.EqualFold(cloud.DeletedUPN(o), upn) {
			return badRequest("Another object with the same value for property userPrincipalName already exists.")
		}
		return badRequest("Another object with the same value for property proxyAddresses already exists.")
	}
	return nil
}

// updateUser is PATCH /users/{id}.
// https://learn.microsoft.com/graph/api/user-update
func updateUser(c *call) error {
	u, err := c.target(c.args[0])
	if err != nil {
		return err
	}
	o, binds, err := c.body(rules{resource: "User", typ: "user", readOnly: userReadOnly, lengths: userLengths,
		notNull: []string{"displayName", "usageLocation", "mail", "userPrincipalName", "accountEnabled", "mailNickname", "passwordProfile"}, bind: []string{"manager"}})
	if err != nil {
		return err
	}
	if err := c.mayUpdate(u, o); err != nil {
		return err
	}
	if cloud.Bool(u, "onPremisesSyncEnabled") {
		for name := range o {
			if !slices.Contains(cloudManaged, name) || name == "passwordProfile" && !cloud.Bool(c.t.Features, "passwordWriteback") {
				return onPremises()
			}
		}
		if len(binds) > 0 {
			return onPremises()
		}
	}
	if err := c.judgeUser(o, u); err != nil {
		return err
	}
	before := cloud.Copy(u)
	if m := binds["manager"]; len(m) == 1 {
		boss := c.t.User(m[0])
		if boss == nil {
			return notFound(m[0])
		}
		u["manager"] = cloud.Str(boss, "id")
	}
	c.applyUser(u, o)
	id := cloud.Str(u, "id")
	c.wrote(id, before)
	c.t.Note(id)
	c.auditUpdate(before, u, o)
	return nil
}

func (c *call) applyUser(u, o cloud.Object) {
	now := cloud.Stamp(c.t.Now())
	for name, v := range o {
		switch name {
		case "passwordProfile":
			profile := v.(map[string]any)
			if profile["password"] != nil {
				u["lastPasswordChangeDateTime"], u["signInSessionsValidFromDateTime"] = now, now
			}
			u["passwordProfile"] = merged(cloud.Child(u, "passwordProfile"), profile)
			forgetPassword(u)
		case "userPrincipalName":
			if m := c.t.MailboxOf(u); m != nil {
				m["UserPrincipalName"] = v
			}
			c.t.RenameUser(u, v.(string))
		case "mail":
			u["mail"] = v
			u["proxyAddresses"] = c.withPrimary(u, v.(string))
		case "onPremisesExtensionAttributes":
			more, _ := v.(map[string]any)
			u[name] = merged(cloud.Child(u, name), more)
		case "accountEnabled":
			was := u[name]
			u[name] = v
			if cloud.Bool(u, "onPremisesSyncEnabled") && cloud.Bool(c.t.Features, "syncOverwritesAccountEnabled") {
				id := cloud.Str(u, "id")
				c.t.At(c.t.Now().Add(syncInterval), func() {
					if u := c.t.User(id); u != nil {
						u["accountEnabled"] = was
					}
				})
			}
		default:
			u[name] = v
		}
	}
}

// syncInterval is how often Entra Connect brings the on-premises values back.
const syncInterval = 30 * time.Minute

func (c *call) withPrimary(u cloud.Object, address string) []any {
	out := []any{"SMTP:" + address}
	for _, a := range cloud.Strings(u, "proxyAddresses") {
		if len(a) > 5 && strings.EqualFold(a[:5], "smtp:") {
			a = "smtp:" + a[5:]
		}
		if !strings.EqualFold(a, "smtp:"+address) {
			out = append(out, a)
		}
	}
	return out
}

func forgetPassword(u cloud.Object) {
	if p := cloud.Child(u, "passwordProfile"); p != nil {
		p["password"] = nil
	}
}

// deleteUser is DELETE /users/{id}: the user goes to deletedItems for 30 days.
func deleteUser(c *call) error {
	u, err := c.target(c.args[0])
	if err != nil {
		return err
	}
	if !c.maySensitive(u, false) {
		return denied()
	}
	before := cloud.Copy(u)
	if c.t.DeleteUser(cloud.Str(u, "id")) == nil {
		return notFound(c.args[0])
	}
	if d := cloud.Lag(c.r.Context()); d > 0 {
		c.t.DelayDeletion(before, d)
	}
	c.audit("UserManagement", "Delete user", "Delete", before, "User")
	return nil
}

// audit writes the directory's row and the unified audit log's.
func (c *call) audit(category, activity, operation string, target cloud.Object, kind string, changed ...cloud.Modified) {
	c.t.AuditDirectory(c.actor(), category, activity, operation, target, kind, changed...)
	object := cloud.Str(target, "userPrincipalName")
	if object == "" {
		object = cloud.Str(target, "id")
	}
	mods := make([]any, 0, len(changed))
	for _, m := range changed {
		mods = append(mods, cloud.Object{"Name": m.Name, "OldValue": m.Old, "NewValue": m.New})
	}
	c.t.AuditUnified(c.actor(), "AzureActiveDirectory", activity+".", "AzureActiveDirectory",
		cloud.Object{"ObjectId": object, "ModifiedProperties": mods, "ResultStatus": "Success"})
}

// auditUpdate writes what Entra writes for a changed user: the change, and rows of their own for a blocked or
// unblocked account and for a password.
func (c *call) auditUpdate(before, after, patch cloud.Object) {
	var changed []cloud.Modified
	for _, name := range sorted(patch) {
		if name == "passwordProfile" {
			continue
		}
		was, is := jsonText(before[name]), jsonText(after[name])
		if was != is {
			changed = append(changed, cloud.Modified{Name: strings.ToUpper(name[:1]) + name[1:], Old: was, New: is})
		}
	}
	if cloud.Child(patch, "passwordProfile")["password"] != nil {
		c.audit("UserManagement", "Reset user password", "Update", after, "User")
	}
	if len(changed) == 0 {
		return
	}
	if v, ok := patch["accountEnabled"].(bool); ok && before["accountEnabled"] != v {
		name := "Disable account"
		if v {
			name = "Enable account"
		}
		c.audit("UserManagement", name, "Update", after, "User", cloud.Modified{Name: "AccountEnabled", Old: jsonText(before["accountEnabled"]), New: jsonText(v)})
	}
	c.audit("UserManagement", "Update user", "Update", after, "User", changed...)
}

// jsonText is a value as audit rows write it: a JSON list of the value, as text.
func jsonText(v any) string {
	b, err := json.Marshal([]any{v})
	if err != nil {
		return ""
	}
	return string(b)
}
