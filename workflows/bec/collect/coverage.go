package collect

import (
	"errors"
	"fmt"
	"time"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
	"cipp-mcp/workflows/bec"
)

// lags are how long after the fact a source may show it, by their sources' own words where they have any: the sign-in
// logs once promised 5 minutes for 99 %, consent takes up to 24 h, the unified audit log typically 60 to 90 minutes
// and for Entra up to 24 h (https://learn.microsoft.com/purview/audit-search), message trace minutes. A source that
// is not here shows the state as it is.
var lags = map[string]time.Duration{
	bec.SignInsInteractive:    15 * time.Minute,
	bec.SignInsNonInteractive: 30 * time.Minute,
	bec.DirectoryAudits:       15 * time.Minute,
	bec.UALLogons:             24 * time.Hour,
	bec.UAL:                   90 * time.Minute,
	bec.MailItemsAccessed:     90 * time.Minute,
	bec.MessageTrace:          15 * time.Minute,
	bec.Risk:                  48 * time.Hour,
	bec.Alerts:                48 * time.Hour,
	bec.OtherAccounts:         24 * time.Hour,
}

// iso writes a duration as ISO 8601.
func iso(d time.Duration) string {
	switch {
	case d == 0:
		return "PT0S"
	case d%time.Hour == 0:
		return fmt.Sprintf("PT%dH", d/time.Hour)
	default:
		return fmt.Sprintf("PT%dM", d/time.Minute)
	}
}

// failed is the coverage of a source that could not be read on. What it gave before stays evidence.
func failed(c bec.Coverage, err error, rows int) bec.Coverage {
	c.Status, c.Reason, c.Detail = bec.Unavailable, bec.ReadError, jobs.Fence(err.Error())
	if rows > 0 {
		c.Status = bec.ReadPartly
	}
	var e *graphclient.Error
	if errors.As(err, &e) {
		c.Detail = jobs.Fence(e.Message)
	}
	switch graphclient.KindOf(err) {
	case graphclient.NoMailbox:
		c.Status, c.Reason = bec.NotApplicable, bec.NoMailbox
	case graphclient.NoDrive:
		c.Status, c.Reason, c.Detail = bec.NotApplicable, bec.NotEnabled, "the user has no OneDrive"
	case graphclient.NotLicensed:
		c.Status, c.Reason = bec.NotApplicable, bec.NoLicence
	case graphclient.NotPremium:
		c.Reason = bec.NoLicence
	case graphclient.Denied, graphclient.RoleMissing, graphclient.NotConsented, graphclient.GDAPMissing:
		c.Reason = bec.NoPermission
	case graphclient.Throttled:
		c.Reason = bec.Throttled
	default:
	}
	return c
}

// from says since when a log was read.
func from(t time.Time) *time.Time {
	t = t.UTC()
	return &t
}
