package graphclient

import "context"

// AddDistributionGroupMember adds a recipient to a distribution list or mail-enabled security group; both are
// named by id, address or UPN, never by display name, which is not unique. Membership that exists is kind
// AlreadyMember; a user without mailbox or address is NotFound.
//
// Add-DistributionGroupMember; least role Exchange Recipient Administrator.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/add-distributiongroupmember
func (c *Client) AddDistributionGroupMember(ctx context.Context, tid, groupIdentity, member string) error {
	return c.distributionMember(ctx, tid, "Add-DistributionGroupMember", groupIdentity, member)
}

// RemoveDistributionGroupMember takes a recipient out of a distribution list or mail-enabled security group;
// that it was no member is kind NotMember.
//
// Remove-DistributionGroupMember; least role Exchange Recipient Administrator. Repeatable.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/remove-distributiongroupmember
func (c *Client) RemoveDistributionGroupMember(ctx context.Context, tid, groupIdentity, member string) error {
	return c.distributionMember(ctx, tid, "Remove-DistributionGroupMember", groupIdentity, member)
}

// DistributionGroupOwners are who manages a distribution list or mail-enabled security group, by names of
// Exchange's own.
//
// Get-DistributionGroup; least role Exchange Recipient Administrator or Global Reader.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-distributiongroup
func (c *Client) DistributionGroupOwners(ctx context.Context, tid, groupIdentity string) ([]string, error) {
	if err := require(tid, groupIdentity); err != nil {
		return nil, err
	}
	g, err := one[struct {
		ManagedBy texts `json:"ManagedBy"`
	}](ctx, c, tid, cmdlet{name: "Get-DistributionGroup", params: map[string]any{"Identity": groupIdentity}})
	return g.ManagedBy, err
}

// SetDistributionGroupOwners makes people managers of a distribution list or mail-enabled security group, or ends
// that they are; the others stay.
//
// Set-DistributionGroup -ManagedBy; least role Exchange Recipient Administrator. Repeatable.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/set-distributiongroup
func (c *Client) SetDistributionGroupOwners(ctx context.Context, tid, groupIdentity string, add, remove []string) error {
	if err := require(tid, append(append([]string{groupIdentity}, add...), remove...)...); err != nil {
		return err
	}
	change := map[string]any{"@odata.type": "#Exchange.GenericHashTable"}
	if len(add) > 0 {
		change["add"] = add
	}
	if len(remove) > 0 {
		change["remove"] = remove
	}
	return c.run(ctx, tid, cmdlet{name: "Set-DistributionGroup", params: map[string]any{"Identity": groupIdentity, "ManagedBy": change,
		"BypassSecurityGroupManagerCheck": true, "Confirm": false}})
}

func (c *Client) distributionMember(ctx context.Context, tid, name, group, member string) error {
	if err := require(tid, group, member); err != nil {
		return err
	}
	return c.run(ctx, tid, cmdlet{name: name, params: map[string]any{"Identity": group, "Member": member,
		"BypassSecurityGroupManagerCheck": true, "Confirm": false}})
}
