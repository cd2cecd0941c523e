package cloud

import "strings"

// loadLicenses separates what a user holds directly from what its groups grant. A state file may give
// licenseAssignmentStates; where it gives assignedLicenses alone, a licence that one of the user's groups
// grants counts as inherited.
func (t *Tenant) loadLicenses(u Object) {
	if u["assignedLicenses"] == nil && u["licenseAssignmentStates"] == nil && len(t.memberOf[strings.ToLower(Str(u, "id"))]) == 0 {
		return
	}
	if u["licenseAssignmentStates"] == nil {
		var states []any
		byGroup := map[string]bool{}
		for _, g := range t.GroupsOf(Str(u, "id")) {
			for _, l := range Objects(g, "assignedLicenses") {
				byGroup[strings.ToLower(Str(l, "skuId"))] = true
			}
		}
		for _, l := range Objects(u, "assignedLicenses") {
			if !byGroup[strings.ToLower(Str(l, "skuId"))] {
				states = append(states, t.licenseState(l, nil, Str(u, "createdDateTime")))
			}
		}
		u["licenseAssignmentStates"] = states
	}
	t.DeriveLicenses(u)
}

func (t *Tenant) licenseState(l Object, group any, when string) Object {
	plans := List(l, "disabledPlans")
	if plans == nil {
		plans = []any{}
	}
	return Object{"skuId": Str(l, "skuId"), "assignedByGroup": group, "disabledPlans": plans, "state": "Active",
		"error": "None", "lastUpdatedDateTime": orNull(when)}
}

// DirectLicense is the user's own assignment of a SKU, or nil where it has none of its own.
func DirectLicense(u Object, skuID string) Object {
	for _, s := range Objects(u, "licenseAssignmentStates") {
		if s["assignedByGroup"] == nil && strings.EqualFold(Str(s, "skuId"), skuID) {
			return s
		}
	}
	return nil
}

// GroupLicense is an inherited assignment of a SKU, or nil.
func GroupLicense(u Object, skuID string) Object {
	for _, s := range Objects(u, "licenseAssignmentStates") {
		if s["assignedByGroup"] != nil && strings.EqualFold(Str(s, "skuId"), skuID) {
			return s
		}
	}
	return nil
}

// SetDirectLicense gives the user a SKU of its own, or replaces its disabledPlans. Seats are the caller's
// affair. The caller derives afterwards.
func (t *Tenant) SetDirectLicense(u Object, skuID string, disabledPlans []any) {
	l := Object{"skuId": skuID, "disabledPlans": disabledPlans}
	states := []any{}
	for _, s := range Objects(u, "licenseAssignmentStates") {
		if s["assignedByGroup"] != nil || !strings.EqualFold(Str(s, "skuId"), skuID) {
			states = append(states, s)
		}
	}
	u["licenseAssignmentStates"] = append(states, t.licenseState(l, nil, Stamp(t.Now())))
}

// RemoveDirectLicense takes the user's own assignment of a SKU away. The caller derives afterwards.
func (t *Tenant) RemoveDirectLicense(u Object, skuID string) {
	states := []any{}
	for _, s := range Objects(u, "licenseAssignmentStates") {
		if s["assignedByGroup"] != nil || !strings.EqualFold(Str(s, "skuId"), skuID) {
			states = append(states, s)
		}
	}
	u["licenseAssignmentStates"] = states
}

// DeriveLicenses recomputes licenseAssignmentStates and assignedLicenses from the user's own licences and
// those of the groups it is a direct member of (nested groups grant nothing).
func (t *Tenant) DeriveLicenses(u Object) {
	var states, licenses []any
	inherited := map[string]Object{}
	for _, s := range Objects(u, "licenseAssignmentStates") {
		if s["assignedByGroup"] == nil {
			states = append(states, s)
		} else {
			inherited[strings.ToLower(Str(s, "assignedByGroup")+Str(s, "skuId"))] = s
		}
	}
	for _, g := range t.GroupsOf(Str(u, "id")) {
		for _, l := range Objects(g, "assignedLicenses") {
			if s := inherited[strings.ToLower(Str(g, "id")+Str(l, "skuId"))]; s != nil {
				states = append(states, s)
				continue
			}
			states = append(states, t.licenseState(l, Str(g, "id"), Str(u, "createdDateTime")))
		}
	}
	seen := map[string]bool{}
	for _, v := range states {
		s := v.(Object)
		sku := strings.ToLower(Str(s, "skuId"))
		if seen[sku] || (Str(s, "state") != "Active" && Str(s, "state") != "ActiveWithError") {
			continue
		}
		seen[sku] = true
		licenses = append(licenses, Object{"skuId": Str(s, "skuId"), "disabledPlans": List(s, "disabledPlans")})
	}
	if states == nil {
		states = []any{}
	}
	if licenses == nil {
		licenses = []any{}
	}
	u["licenseAssignmentStates"], u["assignedLicenses"] = states, licenses
}

// CountSeats adjusts consumedUnits of every SKU by the difference between the licences a user held before
// and holds now.
func (t *Tenant) CountSeats(before, after []Object) {
	change := func(list []Object, by float64) {
		for _, l := range list {
			if s := t.Sku(Str(l, "skuId")); s != nil {
				s["consumedUnits"] = Num(s, "consumedUnits") + by
			}
		}
	}
	change(before, -1)
	change(after, 1)
}

// FreeSeats is how many more users a SKU can be given to.
func FreeSeats(sku Object) int {
	p := Child(sku, "prepaidUnits")
	return int(Num(p, "enabled") + Num(p, "warning") - Num(sku, "consumedUnits"))
}
