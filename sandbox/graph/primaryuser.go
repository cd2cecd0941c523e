package graph

import (
	"net/http"

	"cipp-mcp/sandbox/cloud"
)

const primaryWrite = "DeviceManagementManagedDevices.ReadWrite.All"

var assignmentOperations = []op{
	{verb: "GET", path: "/deviceManagement/managedDevices/{id}/users", beta: true, app: intuneRead, roles: "Intune Administrator,Global Reader,Security Reader", family: "intune", do: primaryUser},
	{verb: "POST", path: "/deviceManagement/managedDevices/{id}/users/$ref", beta: true, app: primaryWrite, roles: "Intune Administrator", family: "intune", do: setPrimaryUser},
	{verb: "DELETE", path: "/deviceManagement/managedDevices/{id}/users/$ref", beta: true, app: primaryWrite, roles: "Intune Administrator", family: "intune", do: removePrimaryUser},
}

func (c *call) managedDevice(id string) (cloud.Object, error) {
	if err := c.intune(); err != nil {
		return nil, err
	}
	if d := c.t.Collection("managedDevices").Get(id); d != nil {
		return d, nil
	}
	return nil, refused(http.StatusNotFound, "ResourceNotFound", "Device %s was not found.", id)
}

// primaryUser is the person a managed device belongs to, at most one.
func primaryUser(c *call) error {
	d, err := c.managedDevice(c.args[0])
	if err != nil {
		return err
	}
	var rows []cloud.Object
	if u := c.t.User(cloud.Str(d, "userId")); u != nil {
		rows = append(rows, u)
	}
	return c.list(listing{set: "deviceManagement/managedDevices('" + c.args[0] + "')/users", typ: "user", rows: rows, byDefault: defaults["user"], page: 100, max: 999, options: "$select"})
}

// setPrimaryUser makes a user the primary one, in place of another. Whether Intune looks for a licence then is not
// documented; the simulated one does.
func setPrimaryUser(c *call) error {
	d, err := c.managedDevice(c.args[0])
	if err != nil {
		return err
	}
	id, err := c.refBody()
	if err != nil {
		return err
	}
	u := c.t.User(id)
	if u == nil {
		return refused(http.StatusNotFound, "ResourceNotFound", "User %s was not found.", id)
	}
	if !c.intuneUser(u) {
		return badRequest("The user %s has no Intune license.", id)
	}
	d["userId"], d["userPrincipalName"], d["userDisplayName"], d["emailAddress"] = u["id"], u["userPrincipalName"], u["displayName"], u["mail"]
	c.audit("Device", "assignUser ManagedDevice", "Action", d, "Device")
	return nil
}

func removePrimaryUser(c *call) error {
	d, err := c.managedDevice(c.args[0])
	if err != nil {
		return err
	}
	d["userId"], d["userPrincipalName"], d["userDisplayName"], d["emailAddress"] = "", "", "", ""
	c.audit("Device", "removeUser ManagedDevice", "Action", d, "Device")
	return nil
}

// intuneUser says whether a licence of the user has Intune in it.
func (c *call) intuneUser(u cloud.Object) bool {
	for _, l := range cloud.Objects(u, "assignedLicenses") {
		off := map[string]bool{}
		for _, p := range cloud.Strings(l, "disabledPlans") {
			off[p] = true
		}
		for _, p := range cloud.Objects(c.t.Sku(cloud.Str(l, "skuId")), "servicePlans") {
			if cloud.Str(p, "servicePlanName") == "INTUNE_A" && !off[cloud.Str(p, "servicePlanId")] {
				return true
			}
		}
	}
	return false
}
