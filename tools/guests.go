package tools

import (
	"context"
	"net/mail"
	"net/url"
	"strings"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
	"cipp-mcp/internal/policy"
	"cipp-mcp/workflows"
)

// InviteGuestIn are the arguments of cipp_invite_guest.
type InviteGuestIn struct {
	TenantArg
	DisplayName string `json:"displayName,omitempty"`
	Mail        string `json:"mail,omitempty"`
	RedirectURL string `json:"redirectUrl,omitempty" jsonschema:"maxLength=1000" quiet:"true"`
	SendInvite  *bool  `json:"sendInvite,omitempty" jsonschema:"default=true" jsonschema_description:"false: the link is sealed instead."`
	Message     string `json:"message,omitempty" jsonschema:"maxLength=1500" quiet:"true"`
	UserID      string `json:"userId,omitempty" jsonschema_description:"With resend: the guest."`
	Resend      bool   `json:"resend,omitempty"`
	WriteArgs
}

const myApps = "https://myapps.microsoft.com"

var inviteGuest = Write(Tool{
	Name: "cipp_invite_guest", Title: "Invite a guest", Toolset: "lifecycle", Risk: policy.Destructive, Extra: true,
	Description: "Invites somebody from outside as a guest, or with userId and resend=true sends a guest the invitation again. For people of the tenant use cipp_create_user.",
	Aliases:     with(tenantAliases, map[string]string{"email": "mail", "emailAddress": "mail", "name": "displayName", "invitedUserEmailAddress": "mail", "redirectUri": "redirectUrl", "inviteRedirectUrl": "redirectUrl", "sendInvitationMessage": "sendInvite"}),
	Needs:       Needs{App: []string{"User.Invite.All", "User.Read.All", "Domain.Read.All", "Policy.Read.All"}, GDAPRoles: []string{"Guest Inviter"}},
	Example:     `{"tenantFilter":"contoso.onmicrosoft.com","mail":"partner@fabrikam.example","displayName":"Pat Partner","dryRun":true}`,
}, func(ctx context.Context, c *Call, in InviteGuestIn) (Work, error) {
	n := graphclient.NewInvitation{Mail: strings.TrimSpace(in.Mail), DisplayName: in.DisplayName, RedirectURL: in.RedirectURL, SendMail: in.SendInvite == nil || *in.SendInvite, Message: in.Message}
	if n.RedirectURL == "" {
		n.RedirectURL = myApps
	}
	if u, err := url.Parse(n.RedirectURL); err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
		return Work{}, invalid("redirectUrl must be an https address.")
	}
	switch {
	case in.Resend && in.UserID == "" || !in.Resend && in.UserID != "":
		return Work{}, invalid("resend=true and userId go together; to invite somebody new leave both out.")
	case in.Resend:
		g, err := jobs.Found(ctx, c.Run, "guest", func(ctx context.Context) (graphclient.User, error) { return c.guest(ctx, in.UserID) })
		if err != nil {
			return Work{}, err
		}
		t := c.target()
		t.User, n.Mail = g, g.Mail
		return Work{Steps: []jobs.Step{workflows.ResendInvitation(t, n)}}, nil
	}
	if a, err := mail.ParseAddress(n.Mail); err != nil || a.Address != n.Mail || !strings.Contains(n.Mail[strings.LastIndexByte(n.Mail, '@'):], ".") {
		return Work{}, invalid("mail must be a mail address such as pat@fabrikam.example (got %q).", Clean(n.Mail, 120))
	}
	return Work{Steps: []jobs.Step{workflows.InviteGuest(c.target(), c.sealer(), n)}}, nil
})

// guest is the user whom an invitation is sent again.
func (c *Call) guest(ctx context.Context, name string) (graphclient.User, error) {
	u, err := c.Graph.User(ctx, c.Tenant.ID, name, "id", "userPrincipalName", "displayName", "mail", "userType")
	if graphclient.KindOf(err) == graphclient.NotFound {
		return u, &Problem{Code: "user_not_found", Message: "There is no user " + q(name) + " in " + c.Tenant.DefaultDomain + ".", Next: "cipp_list_users with kind=guest lists the guests.", Tenant: c.Tenant.DefaultDomain}
	}
	return u, err
}
