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
	return c.setAutoReply(ctx, tid, ref, r, false)
}

// RestoreAutoReply sets the automatic replies to what AutoReply once read: texts that were empty become so.
//
// Set-MailboxAutoReplyConfiguration; least role Exchange Recipient Administrator. Repeatable.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/set-mailboxautoreplyconfiguration
func (c *Client) RestoreAutoReply(ctx context.Context, tid string, ref MailboxRef, r AutoReply) error {
	return c.setAutoReply(ctx, tid, ref, r, true)
}

func (c *Client) setAutoReply(ctx context.Context, tid string, ref MailboxRef, r AutoReply, exactly bool) error {
	if err := require(tid, ref.identity(), r.AutoReplyState); err != nil {
		return err
	}
	params := map[string]any{"AutoReplyState": r.AutoReplyState}
	for name, value := range map[string]string{"InternalMessage": r.InternalMessage, "ExternalMessage": r.ExternalMessage} {
		if value != "" || exactly {
			params[name] = value
		}
	}
	if r.ExternalAudience != "" {
		params["ExternalAudience"] = r.ExternalAudience
	}
	if exactly && !equalFold(r.AutoReplyState, "Scheduled") {
		r.StartTime, r.EndTime = nil, nil // Exchange shows times that were never set
	}
	for name, at := range map[string]*time.Time{"StartTime": r.StartTime, "EndTime": r.EndTime} {
		if at != nil {
			params[name] = at.UTC().Format(time.RFC3339)
		}
	}
	return c.run(ctx, tid, ref.on("Set-MailboxAutoReplyConfiguration", "Identity", params))
}
