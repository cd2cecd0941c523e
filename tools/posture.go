package tools

import (
	"fmt"
	"slices"
	"strings"
)

// postures are sets of defaults for cipp_offboard_user; docs/operator.md says why each holds what it holds.
//
// standard: a leaver in good standing. The mailbox lives on as a shared one, the licences come back, and
// nothing the person had access to stays open.
//
// termination: somebody who must be out at once. Beside the above every way back in goes: password, MFA
// methods, consents, devices, and what was shared outside. The licences stay, so that mailbox and OneDrive stay complete as evidence, and
// rules and meetings are not touched for the same reason.
//
// contractor: somebody whose mailbox nobody needs. It is not converted, and goes with the licence after 30 days.
var postures = map[string][]string{
	"standard":    {"convertToShared", "removeLicenses", "removeFromGroups", "hideFromGal", "removeRules", "removeMobileDevices", "cancelMeetings", "removeOwnAccess", "removeAppAccess", "unassignPhoneNumbers"},
	"termination": {"convertToShared", "removeFromGroups", "hideFromGal", "resetPassword", "removeMobileDevices", "removeOwnAccess", "removeAppAccess", "removeMfaMethods", "removeRoles", "disableDevices", "disableOneDriveSharing", "unassignPhoneNumbers"},
	"contractor":  {"removeLicenses", "removeFromGroups", "hideFromGal", "cancelMeetings", "removeMobileDevices", "removeOwnAccess", "removeAppAccess", "removeMfaMethods", "removeRoles", "unassignPhoneNumbers"},
}

// offboardingOptions are the options that posture and operator have a say in.
var offboardingOptions = []string{"convertToShared", "removeLicenses", "removeFromGroups", "hideFromGal", "resetPassword", "removeRules", "removeMobileDevices", "cancelMeetings", "removeOwnAccess",
	"removeMfaMethods", "removeRoles", "removeAppAccess", "clearManager", "disableDevices", "litigationHold", "disableOneDriveSharing", "unassignPhoneNumbers", "clearImmutableId"}

// defaults decide options of cipp_offboard_user that were not given: the posture where one was chosen, then the
// operator's default for the tenant, then false. from tells where each came from.
type defaults struct {
	c       *Call
	posture string
	from    map[string][]string
}

// choose is an option's value; given wins.
func (d *defaults) choose(given *bool, option string) bool {
	switch {
	case given != nil:
		return *given
	case slices.Contains(postures[d.posture], option):
		d.note("posture "+d.posture, option)
		return true
	case d.posture != "": // a posture says no as well
		return false
	}
	v, from := d.c.Policy.OffboardingDefault(d.c.Tenant.DefaultDomain, option, false)
	if from != "" {
		d.note(fmt.Sprintf("the operator's default (%s)", from), fmt.Sprintf("%s=%t", option, v))
	}
	return v
}

func (d *defaults) note(source, option string) {
	if d.from == nil {
		d.from = map[string][]string{}
	}
	d.from[source] = append(d.from[source], option)
}

// warnings say which defaults applied.
func (d *defaults) warnings() []string {
	var out []string
	for _, source := range sortedKeys(d.from) {
		out = append(out, strings.Join(d.from[source], ", ")+" by "+source)
	}
	return out
}
