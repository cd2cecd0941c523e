package graph

import (
	"net/http"
	"strings"

	"cipp-mcp/sandbox/cloud"
)

const (
	numbersRead  = "TeamsTelephoneNumber.Read.All TeamsTelephoneNumber.ReadWrite.All"
	numbersWrite = "TeamsTelephoneNumber.ReadWrite.All"
	// The pages name no role for people; without one that administers Teams' telephony nobody gets in here.
	numbersRoles = "Teams Administrator"
	numbersPath  = "/admin/teams/telephoneNumberManagement/numberAssignments"
)

var numberOperations = []op{
	{verb: "GET", path: numbersPath, app: numbersRead, roles: numbersRoles, do: listNumbers},
	{verb: "POST", path: numbersPath + "/assignNumber", app: numbersWrite, roles: numbersRoles, do: assignNumber},
	{verb: "POST", path: numbersPath + "/unassignNumber", app: numbersWrite, roles: numbersRoles, do: unassignNumber},
}

// listNumbers is the tenant's telephone numbers.
// https://learn.microsoft.com/graph/api/teamsadministration-telephonenumbermanagementroot-list-numberassignments
func listNumbers(c *call) error {
	return c.list(listing{set: "admin/teams/telephoneNumberManagement/numberAssignments", typ: "numberAssignment", rows: c.t.Collection("numberAssignments").All(), page: 500, max: 1000})
}

// number reads the order and the number it is about.
func (c *call) numberMeant(known ...string) (in, n cloud.Object, err error) {
	if in, err = c.json(true); err != nil {
		return nil, nil, err
	}
	for name := range in {
		if !strings.Contains(" "+strings.Join(known, " ")+" ", " "+name+" ") {
			return nil, nil, badRequest("The parameter '%s' does not exist in the action.", name)
		}
	}
	for _, row := range c.t.Collection("numberAssignments").All() {
		if cloud.Str(row, "telephoneNumber") == cloud.Str(in, "telephoneNumber") && strings.EqualFold(cloud.Str(row, "numberType"), cloud.Str(in, "numberType")) {
			n = row
		}
	}
	if n == nil {
		return nil, nil, refused(http.StatusNotFound, "NotFound", "The telephone number was not found in the tenant.")
	}
	return in, n, nil
}

// ordered answers an order that was taken: where its progress is told.
func (c *call) ordered(n, before cloud.Object) error {
	c.wrote(cloud.Str(n, "id"), before)
	c.header.Set("Location", "/admin/teams/telephoneNumberManagement/operations('"+c.s.cloud.NewID()+"')")
	c.status = http.StatusAccepted
	return nil
}

// unassignNumber takes a number from whoever has it.
// https://learn.microsoft.com/graph/api/teamsadministration-numberassignment-unassignnumber
func unassignNumber(c *call) error {
	_, n, err := c.numberMeant("telephoneNumber", "numberType")
	if err != nil {
		return err
	}
	before := cloud.Copy(n)
	n["assignmentStatus"] = "unassigned"
	delete(n, "assignmentTargetId")
	delete(n, "assignmentCategory")
	return c.ordered(n, before)
}

// assignNumber gives a number to a user who has none of that category.
// https://learn.microsoft.com/graph/api/teamsadministration-numberassignment-assignnumber
func assignNumber(c *call) error {
	in, n, err := c.numberMeant("telephoneNumber", "numberType", "assignmentTargetId", "assignmentCategory", "locationId")
	if err != nil {
		return err
	}
	u := c.t.User(cloud.Str(in, "assignmentTargetId"))
	switch {
	case u == nil || c.t.Seen(u) == nil:
		return refused(http.StatusNotFound, "NotFound", "The assignment target was not found.")
	case cloud.Str(n, "assignmentTargetId") != "" && !strings.EqualFold(cloud.Str(n, "assignmentTargetId"), cloud.Str(u, "id")):
		return refused(http.StatusBadRequest, "BadRequest", "The telephone number is assigned to another target.")
	}
	before := cloud.Copy(n)
	n["assignmentStatus"], n["assignmentTargetId"], n["assignmentCategory"] = "userAssigned", u["id"], "primary"
	for _, k := range []string{"assignmentCategory", "locationId"} {
		if s := cloud.Str(in, k); s != "" {
			n[k] = s
		}
	}
	return c.ordered(n, before)
}
