package graphclient

import (
	"context"

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
