package workflows

import (
	"context"
	"fmt"
	"strings"

	"cipp-mcp/internal/jobs"
)

const reprocessLicences = "reprocess-licenses"

// ReprocessLicences has Microsoft work out again what the user's groups give (POST
// /users/{id}/reprocessLicenseAssignment). Nothing but Microsoft's answer says that it was done: the licences may be
// the same after it.
func ReprocessLicences(t Target, names map[string]string) jobs.Step {
	return jobs.Step{
		Name: reprocessLicences, Class: jobs.Idempotent,
		Plan: func(ctx context.Context, _ *jobs.Run) (jobs.Change, error) {
			u, err := t.licenceStates(ctx)
			if err != nil {
				return jobs.Change{}, err
			}
			groups := 0
			c := jobs.Change{Summary: "Work out the licences from groups again", NoWayBack: "it only repeats what Microsoft does by itself"}
			for _, s := range u.LicenseAssignmentStates {
				if s.AssignedByGroup == "" {
					continue
				}
				groups++
				if equalFold(s.State, "Error") || equalFold(s.State, "ActiveWithError") {
					c.Warnings = append(c.Warnings, fmt.Sprintf("%s is in error (%s): %s", nameOr(names, s.SkuID), shortened(s.Error), licenceCause(s.Error)))
				}
			}
			c.Before, c.After = fmt.Sprintf("%d licences from groups", groups), "worked out again"
			if u.UsageLocation == "" {
				c.Warnings = append(c.Warnings, "the user has no usageLocation; Microsoft then takes the tenant's, or assigns nothing")
			}
			return c, nil
		},
		Do: func(ctx context.Context, run *jobs.Run) (jobs.Handle, error) {
			return nil, order(ctx, run, reprocessLicences, func() error { return t.Graph.ReprocessLicences(ctx, t.tid(), t.User.ID) })
		},
		Verify: func(ctx context.Context, run *jobs.Run) (jobs.Outcome, error) {
			var answered bool
			if run.Get(reprocessLicences+"Answered", &answered); !answered {
				return jobs.NotDone, nil
			}
			_, err := t.licenceStates(ctx)
			return jobs.Done, err
		},
	}
}

// licenceCause is what lies behind an assignment's error, and what helps.
func licenceCause(code string) string {
	switch strings.ToLower(code) {
	case "countviolation":
		return "there was no seat; free one first"
	case "mutuallyexclusiveviolation":
		return "it excludes a service plan the user has; switch one of the two off first"
	case "dependencyviolation":
		return "it needs a service plan the user does not have"
	case "prohibitedinusagelocationviolation":
		return "a service is not to be had at the user's usageLocation"
	case "uniquenessviolation":
		return "an address is used twice"
	}
	return "what is wrong has to be put right first"
}
