package graphclient

import "context"

// MobileDevices are the phones and tablets that synchronise a mailbox.
//
// Get-MobileDevice; least role Exchange Recipient Administrator or Global Reader.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-mobiledevice
func (c *Client) MobileDevices(ctx context.Context, tid string, ref MailboxRef) ([]MobileDevice, error) {
	if err := require(tid, ref.identity()); err != nil {
		return nil, err
	}
	return rows[MobileDevice](ctx, c, tid, ref.on("Get-MobileDevice", "Mailbox", nil))
}

// RemoveMobileDevice ends the partnership of a device with a mailbox, by the device's Identity or GUID. It does not wipe.
//
// Remove-MobileDevice; least role Exchange Recipient Administrator. Repeatable.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/remove-mobiledevice
func (c *Client) RemoveMobileDevice(ctx context.Context, tid string, ref MailboxRef, deviceIdentity string) error {
	if err := require(tid, deviceIdentity); err != nil {
		return err
	}
	return c.run(ctx, tid, cmdlet{name: "Remove-MobileDevice", anchor: ref.UPN,
		params: map[string]any{"Identity": deviceIdentity, "Confirm": false}})
}
