package graphclient

import (
	"context"

	abs "github.com/microsoft/kiota-abstractions-go"
)

// Photo is a user's picture, nil where there is none.
//
// GET /users/{id}/photo/$value; least permission ProfilePhoto.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/profilephoto-get
func (c *Client) Photo(ctx context.Context, tid, id string) ([]byte, error) {
	if err := require(tid, id); err != nil {
		return nil, err
	}
	var picture []byte
	k := read(tid, append([]string{"ProfilePhoto.Read.All", "ProfilePhoto.ReadWrite.All"}, readUsers...)...)
	err := c.send(ctx, k, c.v1, func() (*abs.RequestInformation, error) {
		info := plainRequest(abs.GET, "{+user}/photo/$value", map[string]string{"user": userPath(id)})
		info.Headers.Remove("Accept")
		info.Headers.Add("Accept", "image/jpeg, */*")
		return info, nil
	}, func(b []byte) error { picture = b; return nil })
	if KindOf(err) == NotFound {
		return nil, nil
	}
	return picture, err
}

// SetPhoto gives a user a picture, a JPEG of at most 4 MB.
//
// PUT /users/{id}/photo/$value, 200; least permission ProfilePhoto.ReadWrite.All. Repeatable.
//
// Reference: https://learn.microsoft.com/graph/api/profilephoto-update
func (c *Client) SetPhoto(ctx context.Context, tid, id string, jpeg []byte) error {
	if err := require(tid, id); err != nil {
		return err
	}
	if len(jpeg) == 0 || len(jpeg) > 4<<20 {
		return invalid("A picture has to be there, and at most 4 MB.")
	}
	return c.send(ctx, change(ctx, tid, append([]string{"ProfilePhoto.ReadWrite.All"}, writeUsers...)...), c.v1, func() (*abs.RequestInformation, error) {
		info := plainRequest(abs.PUT, "{+user}/photo/$value", map[string]string{"user": userPath(id)})
		info.SetStreamContentAndContentType(jpeg, "image/jpeg")
		return info, nil
	}, nil)
}

// DeletePhoto takes a user's picture away; that there was none is kind NotFound.
//
// DELETE /users/{id}/photo, 204; least permission ProfilePhoto.ReadWrite.All. Repeatable.
//
// Reference: https://learn.microsoft.com/graph/api/profilephoto-delete
func (c *Client) DeletePhoto(ctx context.Context, tid, id string) error {
	if err := require(tid, id); err != nil {
		return err
	}
	return c.send(ctx, change(ctx, tid, append([]string{"ProfilePhoto.ReadWrite.All"}, writeUsers...)...).deleting(), c.v1, func() (*abs.RequestInformation, error) {
		return plainRequest(abs.DELETE, "{+user}/photo", map[string]string{"user": userPath(id)}), nil
	}, nil)
}
