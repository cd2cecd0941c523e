package graph

import (
	"net/http"
	"slices"
	"strings"

	"cipp-mcp/sandbox/cloud"
)

const (
	deviceRead  = "Device.Read.All Device.ReadWrite.All Directory.Read.All Directory.ReadWrite.All"
	deviceWrite = "Device.ReadWrite.All Directory.ReadWrite.All"
	intuneRead  = "DeviceManagementManagedDevices.Read.All DeviceManagementManagedDevices.ReadWrite.All DeviceManagementManagedDevices.PrivilegedOperations.All"
	intuneDo    = "DeviceManagementManagedDevices.PrivilegedOperations.All DeviceManagementManagedDevices.ReadWrite.All"
	deviceRoles = "Cloud Device Administrator,Intune Administrator"
)

var deviceOperations = []op{
	{verb: "GET", path: "/devices", app: deviceRead, do: listDevices},
	{verb: "GET", path: "/devices/$count", app: deviceRead, do: countDevices},
	{verb: "GET", path: "/devices/{id}", app: deviceRead, do: getDevice},
	{verb: "PATCH", path: "/devices/{id}", app: deviceWrite, del: deviceWrite + " Directory.AccessAsUser.All", roles: deviceRoles, do: updateDevice},
	{verb: "DELETE", path: "/devices/{id}", app: deviceWrite, del: deviceWrite + " Directory.AccessAsUser.All", roles: deviceRoles, do: deleteDevice},
	{verb: "GET", path: "/users/{id}/registeredDevices", app: userRead2, do: registeredDevices},
	{verb: "GET", path: "/users/{id}/registeredDevices/{cast}", app: userRead2, do: registeredDevices},
	{verb: "GET", path: "/users/{id}/ownedDevices", app: userRead2, do: ownedDevices},
	{verb: "GET", path: "/users/{id}/ownedDevices/{cast}", app: userRead2, do: ownedDevices},
	{verb: "GET", path: "/users/{id}/managedDevices", app: intuneRead, roles: "Intune Administrator,Global Reader,Security Reader,Cloud Device Administrator", family: "intune", do: userManagedDevices},
	{verb: "GET", path: "/deviceManagement/managedDevices", app: intuneRead, roles: "Intune Administrator,Global Reader,Security Reader,Cloud Device Administrator", family: "intune", do: listManagedDevices},
	{verb: "GET", path: "/deviceManagement/managedDevices/{id}", app: intuneRead, roles: "Intune Administrator,Global Reader,Security Reader,Cloud Device Administrator", family: "intune", do: getManagedDevice},
	{verb: "POST", path: "/deviceManagement/managedDevices/{id}/wipe", app: intuneDo, roles: "Intune Administrator", family: "intune", do: func(c *call) error { return deviceAction(c, "wipe") }},
	{verb: "POST", path: "/deviceManagement/managedDevices/{id}/retire", app: intuneDo, roles: "Intune Administrator", family: "intune", do: func(c *call) error { return deviceAction(c, "retire") }},
}

func (c *call) devices() listing {
	return listing{set: "devices", typ: "device", rows: c.t.Collection("devices").All(), page: 100, max: 999, directory: true}
}

func listDevices(c *call) error  { return c.list(c.devices()) }
func countDevices(c *call) error { return c.count(c.devices()) }

// device is found by object id or by the alternate key deviceId.
func (c *call) device(key string) (cloud.Object, error) {
	deviceID, by := strings.CutPrefix(key, "deviceId=")
	for _, d := range c.t.Collection("devices").All() {
		if by && strings.EqualFold(cloud.Str(d, "deviceId"), deviceID) || strings.EqualFold(cloud.Str(d, "id"), key) {
			return d, nil
		}
	}
	return nil, notFound(key)
}

func getDevice(c *call) error {
	d, err := c.device(c.args[0])
	if err != nil {
		return err
	}
	return c.entity("devices", "device", d, nil)
}

// updateDevice is PATCH /devices/{id}; accountEnabled is what an administrator of devices changes.
func updateDevice(c *call) error {
	d, err := c.device(c.args[0])
	if err != nil {
		return err
	}
	o, _, err := c.body(rules{resource: "Device", typ: "device", readOnly: []string{"id", "deletedDateTime", "deviceId", "approximateLastSignInDateTime",
		"complianceExpirationDateTime", "onPremisesLastSyncDateTime", "onPremisesSyncEnabled", "registrationDateTime", "trustType", "createdDateTime"}})
	if err != nil {
		return err
	}
	if !c.p.AppOnly && !c.role("Intune Administrator") && (len(o) != 1 || o["accountEnabled"] == nil) {
		return denied()
	}
	before := cloud.Copy(d)
	for k, v := range o {
		d[k] = v
	}
	c.wrote(cloud.Str(d, "id"), before)
	c.audit("Device", "Update device", "Update", d, "Device", cloud.Modified{Name: "AccountEnabled", Old: jsonText(before["accountEnabled"]), New: jsonText(d["accountEnabled"])})
	return nil
}

func deleteDevice(c *call) error {
	d, err := c.device(c.args[0])
	if err != nil {
		return err
	}
	c.t.Collection("devices").Remove(cloud.Str(d, "id"))
	c.audit("Device", "Delete device", "Delete", d, "Device")
	return nil
}

// devicesOf is the devices that have the user under registeredOwners or registeredUsers.
func (c *call) devicesOf(id, key string) []cloud.Object {
	var out []cloud.Object
	for _, d := range c.t.Collection("devices").All() {
		if slices.ContainsFunc(cloud.Strings(d, key), func(s string) bool { return strings.EqualFold(s, id) }) {
			out = append(out, d)
		}
	}
	return out
}

func (c *call) answerDevices(key string) error {
	u, err := c.user(c.args[0])
	if err != nil {
		return err
	}
	rows := c.devicesOf(cloud.Str(u, "id"), key)
	if c.p.AppOnly && !c.has(strings.Fields(deviceRead)...) {
		// Without a permission to read devices their type and id are all there is to see.
		for i, d := range rows {
			rows[i] = cloud.Object{"@odata.type": "#microsoft.graph.device", "id": d["id"]}
		}
	}
	return c.list(c.objects(rows, ""))
}

func registeredDevices(c *call) error { return c.answerDevices("registeredUsers") }
func ownedDevices(c *call) error      { return c.answerDevices("registeredOwners") }

func (c *call) intune() error {
	if !cloud.Bool(c.t.Features, "intune") {
		return refused(http.StatusBadRequest, "BadRequest", "Request not applicable to target tenant.")
	}
	return nil
}

func (c *call) managed(rows []cloud.Object) error {
	return c.list(listing{set: "deviceManagement/managedDevices", typ: "managedDevice", rows: rows, page: 1000, max: 1000, clamp: true, options: "$filter $select $top $orderby $count $skip"})
}

func userManagedDevices(c *call) error {
	u, err := c.user(c.args[0])
	if err != nil {
		return err
	}
	if err := c.intune(); err != nil {
		return err
	}
	var rows []cloud.Object
	for _, d := range c.t.Collection("managedDevices").All() {
		if strings.EqualFold(cloud.Str(d, "userId"), cloud.Str(u, "id")) {
			rows = append(rows, d)
		}
	}
	return c.managed(rows)
}

func listManagedDevices(c *call) error {
	if err := c.intune(); err != nil {
		return err
	}
	return c.managed(c.t.Collection("managedDevices").All())
}

func getManagedDevice(c *call) error {
	if err := c.intune(); err != nil {
		return err
	}
	d := c.t.Collection("managedDevices").Get(c.args[0])
	if d == nil {
		return refused(http.StatusNotFound, "ResourceNotFound", "Device %s was not found.", c.args[0])
	}
	return c.entity("deviceManagement/managedDevices", "managedDevice", d, nil)
}

// deviceAction is accepted, not done: the device acts when it next checks in.
func deviceAction(c *call, name string) error {
	if err := c.intune(); err != nil {
		return err
	}
	d := c.t.Collection("managedDevices").Get(c.args[0])
	if d == nil {
		return refused(http.StatusNotFound, "ResourceNotFound", "Device %s was not found.", c.args[0])
	}
	in, err := c.json(false)
	if err != nil {
		return err
	}
	for key, v := range in {
		_, isBool := v.(bool)
		flag := isBool && slices.Contains([]string{"keepEnrollmentData", "keepUserData", "persistEsimDataPlan"}, key)
		if name != "wipe" || !flag && key != "macOsUnlockCode" {
			return badRequest("The parameter '%s' in the request payload is not a valid parameter for the operation '%s'.", key, name)
		}
	}
	now := cloud.Stamp(c.t.Now())
	d["deviceActionResults"] = append(cloud.List(d, "deviceActionResults"), cloud.Object{"actionName": name, "actionState": "pending", "startDateTime": now, "lastUpdatedDateTime": now})
	c.audit("Device", name+" ManagedDevice", "Action", d, "Device")
	return nil
}
