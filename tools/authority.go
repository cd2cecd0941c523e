package tools

import (
	"context"

	"github.com/google/uuid"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
	"cipp-mcp/internal/policy"
	"cipp-mcp/workflows"
)

// PurgeUserIn are the arguments of cipp_purge_user. The user is in the recycle bin, so that it is looked for there.
type PurgeUserIn struct {
	TenantArg
	UserID string `json:"userId" jsonschema_description:"Deleted user's former user principal name, or object id."`
	WriteArgs
}

var purgeUser = Write(Tool{
	Name: "cipp_purge_user", Title: "Delete a user for good", Toolset: "lifecycle", Risk: policy.Critical, Extra: true, Idempotent: true, Aliases: userAliases, Needs: deleteNeeds,
	Description: "Deletes a user in the recycle bin for good, where the operator allows it at all and approves each time. A living user is deleted with cipp_delete_user first, and comes back with cipp_restore_user.",
	Example:     `{"tenantFilter":"contoso.onmicrosoft.com","userId":"max@contoso.com","dryRun":true}`,
}, func(ctx context.Context, c *Call, in PurgeUserIn) (Work, error) {
	u, err := jobs.Found(ctx, c.Run, "deleted", func(ctx context.Context) (graphclient.User, error) { return c.deleted(ctx, in.UserID) })
	if err != nil {
		return Work{}, err
	}
	t := c.target()
	t.User = u
	return Work{Steps: []jobs.Step{workflows.PurgeUser(t, c.Policy.Config.Guards.Purge == "allow")}}, nil
})

// SourceOfAuthorityIn are the arguments of cipp_set_source_of_authority.
type SourceOfAuthorityIn struct {
	TenantArg
	UserArg
	SourceOfAuthority string `json:"sourceOfAuthority" jsonschema:"enum=cloud,enum=onPremises"`
	WriteArgs
}

var setSourceOfAuthority = Write(Tool{
	Name: "cipp_set_source_of_authority", Title: "Set the source of authority", Toolset: "lifecycle", Risk: policy.Critical, Extra: true, Idempotent: true, Aliases: with(userAliases, map[string]string{"source": "sourceOfAuthority"}),
	Description: "Says whether the cloud or Active Directory owns a user that was synchronised. The operator approves each time. To cut the tie of one no longer synchronised use cipp_clear_immutable_id.",
	Needs:       Needs{App: []string{"User-OnPremisesSyncBehavior.ReadWrite.All", "User.Read.All"}, GDAPRoles: []string{"Hybrid Identity Administrator"}},
	Example:     `{"tenantFilter":"contoso.onmicrosoft.com","userId":"anna@contoso.com","sourceOfAuthority":"cloud","dryRun":true}`,
}, func(_ context.Context, c *Call, in SourceOfAuthorityIn) (Work, error) {
	return Work{Steps: []jobs.Step{workflows.SetSourceOfAuthority(c.target(), in.SourceOfAuthority == "cloud")}}, nil
})

var clearImmutableID = Write(Tool{
	Name: "cipp_clear_immutable_id", Title: "Clear the immutable id", Toolset: "lifecycle", Risk: policy.Destructive, Extra: true, Idempotent: true, Aliases: userAliases,
	Description: "Takes away what ties a user to an object of Active Directory, so that no synchronisation takes it over again; refused while it is synchronised. For a leaver use cipp_offboard_user.",
	Needs:       Needs{App: []string{"User.ReadWrite.All", "Domain.Read.All"}, AppRoles: []string{"User Administrator"}, GDAPRoles: []string{"User Administrator"}},
	Example:     `{"tenantFilter":"contoso.onmicrosoft.com","userId":"anna@contoso.com","dryRun":true}`,
}, func(_ context.Context, c *Call, _ UserWriteIn) (Work, error) {
	return Work{Steps: []jobs.Step{workflows.RefusedWhileSynced(workflows.ClearImmutableID(c.target()))}}, nil
})

// AssignDeviceIn are the arguments of cipp_assign_device.
type AssignDeviceIn struct {
	TenantArg
	UserArg
	DeviceID string `json:"deviceId" jsonschema:"maxLength=120" jsonschema_description:"Intune device id, device name or serial number."`
	WriteArgs
}

var assignDevice = Write(Tool{
	Name: "cipp_assign_device", Title: "Assign a device", Toolset: "devices", Risk: policy.Write, Extra: true, Idempotent: true, Aliases: with(userAliases, map[string]string{"device": "deviceId", "deviceName": "deviceId"}),
	Description: "Makes a user the primary user of a device of Intune, which takes an Intune licence. A user's devices: cipp_list_user_devices.",
	Needs:       Needs{App: []string{"DeviceManagementManagedDevices.ReadWrite.All", "User.Read.All", "LicenseAssignment.Read.All"}, GDAPRoles: []string{"Intune Administrator"}},
	Example:     `{"tenantFilter":"contoso.onmicrosoft.com","userId":"anna@contoso.com","deviceId":"HBL-LT-0417","dryRun":true}`,
}, func(ctx context.Context, c *Call, in AssignDeviceIn) (Work, error) {
	d, err := jobs.Found(ctx, c.Run, "device", func(ctx context.Context) (graphclient.ManagedDevice, error) { return c.managedDevice(ctx, in.DeviceID) })
	if err != nil {
		return Work{}, err
	}
	return Work{Steps: []jobs.Step{workflows.AssignDevice(c.target(), d)}}, nil
})

// managedDevice is the device of Intune that an argument names.
func (c *Call) managedDevice(ctx context.Context, name string) (graphclient.ManagedDevice, error) {
	if uuid.Validate(name) == nil {
		d, err := c.Graph.ManagedDevice(ctx, c.Tenant.ID, name)
		if graphclient.KindOf(err) == graphclient.NotFound {
			return d, invalid("deviceId: Intune of %s has no device %s.", c.Tenant.DefaultDomain, name)
		}
		return d, err
	}
	found, err := c.Graph.ManagedDevicesNamed(ctx, c.Tenant.ID, name)
	switch {
	case err != nil:
		return graphclient.ManagedDevice{}, err
	case len(found) == 0:
		return graphclient.ManagedDevice{}, invalid("deviceId: Intune of %s has no device %q.", c.Tenant.DefaultDomain, Clean(name, 120))
	case len(found) > 1:
		return graphclient.ManagedDevice{}, invalid("deviceId: several devices are called %q; name one by its id.", Clean(name, 120))
	}
	return found[0], nil
}
