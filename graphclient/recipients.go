package graphclient

import "context"

// Recipient is anything of a tenant to which mail can be sent.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-recipient
type Recipient struct {
	ExternalDirectoryObjectID string   `json:"ExternalDirectoryObjectId"` // "" for a mail contact
	Name                      string   `json:"Name"`                      // Exchange's own, and how it shows people in lists
	DisplayName               string   `json:"DisplayName"`
	Alias                     string   `json:"Alias,omitempty"`
	PrimarySMTPAddress        string   `json:"PrimarySmtpAddress"`
	EmailAddresses            []string `json:"EmailAddresses,omitempty"`
	RecipientType             string   `json:"RecipientType"`
	RecipientTypeDetails      string   `json:"RecipientTypeDetails"` // UserMailbox | MailUniversalSecurityGroup | GuestMailUser …
}

// UnmarshalJSON reads a row as Exchange writes it.
func (r *Recipient) UnmarshalJSON(b []byte) error { return fromExchange(b, r) }

// SecurityGroup reports whether the recipient is a mail-enabled security group, which can be given rights.
func (r Recipient) SecurityGroup() bool {
	return equalFold(r.RecipientTypeDetails, "MailUniversalSecurityGroup")
}

// Recipient is one recipient, by id, any of its addresses or alias; what is none is kind NotFound.
//
// Get-Recipient; least role Exchange Recipient Administrator or Global Reader.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-recipient
func (c *Client) Recipient(ctx context.Context, tid, identity string) (Recipient, error) {
	if err := require(tid, identity); err != nil {
		return Recipient{}, err
	}
	return one[Recipient](ctx, c, tid, cmdlet{name: "Get-Recipient", params: map[string]any{"Identity": identity}})
}

// RemoteMailboxes are the users whose mailboxes are in Exchange on premises, rooms and others among them.
//
// Get-Recipient with RecipientTypeDetails; least role Exchange Recipient Administrator or Global Reader.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-recipient
func (c *Client) RemoteMailboxes(ctx context.Context, tid string) ([]Recipient, error) {
	return rows[Recipient](ctx, c, tid, cmdlet{name: "Get-Recipient", params: map[string]any{"ResultSize": "Unlimited",
		"RecipientTypeDetails": []string{"RemoteUserMailbox", "RemoteSharedMailbox", "RemoteRoomMailbox", "RemoteEquipmentMailbox"}}})
}
