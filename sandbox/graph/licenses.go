package graph

import (
	"slices"
	"strings"

	"cipp-mcp/sandbox/cloud"
)

const (
	licenseRead  = "LicenseAssignment.Read.All LicenseAssignment.ReadWrite.All User.Read.All User.ReadWrite.All Directory.Read.All Directory.ReadWrite.All"
	licenseRoles = "Directory Writers,License Administrator,User Administrator"
)

var licenseOperations = []op{
	{verb: "POST", path: "/users/{id}/assignLicense", app: "LicenseAssignment.ReadWrite.All " + userWrite, roles: licenseRoles, do: assignLicense},
	{verb: "POST", path: "/users/{id}/reprocessLicenseAssignment", app: userWrite, roles: licenseRoles, do: reprocess},
	{verb: "GET", path: "/users/{id}/licenseDetails", app: licenseRead, do: licenseDetails},
	{verb: "GET", path: "/subscribedSkus", app: "LicenseAssignment.Read.All LicenseAssignment.ReadWrite.All Organization.Read.All Organization.ReadWrite.All Directory.Read.All Directory.ReadWrite.All", do: listSkus},
	{verb: "GET", path: "/subscribedSkus/{id}", app: "LicenseAssignment.Read.All LicenseAssignment.ReadWrite.All Organization.Read.All Organization.ReadWrite.All Directory.Read.All Directory.ReadWrite.All", do: getSku},
}

// assignLicense is POST /users/{id}/assignLicense: everything it asks for happens, or nothing.
// https://learn.microsoft.com/graph/api/user-assignlicense
func assignLicense(c *call) error {
	u, err := c.target(c.args[0])
	if err != nil {
		return err
	}
	in, err := c.json(true)
	if err != nil {
		return err
	}
	for name := range in {
		if name != "addLicenses" && name != "removeLicenses" && !strings.HasPrefix(name, "@") {
			return badRequest("The parameter '%s' in the request payload is not a valid parameter for the operation 'assignLicense'.", name)
		}
	}
	add, ok1 := in["addLicenses"].([]any)
	remove, ok2 := in["removeLicenses"].([]any)
	if !ok1 || !ok2 {
		return badRequest("Both parameters 'addLicenses' and 'removeLicenses' must be collections.")
	}
	if err := c.judgeLicenses(u, add, remove); err != nil {
		return err
	}
	before := cloud.Copy(u)
	for _, v := range remove {
		c.t.RemoveDirectLicense(u, v.(string))
	}
	for _, v := range add {
		l := v.(map[string]any)
		disabled := cloud.List(l, "disabledPlans")
		if disabled == nil {
			disabled = []any{}
		}
		c.t.SetDirectLicense(u, cloud.Str(c.t.Sku(cloud.Str(l, "skuId")), "skuId"), disabled)
	}
	c.licensesChanged(u, before)
	return c.entity("users", "user", u, append([]string{"assignedLicenses"}, defaults["user"]...))
}

// licensesChanged does what follows a change: seats, the mailbox, the books.
func (c *call) licensesChanged(u, before cloud.Object) {
	c.t.DeriveLicenses(u)
	c.t.CountSeats(cloud.Objects(before, "assignedLicenses"), cloud.Objects(u, "assignedLicenses"))
	c.t.SyncMailbox(u)
	c.wrote(cloud.Str(u, "id"), before)
	c.t.Note(cloud.Str(u, "id"))
	c.audit("UserManagement", "Change user license", "Update", u, "User",
		cloud.Modified{Name: "AssignedLicense", Old: jsonText(before["assignedLicenses"]), New: jsonText(u["assignedLicenses"])})
}

func (c *call) judgeLicenses(u cloud.Object, add, remove []any) error {
	adding := map[string]bool{}
	for _, v := range add {
		l, ok := v.(map[string]any)
		id := cloud.Str(l, "skuId")
		if !ok || !cloud.IsGUID(id) {
			return badRequest("Invalid value specified for 'skuId' in the request.")
		}
		sku := c.t.Sku(id)
		if sku == nil {
			return badRequest("License %s does not correspond to a valid company License.", id)
		}
		adding[strings.ToLower(id)] = true
		for _, p := range cloud.Strings(l, "disabledPlans") {
			if !slices.ContainsFunc(cloud.Objects(sku, "servicePlans"), func(o cloud.Object) bool { return strings.EqualFold(cloud.Str(o, "servicePlanId"), p) }) {
				return badRequest("The service plan %s does not belong to the license %s.", p, id)
			}
		}
		if cloud.Str(u, "usageLocation") == "" {
			return badRequest("License assignment cannot be done for user with invalid usage location.")
		}
		if cloud.DirectLicense(u, id) == nil && cloud.GroupLicense(u, id) == nil && cloud.FreeSeats(sku) <= 0 {
			return badRequest("Subscription with SKU %s does not have any available licenses.", id)
		}
	}
	for _, v := range remove {
		id, ok := v.(string)
		switch {
		case !ok || !cloud.IsGUID(id):
			return badRequest("Invalid value specified for 'removeLicenses' in the request.")
		case adding[strings.ToLower(id)]:
			return badRequest("The license %s cannot be added and removed in the same request.", id)
		case cloud.DirectLicense(u, id) != nil:
		case cloud.GroupLicense(u, id) != nil:
			return badRequest("User license is inherited from a group membership and it cannot be removed directly from the user.")
		default:
			return badRequest("User does not have a corresponding license.")
		}
	}
	return c.judgePlans(u, adding, remove)
}

// exclusive is service plans of which a user can have one of a kind.
var exclusive = [][]string{{"EXCHANGE_S_STANDARD", "EXCHANGE_S_ENTERPRISE", "EXCHANGE_S_DESKLESS"}, {"SHAREPOINTSTANDARD", "SHAREPOINTENTERPRISE", "SHAREPOINTDESKLESS"}}

// judgePlans refuses licences whose plans exclude each other: plans without one another's company would run in
// the same place twice.
func (c *call) judgePlans(u cloud.Object, adding map[string]bool, remove []any) error {
	held := map[string]string{}
	look := func(skuID string, disabled []any) error {
		for _, p := range cloud.Objects(c.t.Sku(skuID), "servicePlans") {
			name := cloud.Str(p, "servicePlanName")
			if slices.Contains(disabled, any(cloud.Str(p, "servicePlanId"))) {
				continue
			}
			for _, kind := range exclusive {
				if !slices.Contains(kind, name) {
					continue
				}
				if other := held[kind[0]]; other != "" && other != name && (adding[strings.ToLower(skuID)] || len(adding) > 0) {
					return badRequest("License assignment failed because service plans %s and %s are mutually exclusive.", other, name)
				}
				held[kind[0]] = name
			}
		}
		return nil
	}
	for _, l := range cloud.Objects(u, "assignedLicenses") {
		id := cloud.Str(l, "skuId")
		if slices.ContainsFunc(remove, func(v any) bool { s, _ := v.(string); return strings.EqualFold(s, id) }) {
			continue
		}
		if err := look(id, cloud.List(l, "disabledPlans")); err != nil && !adding[strings.ToLower(id)] {
			return err
		}
	}
	for id := range adding {
		if err := look(id, nil); err != nil && cloud.DirectLicense(u, id) == nil {
			return err
		}
	}
	return nil
}

// reprocess re-runs group-based licensing for a user.
func reprocess(c *call) error {
	u, err := c.target(c.args[0])
	if err != nil {
		return err
	}
	before := cloud.Copy(u)
	c.licensesChanged(u, before)
	return c.entity("users", "user", u, defaults["user"])
}

func licenseDetails(c *call) error {
	u, err := c.user(c.args[0])
	if err != nil {
		return err
	}
	var rows []cloud.Object
	for _, l := range cloud.Objects(u, "assignedLicenses") {
		id := cloud.Str(l, "skuId")
		sku := c.t.Sku(id)
		plans := []any{}
		for _, p := range cloud.Objects(sku, "servicePlans") {
			status := "Success"
			if slices.Contains(cloud.List(l, "disabledPlans"), any(cloud.Str(p, "servicePlanId"))) {
				status = "Disabled"
			}
			plans = append(plans, merged(p, cloud.Object{"provisioningStatus": status}))
		}
		rows = append(rows, cloud.Object{"id": cloud.DerivedID(c.t.ID, cloud.Str(u, "id"), id), "skuId": id, "skuPartNumber": sku["skuPartNumber"], "servicePlans": plans})
	}
	return c.list(listing{set: "users('" + cloud.Str(u, "id") + "')/licenseDetails", typ: "licenseDetails", rows: rows, options: "$select"})
}

func (c *call) sku(s cloud.Object) cloud.Object {
	return merged(cloud.Object{"accountId": c.t.ID, "accountName": c.t.DisplayName, "appliesTo": "User", "capabilityStatus": "Enabled", "subscriptionIds": []any{}},
		merged(s, cloud.Object{"id": c.t.ID + "_" + cloud.Str(s, "skuId")}))
}

func listSkus(c *call) error {
	return c.list(listing{set: "subscribedSkus", typ: "subscribedSku", rows: c.t.Collection("subscribedSkus").All(), options: "$select", view: c.sku})
}

func getSku(c *call) error {
	_, id, ok := strings.Cut(c.args[0], "_")
	s := c.t.Sku(id)
	if !ok || s == nil {
		return notFound(c.args[0])
	}
	return c.entity("subscribedSkus", "subscribedSku", c.sku(s), nil)
}
