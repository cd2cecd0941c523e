package graphclient

import (
	"context"

	abs "github.com/microsoft/kiota-abstractions-go"
)

var readIntune = []string{"DeviceManagementManagedDevices.Read.All", "DeviceManagementManagedDevices.ReadWrite.All"}

// ManagedDevicesNamed are the devices of Intune that have a name or serial number, or the one with that id. A tenant
// without Intune is kind NotLicensed.
//
// GET /deviceManagement/managedDevices; least permission DeviceManagementManagedDevices.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/intune-devices-manageddevice-list
func (c *Client) ManagedDevicesNamed(ctx context.Context, tid, name string) ([]ManagedDevice, error) {
	if err := require(tid, name); err != nil {
		return nil, err
	}
	n := ODataString(name)
	return all[ManagedDevice](ctx, c, read(tid, readIntune...), c.v1, 10, func() (*abs.RequestInformation, error) {
		return plainRequest(abs.GET, "/deviceManagement/managedDevices?$filter={filter}", map[string]string{"filter": "deviceName eq " + n + " or serialNumber eq " + n}), nil
	})
}

// AllManagedDevices are the devices Intune manages in a tenant, with their users. A tenant without Intune is kind
// NotLicensed.
//
// GET /deviceManagement/managedDevices; least permission DeviceManagementManagedDevices.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/intune-devices-manageddevice-list
func (c *Client) AllManagedDevices(ctx context.Context, tid string) ([]ManagedDevice, error) {
	if err := require(tid); err != nil {
		return nil, err
	}
	return all[ManagedDevice](ctx, c, read(tid, readIntune...), c.v1, 0, func() (*abs.RequestInformation, error) {
		return plainRequest(abs.GET, "/deviceManagement/managedDevices?$select=id,userId,deviceName,lastSyncDateTime", nil), nil
	})
}

// ManagedDevice is one device of Intune.
//
// GET /deviceManagement/managedDevices/{id}; least permission DeviceManagementManagedDevices.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/intune-devices-manageddevice-get
func (c *Client) ManagedDevice(ctx context.Context, tid, id string) (ManagedDevice, error) {
	if err := require(tid, id); err != nil {
		return ManagedDevice{}, err
	}
	return fetch[ManagedDevice](ctx, c, read(tid, readIntune...), c.v1, func() (*abs.RequestInformation, error) {
		return plainRequest(abs.GET, "/deviceManagement/managedDevices/{id}", map[string]string{"id": id}), nil
	})
}

// PrimaryUser is the person a managed device belongs to, nil where it is nobody's.
//
// GET /beta/deviceManagement/managedDevices/{id}/users; least permission DeviceManagementManagedDevices.Read.All.
func (c *Client) PrimaryUser(ctx context.Context, tid, deviceID string) (*User, error) {
	if err := require(tid, deviceID); err != nil {
		return nil, err
	}
	users, err := all[User](ctx, c, read(tid, readIntune...), c.beta, 1, func() (*abs.RequestInformation, error) {
		return plainRequest(abs.GET, "/deviceManagement/managedDevices/{id}/users", map[string]string{"id": deviceID}), nil
	})
	if err != nil || len(users) == 0 {
		return nil, err
	}
	return &users[0], nil
}

// SetPrimaryUser makes a user the one a managed device belongs to, in place of another.
//
// POST /beta/deviceManagement/managedDevices/{id}/users/$ref, 204; permission
// DeviceManagementManagedDevices.ReadWrite.All. Doing it twice changes nothing more.
func (c *Client) SetPrimaryUser(ctx context.Context, tid, deviceID, userID string) error {
	if err := require(tid, deviceID, userID); err != nil {
		return err
	}
	return c.send(ctx, change(ctx, tid, "DeviceManagementManagedDevices.ReadWrite.All"), c.beta, func() (*abs.RequestInformation, error) {
		return withJSON(plainRequest(abs.POST, "/deviceManagement/managedDevices/{id}/users/$ref", map[string]string{"id": deviceID}), nil,
			map[string]string{"@odata.id": c.beta.base + "/users/" + EscapeSegment(userID)})
	}, nil)
}
