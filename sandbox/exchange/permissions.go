package exchange

import (
	"strings"

	"cipp-mcp/sandbox/cloud"
)

const self = `NT AUTHORITY\SELF`

// sameTrustee says whether what is stored as a trustee is this recipient.
func sameTrustee(stored string, r recipient) bool {
	return r.is(stored) || strings.EqualFold(stored, r.display)
}

// trustee is the user or group a permission is given to.
func (c *call) trustee(name string) (recipient, error) {
	r, err := c.recipient(name)
	if err == nil {
		return r, nil
	}
	if u := c.tenant.User(name); u != nil { // a user needs no mailbox to be given access
		return recipient{id: cloud.Str(u, "id"), upn: cloud.Str(u, "userPrincipalName"), smtp: cloud.Str(u, "mail"), display: cloud.Str(u, "displayName"), name: cloud.Str(u, "displayName"), user: u}, nil
	}
	return recipient{}, invalid("Microsoft.Exchange.Configuration.Tasks.RecipientTaskException", "User or group \"%s\" wasn't found. Please make sure you've typed it correctly.", name)
}

// label is how a permission row names its trustee.
func (r *recipient) label() string {
	if r.upn != "" {
		return r.upn
	}
	if r.smtp != "" {
		return r.smtp
	}
	return r.display
}

func rightsOf(row cloud.Object) []any {
	if l := cloud.List(row, "AccessRights"); l != nil {
		return l
	}
	return []any{scalar(row["AccessRights"])}
}

func getMailboxPermission(c *call) ([]cloud.Object, error) {
	m, err := c.identified()
	if err != nil {
		return nil, err
	}
	box := c.mailboxRecipient(m)
	rows := []cloud.Object{{"User": self, "AccessRights": []any{"FullAccess", "ReadPermission"}, "IsInherited": false, "Deny": false, "InheritanceType": "All"}}
	rows = append(rows, cloud.Objects(m, "MailboxPermissions")...)
	var only *recipient
	if name := c.p.text("User"); name != "" {
		r, err := c.trustee(name)
		if err != nil {
			return nil, err
		}
		only = &r
	}
	var out []cloud.Object
	for _, row := range rows {
		if only != nil && !sameTrustee(cloud.Str(row, "User"), *only) {
			continue
		}
		v := cloud.Object{"Identity": box.name, "User": row["User"], "AccessRights": rightsOf(row), "IsInherited": cloud.Bool(row, "IsInherited"), "Deny": cloud.Bool(row, "Deny"),
			"InheritanceType": "All", "UserSid": "S-1-5-21-0-0-0-1", "IsValid": true, "ObjectState": "Unchanged"}
		if t := cloud.Str(row, "InheritanceType"); t != "" {
			v["InheritanceType"] = t
		}
		out = append(out, v)
	}
	return out, nil
}

func addMailboxPermission(c *call) ([]cloud.Object, error) {
	m, err := c.identified()
	if err != nil {
		return nil, err
	}
	if c.p.has("Owner") {
		return nil, badParameter("The parameter 'Owner' is not simulated.")
	}
	r, err := c.trustee(c.p.text("User"))
	if err != nil {
		return nil, err
	}
	box := c.mailboxRecipient(m)
	rows := cloud.Objects(m, "MailboxPermissions")
	var row cloud.Object
	for _, x := range rows {
		if sameTrustee(cloud.Str(x, "User"), r) && cloud.Bool(x, "Deny") == c.p.flag("Deny") && !cloud.Bool(x, "IsInherited") {
			row = x
		}
	}
	if row == nil {
		row = cloud.Object{"User": r.label(), "AccessRights": []any{}, "IsInherited": false, "Deny": c.p.flag("Deny"), "InheritanceType": "All"}
		m["MailboxPermissions"] = append(cloud.List(m, "MailboxPermissions"), row)
	}
	added := false
	for _, right := range c.p.texts("AccessRights") {
		if before := rightsOf(row); len(without(before, right)) == len(before) {
			row["AccessRights"] = append(before, right)
			added = true
		}
	}
	if !added {
		c.warn("The appropriate access control entry is already present on the object \"" + box.display + "\" for account \"" + r.label() + "\".")
	}
	if v, ok := c.p["AutoMapping"].(bool); ok {
		row["AutoMapping"] = v
	}
	return []cloud.Object{{"Identity": box.name, "User": row["User"], "AccessRights": rightsOf(row), "IsInherited": false, "Deny": row["Deny"], "InheritanceType": row["InheritanceType"]}}, nil
}

func removeMailboxPermission(c *call) ([]cloud.Object, error) {
	m, err := c.identified()
	if err != nil {
		return nil, err
	}
	if !c.p.has("User") || !c.p.has("AccessRights") {
		return nil, badParameter("Cannot process command because of one or more missing mandatory parameters: AccessRights User.")
	}
	r, err := c.trustee(c.p.text("User"))
	if err != nil {
		return nil, err
	}
	if !c.takeRights(m, "MailboxPermissions", "User", r) {
		c.warn("Can't remove the access control entry on the object \"" + c.mailboxRecipient(m).display + "\" for account \"" + r.label() + "\" because the ACE isn't present.")
	}
	return nil, nil
}

// takeRights removes the given AccessRights of a trustee from a list of permission rows; rows left without
// a right go.
func (c *call) takeRights(m cloud.Object, list, key string, r recipient) bool {
	found := false
	kept := []any{}
	for _, row := range cloud.Objects(m, list) {
		if sameTrustee(cloud.Str(row, key), r) && cloud.Bool(row, "Deny") == c.p.flag("Deny") {
			left := rightsOf(row)
			n := len(left)
			for _, right := range c.p.texts("AccessRights") {
				left = without(left, right)
			}
			found = found || len(left) < n
			if len(left) == 0 {
				continue
			}
			row["AccessRights"] = left
		}
		kept = append(kept, row)
	}
	m[list] = kept
	return found
}

func recipientRow(box recipient, row cloud.Object) cloud.Object {
	kind := cloud.Str(row, "AccessControlType")
	if kind == "" {
		kind = "Allow"
	}
	return cloud.Object{"Identity": box.name, "Trustee": row["Trustee"], "AccessControlType": kind, "AccessRights": rightsOf(row), "IsInherited": false, "InheritanceType": "None", "TrusteeSidString": "S-1-5-21-0-0-0-1", "IsValid": true}
}

func getRecipientPermission(c *call) ([]cloud.Object, error) {
	var only *recipient
	if name := c.p.text("Trustee"); name != "" {
		r, err := c.trustee(name)
		if err != nil {
			return nil, err
		}
		only = &r
	}
	boxes := c.tenant.Mailboxes()
	if id := c.p.text("Identity"); id != "" {
		r, err := c.recipient(id)
		if err != nil {
			return nil, err
		}
		boxes = []cloud.Object{r.mailbox}
		if r.mailbox == nil {
			boxes = []cloud.Object{r.row}
		}
	}
	var out []cloud.Object
	for _, m := range boxes {
		if m == nil || cloud.Str(m, "WhenSoftDeleted") != "" {
			continue
		}
		box := c.mailboxRecipient(m)
		rows := append([]cloud.Object{{"Trustee": self, "AccessRights": []any{"SendAs"}}}, cloud.Objects(m, "RecipientPermissions")...)
		for _, row := range rows {
			if only == nil || sameTrustee(cloud.Str(row, "Trustee"), *only) {
				out = append(out, recipientRow(box, row))
			}
		}
	}
	return out, nil
}

// ownerOfPermissions is the row that keeps the RecipientPermissions of -Identity: a mailbox's or a group's.
func (c *call) ownerOfPermissions() (recipient, cloud.Object, error) {
	r, err := c.recipient(c.p.text("Identity"))
	if err != nil {
		return r, nil, err
	}
	if rights := c.p.texts("AccessRights"); len(rights) != 1 || !strings.EqualFold(rights[0], "SendAs") {
		return r, nil, badParameter("Cannot convert value \"%s\" to type \"Microsoft.Exchange.Management.RecipientTasks.RecipientAccessRight\".", strings.Join(rights, ","))
	}
	if r.mailbox != nil {
		return r, r.mailbox, nil
	}
	if r.row == nil && r.group != nil {
		r.row = cloud.Object{"Name": r.display, "DisplayName": r.display, "ExternalDirectoryObjectId": r.id, "PrimarySmtpAddress": r.smtp}
		c.tenant.Exchange["distributionGroups"] = append(cloud.List(c.tenant.Exchange, "distributionGroups"), r.row)
	}
	if r.row == nil {
		return r, nil, invalid("System.InvalidOperationException", "Permissions can't be given on the recipient '%s'.", r.display)
	}
	return r, r.row, nil
}

func addRecipientPermission(c *call) ([]cloud.Object, error) {
	box, m, err := c.ownerOfPermissions()
	if err != nil {
		return nil, err
	}
	r, err := c.trustee(c.p.text("Trustee"))
	if err != nil {
		return nil, err
	}
	for _, row := range cloud.Objects(m, "RecipientPermissions") {
		if sameTrustee(cloud.Str(row, "Trustee"), r) {
			c.warn("The appropriate access control entry is already present on the object \"" + box.display + "\" for account \"" + r.label() + "\".")
			return []cloud.Object{recipientRow(box, row)}, nil
		}
	}
	row := cloud.Object{"Trustee": r.label(), "AccessRights": []any{"SendAs"}, "AccessControlType": "Allow"}
	m["RecipientPermissions"] = append(cloud.List(m, "RecipientPermissions"), row)
	return []cloud.Object{recipientRow(box, row)}, nil
}

func removeRecipientPermission(c *call) ([]cloud.Object, error) {
	box, m, err := c.ownerOfPermissions()
	if err != nil {
		return nil, err
	}
	r, err := c.trustee(c.p.text("Trustee"))
	if err != nil {
		return nil, err
	}
	if !c.takeRights(m, "RecipientPermissions", "Trustee", r) {
		c.warn("An access control entry for account \"" + r.label() + "\" doesn't exist on the object \"" + box.display + "\": the ACE doesn't exist on the object.")
	}
	return nil, nil
}
