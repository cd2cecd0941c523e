package graph

import (
	"net/http"
	"strings"

	"cipp-mcp/sandbox/cloud"
)

var invitationOperations = []op{
	{verb: "POST", path: "/invitations", app: "User.Invite.All " + userWrite, roles: "Guest Inviter,Directory Writers,User Administrator,Helpdesk Administrator", do: invite},
}

// invite is POST /invitations: it makes a guest, sends the invitation again, or resets its redemption.
// https://learn.microsoft.com/graph/api/invitation-post
func invite(c *call) error {
	in, err := c.json(true)
	if err != nil {
		return err
	}
	wanted := cloud.Object{}
	for k, v := range in {
		if !strings.EqualFold(k, "invitedUser") {
			wanted[k] = v
		}
	}
	o, _, err := c.judged(wanted, rules{resource: "Invitation", typ: "invitation", required: []string{"invitedUserEmailAddress", "inviteRedirectUrl"}, readOnly: []string{"id", "inviteRedeemUrl", "status"}})
	if err != nil {
		return err
	}
	if c.p.AppOnly && c.t.Features["b2bInvitations"] == false {
		return denied()
	}
	address := cloud.Str(o, "invitedUserEmailAddress")
	name, domain, ok := strings.Cut(address, "@")
	if !ok || name == "" || !strings.Contains(domain, ".") {
		return badRequest("The invited user email address '%s' is not valid.", address)
	}
	if c.t.Domain(domain) != nil {
		return badRequest("The invited user already exists in the directory as an object: the address belongs to a domain of this tenant.")
	}
	var guest cloud.Object
	if id := cloud.Str(cloud.Child(in, "invitedUser"), "id"); cloud.Bool(o, "resetRedemption") {
		if !c.has("User.ReadWrite.All", "Directory.ReadWrite.All") {
			return denied()
		}
		if guest = c.t.User(id); guest == nil {
			return notFound(id)
		}
		guest["externalUserState"], guest["externalUserStateChangeDateTime"] = "PendingAcceptance", cloud.Stamp(c.t.Now())
		c.t.Note(cloud.Str(guest, "id"))
	} else if guest = c.guest(address); guest == nil {
		guest = c.newGuest(o, address, name, domain)
	}
	out := merged(cloud.Object{"invitedUserType": "Guest", "sendInvitationMessage": false, "resetRedemption": false, "invitedUserDisplayName": guest["displayName"],
		"invitedUserMessageInfo": cloud.Object{"messageLanguage": nil, "customizedMessageBody": nil, "ccRecipients": []any{}}}, o)
	out["id"], out["status"] = c.t.NewID(), "PendingAcceptance"
	out["inviteRedeemUrl"] = "https://login.microsoftonline.com/redeem?rd=" + cloud.Str(out, "id")
	out["invitedUser"] = cloud.Object{"id": guest["id"], "userPrincipalName": guest["userPrincipalName"]}
	c.audit("UserManagement", "Invite external user", "Add", guest, "User")
	c.status = http.StatusCreated
	return c.plain("invitations/$entity", out)
}

func (c *call) guest(address string) cloud.Object {
	for _, u := range c.t.HoldersOf(address) {
		if isGuest(u) && u["deletedDateTime"] == nil {
			return u
		}
	}
	return nil
}

func (c *call) newGuest(o cloud.Object, address, name, domain string) cloud.Object {
	now := cloud.Stamp(c.t.Now())
	display := cloud.Str(o, "invitedUserDisplayName")
	if display == "" {
		display = name
	}
	kind := cloud.Str(o, "invitedUserType")
	if kind == "" {
		kind = "Guest"
	}
	u := cloud.Object{"id": c.t.NewID(), "displayName": display, "mail": address, "otherMails": []any{address}, "proxyAddresses": []any{"SMTP:" + address},
		"userPrincipalName": name + "_" + domain + "#EXT#@" + c.t.InitialDomain(), "mailNickname": name + "_" + domain + "#EXT#", "userType": kind,
		"accountEnabled": true, "creationType": "Invitation", "externalUserState": "PendingAcceptance", "externalUserStateChangeDateTime": now, "createdDateTime": now}
	c.t.AddUser(u)
	c.wrote(cloud.Str(u, "id"), nil)
	c.t.Note(cloud.Str(u, "id"))
	return u
}
