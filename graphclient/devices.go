package graphclient

import (
	"context"

	abs "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoftgraph/msgraph-sdk-go/devices"
	"github.com/microsoftgraph/msgraph-sdk-go/models"
	"github.com/microsoftgraph/msgraph-sdk-go/users"
)

// RegisteredDevices are the Entra devices registered to a user. Without Device.Read.All Microsoft gives their
// ids only.
//
// GET /users/{id}/registeredDevices; least permission User.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/user-list-registereddevices
func (c *Client) RegisteredDevices(ctx context.Context, tid, userID string) ([]Device, error) {
	if err := require(tid, userID); err != nil {
		return nil, err
	}
	return all[Device](ctx, c, read(tid, readUsers...), c.v1, 0, func() (*abs.RequestInformation, error) {
		info, err := c.v1.users().ByUserId(userID).RegisteredDevices().ToGetRequestInformation(ctx, &users.ItemRegisteredDevicesRequestBuilderGetRequestConfiguration{
			QueryParameters: &users.ItemRegisteredDevicesRequestBuilderGetQueryParameters{Top: opt(int32(largestPage))}})
		return keyed(info, err, userID)
	})
}

// OwnedDevices are the Entra devices a user owns.
//
// GET /users/{id}/ownedDevices; least permission User.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/user-list-owneddevices
func (c *Client) OwnedDevices(ctx context.Context, tid, userID string) ([]Device, error) {
	if err := require(tid, userID); err != nil {
		return nil, err
	}
	return all[Device](ctx, c, read(tid, readUsers...), c.v1, 0, func() (*abs.RequestInformation, error) {
		info, err := c.v1.users().ByUserId(userID).OwnedDevices().ToGetRequestInformation(ctx, &users.ItemOwnedDevicesRequestBuilderGetRequestConfiguration{
			QueryParameters: &users.ItemOwnedDevicesRequestBuilderGetQueryParameters{Top: opt(int32(largestPage))}})
		return keyed(info, err, userID)
	})
}

// SetDeviceEnabled switches an Entra device on or off; the id is the object's, not the device's own.
//
// PATCH /devices/{id}, 204; least permission Device.ReadWrite.All. Repeatable.
//
// Reference: https://learn.microsoft.com/graph/api/device-update
func (c *Client) SetDeviceEnabled(ctx context.Context, tid, deviceObjectID string, enabled bool) error {
	if err := require(tid, deviceObjectID); err != nil {
		return err
	}
	return c.send(ctx, change(ctx, tid, "Device.ReadWrite.All", "Directory.AccessAsUser.All"), c.v1, func() (*abs.RequestInformation, error) {
		info, err := devices.NewDevicesRequestBuilderInternal(c.v1.path(), c.v1).ByDeviceId(deviceObjectID).
			ToPatchRequestInformation(ctx, models.NewDevice(), nil)
		return withJSON(info, err, map[string]bool{"accountEnabled": enabled})
	}, nil)
}

// ManagedDevices are the devices Intune manages for a user. A tenant without Intune is kind NotLicensed.
//
// GET /users/{id}/managedDevices; least permission DeviceManagementManagedDevices.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/intune-devices-manageddevice-list
func (c *Client) ManagedDevices(ctx context.Context, tid, userID string) ([]ManagedDevice, error) {
	if err := require(tid, userID); err != nil {
		return nil, err
	}
	k := read(tid, "DeviceManagementManagedDevices.Read.All", "DeviceManagementManagedDevices.ReadWrite.All")
	return all[ManagedDevice](ctx, c, k, c.v1, 0, func() (*abs.RequestInformation, error) {
		info, err := c.v1.users().ByUserId(userID).ManagedDevices().ToGetRequestInformation(ctx, nil)
		return keyed(info, err, userID)
	})
}
