package workflows

import (
	"context"
	"slices"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

// RemoveMobileDevices ends the partnerships of phones and tablets with the mailbox, one step a device
// (Remove-MobileDevice). Nothing is wiped; sign-in is blocked by then, so that none comes back.
func RemoveMobileDevices(ctx context.Context, t Target, run *jobs.Run) ([]jobs.Step, error) {
	list := func(ctx context.Context) ([]graphclient.MobileDevice, error) {
		found, err := t.Graph.MobileDevices(ctx, t.tid(), t.mailbox())
		return found, noMailbox(err)
	}
	found, err := jobs.Found(ctx, run, "mobiles", list)
	var steps []jobs.Step
	for _, d := range found {
		steps = append(steps, effect{
			name: "remove-mobile-" + d.GUID, want: false, known: true,
			change: jobs.Change{Summary: "End the mailbox's partnership with the device " + jobs.Fence(shortened(firstOf(d.FriendlyName, d.DeviceModel, d.DeviceID))), Target: d.GUID,
				Before: "synchronises", After: "removed", NoWayBack: "the person sets the mailbox up on the device again"},
			there: func(ctx context.Context) (bool, error) {
				now, err := list(ctx)
				return slices.ContainsFunc(now, func(x graphclient.MobileDevice) bool { return x.GUID == d.GUID }), err
			},
			do: func(ctx context.Context) error {
				return passing(t.Graph.RemoveMobileDevice(ctx, t.tid(), t.mailbox(), firstOf(d.GUID, d.Identity)), graphclient.NotFound)
			},
		}.step())
	}
	return steps, err
}

func firstOf(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}

// deviceFound is an Entra device as planning found it.
type deviceFound struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	System  string `json:"system"`
	Synced  bool   `json:"synced,omitempty"`
	Enabled bool   `json:"enabled"`
}

// DisableDevices switches the Entra devices off that the leaver owns, one step a device (PATCH /devices/{id}
// accountEnabled): nobody signs in at them, or with what they hold, until they are switched on again.
func DisableDevices(ctx context.Context, t Target, run *jobs.Run) ([]jobs.Step, error) {
	found, err := jobs.Found(ctx, run, "devices", func(ctx context.Context) ([]deviceFound, error) {
		owned, err := t.Graph.OwnedDevices(ctx, t.tid(), t.User.ID)
		var out []deviceFound
		for _, d := range owned {
			out = append(out, deviceFound{d.ID, d.DisplayName, d.OperatingSystem, equalFold(d.TrustType, "ServerAd"), d.AccountEnabled == nil || *d.AccountEnabled})
		}
		return out, err
	})
	var steps []jobs.Step
	for _, d := range found {
		if d.Enabled {
			steps = append(steps, deviceStep(t, d, false))
		}
	}
	return steps, err
}

func deviceStep(t Target, d deviceFound, enabled bool) jobs.Step {
	verb, before, after := "Disable the device ", "enabled", "disabled"
	if enabled {
		verb, before, after = "Enable the device ", after, before
	}
	e := effect{
		name: "disable-device-" + d.ID, want: enabled, known: !enabled,
		change: jobs.Change{Summary: verb + jobs.Fence(shortened(d.Name)), Target: d.ID, Before: before, After: after},
		there: func(ctx context.Context) (bool, error) {
			owned, err := t.Graph.OwnedDevices(ctx, t.tid(), t.User.ID)
			return slices.ContainsFunc(owned, func(x graphclient.Device) bool {
				return x.ID == d.ID && (x.AccountEnabled == nil || *x.AccountEnabled)
			}), err
		},
		judge: func(_ context.Context, c *jobs.Change) error {
			if d.Synced {
				c.Warnings = append(c.Warnings, jobs.Fence(shortened(d.Name))+" is joined to Active Directory: disable it there too, or the next synchronisation enables it")
			}
			return nil
		},
		do: func(ctx context.Context) error { return t.Graph.SetDeviceEnabled(ctx, t.tid(), d.ID, enabled) },
	}
	if !enabled {
		e.back = func() jobs.Step { return deviceStep(t, d, true) }
	}
	return e.step()
}
