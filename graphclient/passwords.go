package graphclient

import (
	"context"
	"net/url"
	"strings"

	abs "github.com/microsoft/kiota-abstractions-go"
)

// SetPassword gives a user a new password. mustChange makes the user choose another at the next sign-in.
// It is never sent twice: a repeated change may be refused by the password history. Federated users are
// refused, a synced one is kind OnPremises, a password against the policy WeakPassword.
//
// PATCH /users/{id} with passwordProfile, 204; least permission User-PasswordProfile.ReadWrite.All and a
// directory role: User Administrator for ordinary users, Privileged Authentication Administrator for
// administrators. App-only access needs the role on the service principal.
//
// Reference: https://learn.microsoft.com/graph/api/user-update
func (c *Client) SetPassword(ctx context.Context, tid, id, password string, mustChange bool) error {
	if err := require(tid, id, password); err != nil {
		return err
	}
	k := change(ctx, tid, "User-PasswordProfile.ReadWrite.All", "User.ReadWrite.All", "Directory.ReadWrite.All", "Directory.AccessAsUser.All").posting().hiding(password)
	return c.patchUser(ctx, k, id, map[string]any{"passwordProfile": PasswordProfile{Password: password, ForceChangePasswordNextSignIn: mustChange}})
}

// passwordMethodID is the id of every user's password among the authentication methods.
const passwordMethodID = "28c10230-6103-485e-b985-444c60001490" //nolint:gosec // an id, no password

// ResetPasswordBack orders a new password for a user whose password is written back to a local Active Directory, and
// answers the operation to follow. The user has to change it at the next sign-in. It is never sent twice. Only a
// signed-in administrator may, and not on oneself.
//
// POST /users/{id}/authentication/methods/{password}/resetPassword, 202; delegated permission
// UserAuthenticationMethod.ReadWrite.All and the role Authentication Administrator or Privileged Authentication
// Administrator.
//
// Reference: https://learn.microsoft.com/graph/api/authenticationmethod-resetpassword
func (c *Client) ResetPasswordBack(ctx context.Context, tid, id, password string) (operation string, err error) {
	if err := require(tid, id, password); err != nil {
		return "", err
	}
	if !c.delegated() {
		return "", c.otherSignIn(tid, "The password of a synchronised user", "a signed-in administrator", "partner or user")
	}
	k := change(ctx, tid, writeMethods).posting().hiding(password)
	var location string
	k.location = &location
	err = c.send(ctx, k, c.v1, func() (*abs.RequestInformation, error) {
		return withJSON(plainRequest(abs.POST, "{+user}/authentication/methods/{method}/resetPassword", map[string]string{"user": userPath(id), "method": passwordMethodID}), nil,
			map[string]string{"newPassword": password})
	}, nil)
	path, _, _ := strings.Cut(location, "?")
	if i := strings.LastIndex(path, "/operations/"); i >= 0 {
		operation, _ = url.PathUnescape(path[i+len("/operations/"):])
	}
	return operation, err
}

// PasswordOperation is how far the order of ResetPasswordBack is: notStarted, running, succeeded or failed, and why.
//
// GET /users/{id}/authentication/operations/{id}; delegated permission UserAuthenticationMethod.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/longrunningoperation-get
func (c *Client) PasswordOperation(ctx context.Context, tid, id, operation string) (status, detail string, err error) {
	if err := require(tid, id, operation); err != nil {
		return "", "", err
	}
	o, err := fetch[struct {
		Status       string `json:"status"`
		StatusDetail string `json:"statusDetail"`
	}](ctx, c, read(tid, readMethods...), c.v1, func() (*abs.RequestInformation, error) {
		return plainRequest(abs.GET, "{+user}/authentication/operations/{operation}", map[string]string{"user": userPath(id), "operation": operation}), nil
	})
	return o.Status, cleanText(o.StatusDetail, 200), err
}

// RequirePasswordChange makes the user choose another password at the next sign-in, or takes that back; the password
// itself stays. A synced user is kind OnPremises.
//
// PATCH /users/{id} with passwordProfile, 204; permissions and roles as SetPassword. Repeatable.
//
// Reference: https://learn.microsoft.com/graph/api/user-update
func (c *Client) RequirePasswordChange(ctx context.Context, tid, id string, require bool) error {
	if id == "" || tid == "" {
		return invalid("Tenant and user have to be named.")
	}
	k := change(ctx, tid, "User-PasswordProfile.ReadWrite.All", "User.ReadWrite.All", "Directory.ReadWrite.All", "Directory.AccessAsUser.All")
	return c.patchUser(ctx, k, id, map[string]any{"passwordProfile": map[string]bool{"forceChangePasswordNextSignIn": require}})
}

// RevokeSessions ends the user's sessions: refresh tokens issued before now are void. Access tokens already
// issued live out their time, up to about an hour.
//
// POST /users/{id}/revokeSignInSessions, 200 or 204; least permission User.RevokeSessions.All.
//
// Reference: https://learn.microsoft.com/graph/api/user-revokesigninsessions
func (c *Client) RevokeSessions(ctx context.Context, tid, id string) error {
	if err := require(tid, id); err != nil {
		return err
	}
	k := change(ctx, tid, "User.RevokeSessions.All", "User.ReadWrite.All", "Directory.ReadWrite.All").posting()
	return c.send(ctx, k, c.v1, func() (*abs.RequestInformation, error) {
		info, err := c.v1.users().ByUserId(id).RevokeSignInSessions().ToPostRequestInformation(ctx, nil)
		return keyed(info, err, id)
	}, nil)
}
