package graphclient

import (
	"context"
	"time"
)

// AutoReply is a mailbox's automatic replies; the texts are HTML.
//
// Get-MailboxAutoReplyConfiguration; least role Exchange Recipient Administrator or Global Reader.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-mailboxautoreplyconfiguration
func (c *Client) AutoReply(ctx context.Context, tid string, ref MailboxRef) (AutoReply, error) {
	if err := require(tid, ref.identity()); err != nil {
		return AutoReply{}, err
	}
	return one[AutoReply](ctx, c, tid, ref.on("Get-MailboxAutoReplyConfiguration", "Identity", nil))
}

// SetAutoReply sets the automatic replies. AutoReplyState is required; texts and audience that are empty stay
// as they are; the times matter to Scheduled only.
//
// Set-MailboxAutoReplyConfiguration; least role Exchange Recipient Administrator. Repeatable.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/set-mailboxautoreplyconfiguration
func (c *Client) SetAutoReply(ctx context.Context, tid string, ref MailboxRef, r AutoReply) error {
	if err := require(tid, ref.identity(), r.AutoReplyState); err != nil {
		return err
	}
	params := map[string]any{"AutoReplyState": r.AutoReplyState}
	for name, value := range map[string]string{"InternalMessage": r.InternalMessage,
		"ExternalMessage": r.ExternalMessage, "ExternalAudience": r.ExternalAudience} {
		if value != "" {
			params[name] = value
		}
	}
	for name, at := range map[string]*time.Time{"StartTime": r.StartTime, "EndTime": r.EndTime} {
		if at != nil {
			params[name] = at.UTC().Format(time.RFC3339)
		}
	}
	return c.run(ctx, tid, ref.on("Set-MailboxAutoReplyConfiguration", "Identity", params))
}
