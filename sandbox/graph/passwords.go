package graph

import (
	"fmt"
	"net/http"

	"cipp-mcp/sandbox/cloud"
)

// passwordMethod is the id of every user's password among its authentication methods.
const passwordMethod = "28c10230-6103-485e-b985-444c60001490" //nolint:gosec // an id, no password

var passwordOperations = []op{
	{verb: "POST", path: "/users/{id}/revokeSignInSessions", app: "User.RevokeSessions.All " + userWrite,
		roles: "User Administrator,Authentication Administrator,Privileged Authentication Administrator,Helpdesk Administrator,Password Administrator,Directory Writers", do: revokeSessions},
	{verb: "POST", path: "/users/{id}/authentication/methods/{id}/resetPassword", app: "-", del: "UserAuthenticationMethod.ReadWrite.All", family: "methods",
		roles: "Authentication Administrator,Privileged Authentication Administrator", do: resetPassword},
	{verb: "GET", path: "/users/{id}/authentication/operations/{id}", app: "-", del: "UserAuthenticationMethod.Read.All UserAuthenticationMethod.ReadWrite.All", family: "methods", do: getOperation},
}

// revokeSessions is POST /users/{id}/revokeSignInSessions: refresh tokens issued until now are void.
func revokeSessions(c *call) error {
	u, err := c.target(c.args[0])
	if err != nil {
		return err
	}
	if _, err := c.json(false); err != nil {
		return err
	}
	before := cloud.Copy(u)
	u["signInSessionsValidFromDateTime"] = cloud.Stamp(c.t.Now())
	c.wrote(cloud.Str(u, "id"), before)
	c.t.Note(cloud.Str(u, "id"))
	c.audit("UserManagement", "Update StsRefreshTokenValidFrom Timestamp", "Update", u, "User",
		cloud.Modified{Name: "StsRefreshTokensValidFrom", Old: jsonText(before["signInSessionsValidFromDateTime"]), New: jsonText(u["signInSessionsValidFromDateTime"])})
	c.out = append(append([]byte("{"), c.context("Edm.Boolean")...), `"value":true}`...)
	return nil
}

// resetPassword is the administrator's reset through the password method; with writeback it reaches a user
// whose password is mastered on-premises. It is never for applications.
// https://learn.microsoft.com/graph/api/authenticationmethod-resetpassword
func resetPassword(c *call) error {
	u, err := c.target(c.args[0])
	if err != nil {
		return err
	}
	if c.args[1] != passwordMethod {
		return notFound(c.args[1])
	}
	if len(c.adminRoles(u)) > 0 && !c.role("Privileged Authentication Administrator") || cloud.Str(u, "id") == c.p.ObjectID {
		return c.op.denied()
	}
	in, err := c.json(false)
	if err != nil {
		return err
	}
	synced := cloud.Bool(u, "onPremisesSyncEnabled")
	password, given := in["newPassword"].(string)
	switch {
	case synced && !cloud.Bool(c.t.Features, "passwordWriteback"):
		return badRequest("The password of this user is mastered on-premises and password writeback is not enabled.")
	case synced && !given:
		return badRequest("A new password is required for a user whose password is written back on-premises.")
	case given && !strong(password, false):
		return badRequest("The specified password does not comply with password complexity requirements. Please provide a different password.")
	}
	out := cloud.Object{}
	if !given {
		out["newPassword"] = "Aa1" + c.s.cloud.IDs.Text(9, "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789")
	}
	now := cloud.Stamp(c.t.Now())
	u["lastPasswordChangeDateTime"], u["signInSessionsValidFromDateTime"] = now, now
	u["passwordProfile"] = merged(cloud.Child(u, "passwordProfile"), cloud.Object{"password": nil, "forceChangePasswordNextSignIn": true})
	c.t.Note(cloud.Str(u, "id"))
	c.audit("UserManagement", "Reset password (by admin)", "Update", u, "User")
	id := fmt.Sprintf("%x-%s", c.t.Now().Unix(), c.t.NewID())
	c.header.Set("Location", c.base+"/users/"+cloud.Str(u, "id")+"/authentication/operations/"+id)
	c.status = http.StatusAccepted
	return c.plain("microsoft.graph.passwordResetResponse", out)
}

// getOperation follows a password reset. The simulated writeback is done at once.
func getOperation(c *call) error {
	u, err := c.user(c.args[0])
	if err != nil {
		return err
	}
	var unix int64
	var rest string
	if n, err := fmt.Sscanf(c.args[1], "%x-%s", &unix, &rest); n != 2 || err != nil || !cloud.IsGUID(rest) {
		return notFound(c.args[1])
	}
	return c.plain("users('"+cloud.Str(u, "id")+"')/authentication/operations/$entity", cloud.Object{
		"@odata.type": "#microsoft.graph.longRunningOperation", "id": c.args[1], "status": "succeeded",
		"createdDateTime": u["lastPasswordChangeDateTime"], "lastActionDateTime": u["lastPasswordChangeDateTime"],
		"resourceLocation": nil, "statusDetail": nil})
}
