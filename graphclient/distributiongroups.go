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

func (c *Client) distributionMember(ctx context.Context, tid, name, group, member string) error {
	if err := require(tid, group, member); err != nil {
		return err
	}
	return c.run(ctx, tid, cmdlet{name: name, params: map[string]any{"Identity": group, "Member": member,
		"BypassSecurityGroupManagerCheck": true, "Confirm": false}})
}
