package graphclient

import (
	"context"

	abs "github.com/microsoft/kiota-abstractions-go"
)

// NumberAssignment is a telephone number of Teams and who has it.
//
// Reference: https://learn.microsoft.com/graph/api/resources/teamsadministration-numberassignment
type NumberAssignment struct {
	ID                 string `json:"id,omitempty"`
	TelephoneNumber    string `json:"telephoneNumber"`
	NumberType         string `json:"numberType"`       // directRouting | callingPlan | operatorConnect
	AssignmentStatus   string `json:"assignmentStatus"` // unassigned | userAssigned | …
	AssignmentTargetID string `json:"assignmentTargetId,omitempty"`
	AssignmentCategory string `json:"assignmentCategory,omitempty"` // primary | private | alternate
	LocationID         string `json:"locationId,omitempty"`
}

const (
	readNumbers  = "TeamsTelephoneNumber.Read.All"
	writeNumbers = "TeamsTelephoneNumber.ReadWrite.All"
	numbersPath  = "/admin/teams/telephoneNumberManagement/numberAssignments"
)

// TelephoneNumbersOf are the Teams numbers a user has. Only the global cloud has this service.
//
// GET /admin/teams/telephoneNumberManagement/numberAssignments; least permission TeamsTelephoneNumber.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/teamsadministration-telephonenumbermanagementroot-list-numberassignments
func (c *Client) TelephoneNumbersOf(ctx context.Context, tid, userID string) ([]NumberAssignment, error) {
	if err := require(tid, userID); err != nil {
		return nil, err
	}
	found, err := all[NumberAssignment](ctx, c, read(tid, readNumbers, writeNumbers), c.v1, 0, func() (*abs.RequestInformation, error) {
		return plainRequest(abs.GET, numbersPath+"?$filter={filter}", map[string]string{"filter": "assignmentTargetId eq " + ODataString(userID)}), nil
	})
	var out []NumberAssignment
	for _, n := range found {
		if equalFold(n.AssignmentTargetID, userID) && !equalFold(n.AssignmentStatus, "unassigned") {
			out = append(out, n)
		}
	}
	return out, err
}

// UnassignNumber orders that a number is taken from whoever has it; Teams carries it out later.
//
// POST …/numberAssignments/unassignNumber, 202; permission TeamsTelephoneNumber.ReadWrite.All.
//
// Reference: https://learn.microsoft.com/graph/api/teamsadministration-numberassignment-unassignnumber
func (c *Client) UnassignNumber(ctx context.Context, tid string, n NumberAssignment) error {
	return c.numberOrder(ctx, tid, n, "unassignNumber", map[string]string{"telephoneNumber": n.TelephoneNumber, "numberType": n.NumberType})
}

// AssignNumber orders that a number is given to a user, who needs a licence for it.
//
// POST …/numberAssignments/assignNumber, 202; permission TeamsTelephoneNumber.ReadWrite.All.
//
// Reference: https://learn.microsoft.com/graph/api/teamsadministration-numberassignment-assignnumber
func (c *Client) AssignNumber(ctx context.Context, tid string, n NumberAssignment) error {
	body := map[string]string{"telephoneNumber": n.TelephoneNumber, "numberType": n.NumberType, "assignmentTargetId": n.AssignmentTargetID, "assignmentCategory": firstOf(n.AssignmentCategory, "primary")}
	if n.LocationID != "" {
		body["locationId"] = n.LocationID
	}
	return c.numberOrder(ctx, tid, n, "assignNumber", body)
}

func (c *Client) numberOrder(ctx context.Context, tid string, n NumberAssignment, order string, body map[string]string) error {
	if err := require(tid, n.TelephoneNumber, n.NumberType); err != nil {
		return err
	}
	return c.send(ctx, change(ctx, tid, writeNumbers).posting(), c.v1, func() (*abs.RequestInformation, error) {
		return withJSON(plainRequest(abs.POST, numbersPath+"/"+order, nil), nil, body)
	}, nil)
}
