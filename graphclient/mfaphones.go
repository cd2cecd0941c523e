package graphclient

import (
	"context"

	abs "github.com/microsoft/kiota-abstractions-go"
)

// SetDefaultMethod sets which method a user is asked for first: push, oath, voiceMobile, voiceAlternateMobile, voiceOffice
// or sms. One that is not registered is refused. While the system's preference is on it has no effect.
//
// PATCH /beta/users/{id}/authentication/signInPreferences, 204; least permission UserAuthenticationMethod.ReadWrite.All
// (by the page; the table of permissions does not have the path). Repeatable.
//
// Reference: https://learn.microsoft.com/graph/api/authentication-update
func (c *Client) SetDefaultMethod(ctx context.Context, tid, id, method string) error {
	if err := require(tid, id, method); err != nil {
		return err
	}
	return c.send(ctx, change(ctx, tid, writeMethods), c.beta, func() (*abs.RequestInformation, error) {
		return withJSON(plainRequest(abs.PATCH, "{+user}/authentication/signInPreferences", map[string]string{"user": userPath(id)}), nil,
			map[string]string{"userPreferredMethodForSecondaryAuthentication": method})
	}, nil)
}

// AddPhoneMethod registers a telephone for a user's second factor: number as "+{country code} {number}", with
// "x{extension}" behind an office's; kind mobile, alternateMobile or office. A second of a kind is refused.
//
// POST /users/{id}/authentication/phoneMethods, 201; least permission UserAuthMethod-Phone.ReadWrite.All, delegated the
// role Authentication Administrator, for administrators Privileged Authentication Administrator.
//
// Reference: https://learn.microsoft.com/graph/api/authentication-post-phonemethods
func (c *Client) AddPhoneMethod(ctx context.Context, tid, id, number, kind string) error {
	if err := require(tid, id, number, kind); err != nil {
		return err
	}
	return c.send(ctx, change(ctx, tid, "UserAuthMethod-Phone.ReadWrite.All", writeMethods).posting(), c.v1, func() (*abs.RequestInformation, error) {
		return withJSON(plainRequest(abs.POST, "{+user}/authentication/phoneMethods", map[string]string{"user": userPath(id)}), nil,
			map[string]string{"phoneNumber": number, "phoneType": kind})
	}, nil)
}
