package collect

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"time"

	"cipp-mcp/workflows/bec"
	"cipp-mcp/workflows/bec/casefile"
)

// alertDays is how long Defender keeps an alert.
const alertDays = 180

// alertsAtMost bounds how many of the tenant's alerts are looked through: Microsoft has no filter by user.
const alertsAtMost = 20000

// alerts are the security alerts that name the user: what other detectors saw. The list is of the whole tenant, so that
// what concerns others is left where it is.
// https://learn.microsoft.com/graph/api/security-list-alerts_v2
func alerts(ctx context.Context, c *Collector, w *casefile.Writer) (bec.Coverage, error) {
	since := c.since(bec.Alerts, alertDays*day)
	cover := bec.Coverage{From: from(since)}
	seen := 0
	q := url.Values{"$filter": {"createdDateTime ge " + since.Format(time.RFC3339)}}
	err := c.Graph.GraphRows(ctx, c.Tenant, "/security/alerts_v2", q, false, func(page []json.RawMessage) error {
		for _, row := range page {
			if c.concerns(row) {
				if err := w.Add("alert", idOf(row), row); err != nil {
					return err
				}
			}
		}
		if seen += len(page); seen >= alertsAtMost {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return bec.Coverage{Status: bec.ReadPartly, Reason: bec.Capped, Detail: "the newest twenty thousand alerts of the tenant", From: cover.From}, nil
	}
	return cover, err
}

// concerns says whether an alert's evidence names the user, as an account, a mailbox, a sender or a recipient.
func (c *Collector) concerns(row json.RawMessage) bool {
	type account struct {
		ID  string `json:"azureAdUserId"`
		UPN string `json:"userPrincipalName"`
	}
	type sender struct {
		Address string `json:"emailAddress"`
	}
	var a struct {
		Evidence []struct {
			UserAccount    account `json:"userAccount"`
			PrimaryAddress string  `json:"primaryAddress"`
			UPN            string  `json:"upn"`
			Recipient      string  `json:"recipientEmailAddress"`
			P1Sender       sender  `json:"p1Sender"`
			P2Sender       sender  `json:"p2Sender"`
		} `json:"evidence"`
	}
	if json.Unmarshal(row, &a) != nil {
		return false
	}
	for _, e := range a.Evidence {
		if e.UserAccount.ID != "" && strings.EqualFold(e.UserAccount.ID, c.User.ID) {
			return true
		}
		for _, address := range []string{e.UserAccount.UPN, e.PrimaryAddress, e.UPN, e.Recipient, e.P1Sender.Address, e.P2Sender.Address} {
			if address != "" && c.owns(address) {
				return true
			}
		}
	}
	return false
}
