package graph

import (
	"bytes"
	"encoding/base64"
	"io"
	"net/http"
	"strings"

	"cipp-mcp/sandbox/cloud"
)

const (
	photoRead  = "ProfilePhoto.Read.All ProfilePhoto.ReadWrite.All User.Read.All User.ReadWrite.All"
	photoWrite = "ProfilePhoto.ReadWrite.All User.ReadWrite.All"
	photoRoles = "User Administrator,People Administrator"

	largestPhoto = 4 << 20
)

var photoOperations = []op{
	{verb: "GET", path: "/users/{id}/photo/$value", app: photoRead, do: getPhoto},
	{verb: "PUT", path: "/users/{id}/photo/$value", app: photoWrite, roles: photoRoles, do: setPhoto},
	{verb: "PATCH", path: "/users/{id}/photo/$value", app: photoWrite, roles: photoRoles, do: setPhoto},
	{verb: "DELETE", path: "/users/{id}/photo", app: photoWrite, roles: photoRoles, do: deletePhoto},
}

func noPhoto() error {
	return refused(http.StatusNotFound, "ImageNotFound", "Exception of type 'Microsoft.Fast.Profile.Core.Exception.ImageNotFoundException' was thrown.")
}

// getPhoto is GET /users/{id}/photo/$value: the picture itself.
// https://learn.microsoft.com/graph/api/profilephoto-get
func getPhoto(c *call) error {
	u, err := c.user(c.args[0])
	if err != nil {
		return err
	}
	b, err := base64.StdEncoding.DecodeString(cloud.Str(u, "photo"))
	if err != nil || len(b) == 0 {
		return noPhoto()
	}
	c.header.Set("Content-Type", "image/jpeg")
	c.out = b
	return nil
}

// setPhoto is PUT /users/{id}/photo/$value.
// https://learn.microsoft.com/graph/api/profilephoto-update
func setPhoto(c *call) error {
	u, err := c.target(c.args[0])
	if err != nil {
		return err
	}
	b, err := io.ReadAll(io.LimitReader(c.r.Body, largestPhoto+1))
	kind, _, _ := strings.Cut(c.r.Header.Get("Content-Type"), ";")
	switch {
	case err != nil:
		return badRequest("The request body cannot be read.")
	case len(b) > largestPhoto:
		return refused(http.StatusRequestEntityTooLarge, "RequestBodyTooLarge", "The request body is larger than 4 MB.")
	case kind != "image/jpeg" || !bytes.HasPrefix(b, []byte{0xff, 0xd8, 0xff}):
		return refused(http.StatusBadRequest, "ErrorInvalidImage", "The image is not valid; a JPEG is expected.")
	}
	before := cloud.Copy(u)
	u["photo"] = base64.StdEncoding.EncodeToString(b)
	c.wrote(cloud.Str(u, "id"), before)
	c.audit("UserManagement", "Update user", "Update", u, "User", cloud.Modified{Name: "ThumbnailPhoto", Old: "", New: ""})
	c.status, c.out = http.StatusOK, []byte{}
	return nil
}

// deletePhoto is DELETE /users/{id}/photo.
// https://learn.microsoft.com/graph/api/profilephoto-delete
func deletePhoto(c *call) error {
	u, err := c.target(c.args[0])
	if err != nil {
		return err
	}
	if cloud.Str(u, "photo") == "" {
		return noPhoto()
	}
	before := cloud.Copy(u)
	delete(u, "photo")
	c.wrote(cloud.Str(u, "id"), before)
	c.audit("UserManagement", "Update user", "Update", u, "User", cloud.Modified{Name: "ThumbnailPhoto", Old: "", New: ""})
	return nil
}
