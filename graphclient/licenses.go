package graphclient

import (
	"context"

	abs "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoftgraph/msgraph-sdk-go/subscribedskus"
	"github.com/microsoftgraph/msgraph-sdk-go/users"
)

// SubscribedSkus are the subscriptions of a tenant with their seats.
//
// GET /subscribedSkus; least permission LicenseAssignment.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/subscribedsku-list
func (c *Client) SubscribedSkus(ctx context.Context, tid string) ([]SubscribedSku, error) {
	if err := require(tid); err != nil {
		return nil, err
	}
	k := read(tid, "LicenseAssignment.Read.All", "Organization.Read.All", "Directory.Read.All", "LicenseAssignment.ReadWrite.All", "Directory.ReadWrite.All")
	return all[SubscribedSku](ctx, c, k, c.v1, 0, func() (*abs.RequestInformation, error) {
		return subscribedskus.NewSubscribedSkusRequestBuilderInternal(c.v1.path(), c.v1).ToGetRequestInformation(ctx, nil)
	})
}

// LicenseDetails are a user's licences with their service plans, direct and inherited alike; the user's
// LicenseAssignmentStates tell the two apart.
//
// GET /users/{id}/licenseDetails; least permission LicenseAssignment.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/user-list-licensedetails
func (c *Client) LicenseDetails(ctx context.Context, tid, id string) ([]LicenseDetail, error) {
	if err := require(tid, id); err != nil {
		return nil, err
	}
	k := read(tid, append([]string{"LicenseAssignment.Read.All", "LicenseAssignment.ReadWrite.All"}, readUsers...)...)
	return all[LicenseDetail](ctx, c, k, c.v1, 0, func() (*abs.RequestInformation, error) {
		info, err := c.v1.users().ByUserId(id).LicenseDetails().ToGetRequestInformation(ctx, nil)
		return keyed(info, err, id)
	})
}

// AssignLicense gives a user licences and takes others (SKU ids) in one step, so that a swap cannot end half
// done. Failures of kind UsageLocation, NoSeats and InheritedLicense name what stands in the way. The new
// state may take minutes to show: read it back.
//
// POST /users/{id}/assignLicense, 200; least permission LicenseAssignment.ReadWrite.All.
//
// Reference: https://learn.microsoft.com/graph/api/user-assignlicense
func (c *Client) AssignLicense(ctx context.Context, tid, id string, add []AssignedLicense, remove []string) error {
	if err := require(tid, append([]string{id}, remove...)...); err != nil {
		return err
	}
	if len(add)+len(remove) == 0 {
		return invalid("There is no licence to assign or remove.")
	}
	body := struct { // both arrays are required and may not be null
		Add    []AssignedLicense `json:"addLicenses"`
		Remove []string          `json:"removeLicenses"`
	}{make([]AssignedLicense, 0, len(add)), append([]string{}, remove...)}
	for _, l := range add {
		if err := require(tid, l.SkuID); err != nil {
			return err
		}
		body.Add = append(body.Add, AssignedLicense{l.SkuID, append([]string{}, l.DisabledPlans...)})
	}
	k := change(ctx, tid, "LicenseAssignment.ReadWrite.All", "User.ReadWrite.All", "Directory.ReadWrite.All").posting()
	return c.send(ctx, k, c.v1, func() (*abs.RequestInformation, error) {
		info, err := c.v1.users().ByUserId(id).AssignLicense().ToPostRequestInformation(ctx, users.NewItemAssignLicensePostRequestBody(), nil)
		info, err = keyed(info, err, id)
		return withJSON(info, err, body)
	}, nil)
}

// ReprocessLicences has Microsoft work out a user's licences from groups again, as after a cause of an error is gone.
//
// POST /users/{id}/reprocessLicenseAssignment, 200; least permission User.ReadWrite.All, delegated the role License
// Administrator, User Administrator or Directory Writers. Doing it twice changes nothing more.
//
// Reference: https://learn.microsoft.com/graph/api/user-reprocesslicenseassignment
func (c *Client) ReprocessLicences(ctx context.Context, tid, id string) error {
	if err := require(tid, id); err != nil {
		return err
	}
	return c.send(ctx, change(ctx, tid, writeUsers...).posting(), c.v1, func() (*abs.RequestInformation, error) {
		info, err := c.v1.users().ByUserId(id).ReprocessLicenseAssignment().ToPostRequestInformation(ctx, nil)
		return keyed(info, err, id)
	}, nil)
}
