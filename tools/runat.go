package tools

import (
	"context"
	"strings"
	"time"
)

// RunAtArg says when a write is to be done; every write takes it, the tools that advertise it are those for
// which a later time is usual.
type RunAtArg struct {
	RunAt string `json:"runAt,omitempty" jsonschema_description:"Later: time with offset, or employeeLeaveDateTime."`
}

// leaveTime is the word for the day the directory knows.
const leaveTime = "employeeLeaveDateTime"

// furthest bounds a plan's future: who still knows in two years why.
const furthest = 366 * 24 * time.Hour

// RunAt is when a write is to begin, zero for at once. A time without an offset means another moment to
// everybody, so it is refused.
func (c *Call) RunAt(ctx context.Context, given string) (time.Time, error) {
	given = strings.TrimSpace(given)
	if given == "" {
		return time.Time{}, nil
	}
	now := c.Clock.Now()
	var at time.Time
	if strings.EqualFold(given, leaveTime) {
		if c.User == nil {
			return at, invalid("runAt: employeeLeaveDateTime needs a user; give a time.")
		}
		u, err := c.Graph.User(ctx, c.Tenant.ID, c.User.ID, "id", leaveTime)
		if err != nil {
			return at, err
		}
		if u.EmployeeLeaveDateTime == nil {
			return at, invalid("runAt: %s has no employeeLeaveDateTime; give a time such as 2026-12-31T18:00:00+01:00.", c.User.UserPrincipalName)
		}
		at = *u.EmployeeLeaveDateTime
	} else {
		var err error
		if at, err = time.Parse(time.RFC3339, given); err != nil {
			return at, invalid("runAt must be a time with offset such as 2026-12-31T18:00:00+01:00, or employeeLeaveDateTime (got %q).", Clean(given, 40))
		}
	}
	switch {
	case !at.After(now):
		return at, invalid("runAt %s has passed; it is %s now. Leave runAt out to do it at once.", at.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	case at.Sub(now) > furthest:
		return at, invalid("runAt is more than a year away.")
	}
	return at.UTC(), nil
}
