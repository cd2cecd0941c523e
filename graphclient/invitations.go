package graphclient

import (
	"context"

	abs "github.com/microsoft/kiota-abstractions-go"
)

// NewInvitation asks somebody outside into the tenant.
type NewInvitation struct {
	Mail        string
	DisplayName string
	RedirectURL string // where the guest lands after accepting
	SendMail    bool   // Microsoft sends the invitation
	Message     string // in that mail
}

// Invitation is what came of it.
//
// Reference: https://learn.microsoft.com/graph/api/resources/invitation
type Invitation struct {
	ID              string `json:"id"`
	InviteRedeemURL string `json:"inviteRedeemUrl,omitempty"`
	Status          string `json:"status,omitempty"` // PendingAcceptance | Completed | InProgress | Error
	InvitedUser     struct {
		ID string `json:"id"`
	} `json:"invitedUser"`
}

// Invite makes a guest, or invites one that is there once more: Microsoft finds guests by their address. It is never
// sent twice, since each call may send a mail.
//
// POST /invitations, 201; least permission User.Invite.All, delegated the role Guest Inviter or User Administrator. An
// application is refused where the tenant has switched invitations off.
//
// Reference: https://learn.microsoft.com/graph/api/invitation-post
func (c *Client) Invite(ctx context.Context, tid string, n NewInvitation) (Invitation, error) {
	if err := require(tid, n.Mail, n.RedirectURL); err != nil {
		return Invitation{}, err
	}
	body := map[string]any{"invitedUserEmailAddress": n.Mail, "inviteRedirectUrl": n.RedirectURL, "sendInvitationMessage": n.SendMail}
	if n.DisplayName != "" {
		body["invitedUserDisplayName"] = n.DisplayName
	}
	if n.Message != "" {
		body["invitedUserMessageInfo"] = map[string]string{"customizedMessageBody": n.Message}
	}
	k := change(ctx, tid, append([]string{"User.Invite.All"}, writeUsers...)...).posting()
	return fetch[Invitation](ctx, c, k, c.v1, func() (*abs.RequestInformation, error) {
		return withJSON(plainRequest(abs.POST, "/invitations", nil), nil, body)
	})
}
