package exchange

import (
	"strings"

	"cipp-mcp/sandbox/cloud"
)

func (c *call) groupView(r recipient) cloud.Object {
	v := r.view()
	v["GroupType"] = "Universal"
	if r.details == "MailUniversalSecurityGroup" {
		v["GroupType"] = "Universal, SecurityEnabled"
	}
	v["ManagedBy"], v["MemberJoinRestriction"], v["MemberDepartRestriction"], v["RequireSenderAuthenticationEnabled"] = []any{}, "Closed", "Closed", true
	v["GrantSendOnBehalfTo"] = []any{}
	for k, x := range r.row {
		if !mailboxParts[k] {
			v[k] = x
		}
	}
	v["ManagedBy"] = c.names(c.managers(r))
	return v
}

// managers is who manages a distribution group: its own list, else the group's owners.
func (c *call) managers(r recipient) []string {
	if m := cloud.Strings(r.row, "ManagedBy"); len(m) > 0 {
		return m
	}
	return cloud.Strings(r.group, "owners")
}

// setDistributionGroup changes who manages a group; nothing else of it is simulated.
// https://learn.microsoft.com/powershell/module/exchange/set-distributiongroup
func setDistributionGroup(c *call) ([]cloud.Object, error) {
	r, err := c.distributionGroup(c.p.text("Identity"))
	if err != nil {
		return nil, err
	}
	for name := range c.p {
		if name != "Identity" && name != "ManagedBy" && name != "BypassSecurityGroupManagerCheck" && !setMailboxManner[name] {
			c.service.unknown(c.def.name, "-"+name)
			return nil, badParameter("The parameter '%s' is not simulated.", name)
		}
	}
	if !c.p.has("ManagedBy") {
		return nil, nil
	}
	if r.synced {
		return nil, outOfScope(c.def.name, "ManagedBy", r.display)
	}
	if !c.p.flag("BypassSecurityGroupManagerCheck") && !containsUser(c.managers(r), c.by) {
		return nil, invalid("Microsoft.Exchange.Configuration.Tasks.OperationRequiresGroupManagerException", "You don't have sufficient permissions. This operation can only be performed by a manager of the group.")
	}
	owners, err := c.p.change("ManagedBy", c.ids(c.managers(r)), func(s string) (string, error) {
		who, err := c.recipient(s)
		return who.id, err
	})
	if err != nil {
		return nil, err
	}
	if len(owners) == 0 {
		return nil, invalid("Microsoft.Exchange.Data.DataValidationException", "The group '%s' must have at least one manager.", r.display)
	}
	r.group["owners"] = owners
	if cloud.List(r.row, "ManagedBy") != nil {
		r.row["ManagedBy"] = owners
	}
	return nil, nil
}

func getDistributionGroup(c *call) ([]cloud.Object, error) {
	if id := c.p.text("Identity"); id != "" {
		r, err := c.distributionGroup(id)
		if err != nil {
			return nil, err
		}
		return []cloud.Object{c.groupView(r)}, nil
	}
	var manager *recipient
	if name := c.p.text("ManagedBy"); name != "" {
		r, err := c.recipient(name)
		if err != nil {
			return nil, err
		}
		manager = &r
	}
	var out []cloud.Object
	for _, g := range c.tenant.Groups().All() {
		if !mailEnabled(g) || unified(g) {
			continue
		}
		r := c.groupRecipient(g)
		if manager != nil && !containsTrustee(c.managers(r), *manager) {
			continue
		}
		if inList(c.p.texts("RecipientTypeDetails"), r.details) && (c.p.text("Anr") == "" || r.matches(c.p.text("Anr"))) {
			out = append(out, c.groupView(r))
		}
	}
	return c.filtered(out)
}

func containsTrustee(list []string, r recipient) bool {
	for _, x := range list {
		if sameTrustee(x, r) {
			return true
		}
	}
	return false
}

// distributionGroup is the distribution list or mail-enabled security group with that identity. Display
// names need not be unique; Microsoft 365 groups are none.
func (c *call) distributionGroup(id string) (recipient, error) {
	var named []recipient
	for _, g := range c.tenant.Groups().All() {
		if !mailEnabled(g) || unified(g) {
			continue
		}
		r := c.groupRecipient(g)
		if strings.EqualFold(r.display, id) {
			named = append(named, r)
		} else if r.is(id) {
			return r, nil
		}
	}
	switch len(named) {
	case 0:
		return recipient{}, notFound(id)
	case 1:
		return named[0], nil
	}
	return recipient{}, ambiguous(id)
}

func getDistributionGroupMember(c *call) ([]cloud.Object, error) {
	r, err := c.distributionGroup(c.p.text("Identity"))
	if err != nil {
		return nil, err
	}
	var out []cloud.Object
	for _, id := range cloud.Strings(r.group, "members") {
		if member, err := c.recipient(id); err == nil {
			out = append(out, member.view())
		} else if u := c.tenant.User(id); u != nil {
			out = append(out, cloud.Object{"Identity": cloud.Str(u, "displayName"), "Name": cloud.Str(u, "displayName"), "DisplayName": cloud.Str(u, "displayName"), "Alias": "", "PrimarySmtpAddress": "",
				"ExternalDirectoryObjectId": id, "RecipientType": "User", "RecipientTypeDetails": "User"})
		}
	}
	return out, nil
}

// changeable is the group whose members are to be changed, and the member.
func (c *call) changeable() (g cloud.Object, member recipient, err error) {
	r, err := c.distributionGroup(c.p.text("Identity"))
	if err != nil {
		return nil, member, err
	}
	if r.synced {
		return nil, member, outOfScope(c.def.name, "Member", r.display)
	}
	if !c.p.flag("BypassSecurityGroupManagerCheck") && !containsUser(c.managers(r), c.by) {
		return nil, member, invalid("Microsoft.Exchange.Configuration.Tasks.OperationRequiresGroupManagerException", "You don't have sufficient permissions. This operation can only be performed by a manager of the group.")
	}
	member, err = c.recipient(c.p.text("Member"))
	if err != nil {
		if u := c.tenant.User(c.p.text("Member")); u != nil && c.def.name == "Remove-DistributionGroupMember" {
			return r.group, recipient{id: cloud.Str(u, "id"), name: cloud.Str(u, "displayName")}, nil
		}
		return nil, member, err
	}
	return r.group, member, nil
}

func containsUser(list []string, by cloud.Actor) bool {
	for _, x := range list {
		if by.UserID != "" && strings.EqualFold(x, by.UserID) || by.UserPrincipalName != "" && strings.EqualFold(x, by.UserPrincipalName) {
			return true
		}
	}
	return false
}

func addDistributionGroupMember(c *call) ([]cloud.Object, error) {
	g, member, err := c.changeable()
	if err != nil {
		return nil, err
	}
	if !c.tenant.AddMember(cloud.Str(g, "id"), member.id) {
		return nil, invalid("Microsoft.Exchange.Management.Tasks.MemberAlreadyExistsException", "The recipient \"%s\" is already a member of the group \"%s\".", member.name, cloud.Str(g, "displayName"))
	}
	return nil, nil
}

func removeDistributionGroupMember(c *call) ([]cloud.Object, error) {
	g, member, err := c.changeable()
	if err != nil {
		return nil, err
	}
	if !c.tenant.RemoveMember(cloud.Str(g, "id"), member.id) {
		return nil, invalid("Microsoft.Exchange.Management.Tasks.MemberNotFoundException", "The recipient \"%s\" isn't a member of the group \"%s\".", member.name, cloud.Str(g, "displayName"))
	}
	return nil, nil
}
