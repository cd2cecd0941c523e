package workflows

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
	"cipp-mcp/workflows/bec"
)

// Response is what a response to a compromise works from: the case and the part of its proposed plan that was chosen.
type Response struct {
	CaseID string
	Plan   []bec.Step
	// Whole is all of the case's plan: what of it stands open keeps the account shut.
	Whole []bec.Step
	// Snapshot is when the state that the response destroys was kept as evidence; zero when it was not.
	Snapshot time.Time
	// LastAct is the attacker's last known act; zero where there is none.
	LastAct time.Time
}

// responseFound is what planning found of the objects a response names, so that a process that rebuilds the steps
// does the same to the same.
type responseFound struct {
	Plan     []bec.Step                  `json:"plan"`
	Whole    []bec.Step                  `json:"whole,omitempty"`
	Snapshot time.Time                   `json:"snapshot"`
	LastAct  time.Time                   `json:"lastAct,omitzero"`
	Rules    []graphclient.InboxRule     `json:"rules,omitempty"`
	Methods  []graphclient.AuthMethod    `json:"methods,omitempty"`
	Apps     appsFound                   `json:"apps"`
	Devices  []deviceFound               `json:"devices,omitempty"`
	Mobiles  []graphclient.MobileDevice  `json:"mobiles,omitempty"`
	Sweeps   []graphclient.SweepRule     `json:"sweeps,omitempty"`
	Trustees map[string]graphclient.User `json:"trustees,omitempty"` // by how the plan names them
	Drive    string                      `json:"drive,omitempty"`
}

// Respond makes the steps of a response, in the plan's order, one for each of its steps (keep the
// evidence, close the ways in, take the attacker's things away by their ids, close the ways in again). Steps do not
// wait for each other: one that fails stops none of the following.
func Respond(ctx context.Context, t Target, run *jobs.Run, s Sealer, r Response) ([]jobs.Step, error) {
	found, err := jobs.Found(ctx, run, "response", func(ctx context.Context) (responseFound, error) { return t.responseFound(ctx, r) })
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	steps := make([]jobs.Step, 0, len(found.Plan))
	taken := map[string]bool{}
	for _, b := range found.Plan {
		step := t.respond(s, found, b, taken["revoke-sessions"])
		if taken[step.Name] {
			step = manualStep(b, "another step of this plan does the same")
		}
		taken[step.Name] = true
		names[b.ID] = step.Name
		steps = append(steps, step)
	}
	return steps, run.Put(responseNames, names)
}

// responseNames is where a run keeps which step does what the plan of the case calls how.
const responseNames = "responseSteps"

// ResponseSteps are the steps of a case's plan that a run does, by the plan's ids, and the names of the run's steps.
func ResponseSteps(run *jobs.Run) (plan []bec.Step, names map[string]string) {
	var found responseFound
	run.Get("found/response", &found)
	run.Get(responseNames, &names)
	return found.Plan, names
}

func (t Target) responseFound(ctx context.Context, r Response) (f responseFound, err error) {
	f.Plan, f.Whole, f.Snapshot, f.LastAct, f.Trustees = r.Plan, r.Whole, r.Snapshot, r.LastAct, map[string]graphclient.User{}
	wants := func(actions ...string) bool {
		return slices.ContainsFunc(r.Plan, func(s bec.Step) bool { return slices.Contains(actions, s.Action) })
	}
	looks := []struct {
		wanted bool
		look   func() error
	}{
		{wants("disableRule", "removeRule"), func() (err error) {
			f.Rules, err = t.Graph.InboxRules(ctx, t.tid(), t.mailbox())
			return noMailbox(err)
		}},
		{wants("removeMethod"), func() (err error) { f.Methods, err = t.methodsToRemove(ctx); return err }},
		{wants("removeGrant", "removeAppRoleAssignment"), func() (err error) { f.Apps, err = t.appsFound(ctx); return err }},
		{wants("removeMobileDevice"), func() (err error) {
			f.Mobiles, err = t.Graph.MobileDevices(ctx, t.tid(), t.mailbox())
			return noMailbox(err)
		}},
		{wants("removeSweepRule"), func() (err error) {
			f.Sweeps, err = t.Graph.SweepRules(ctx, t.tid(), t.mailbox())
			return noMailbox(err)
		}},
		{wants("removeSharingLink"), func() error {
			d, err := t.Graph.Drive(ctx, t.tid(), t.User.ID)
			if d != nil {
				f.Drive = d.ID
			}
			return passing(err, graphclient.NoDrive)
		}},
		{wants("disableDevice"), func() error { return t.devicesFound(ctx, &f) }},
		{wants("removeDelegate", "removeSendAs", "removeSendOnBehalf"), func() error { return t.trusteesFound(ctx, &f) }},
	}
	for _, l := range looks {
		if !l.wanted {
			continue
		}
		if err := l.look(); err != nil {
			return f, err
		}
	}
	f.orderMethods()
	return f, nil
}

// orderMethods puts the removals of methods, among themselves, into the order in which Microsoft lets them go.
func (f *responseFound) orderMethods() {
	rank := func(b bec.Step) int {
		return slices.IndexFunc(f.Methods, func(m graphclient.AuthMethod) bool { return equalFold(m.ID, last(b.TargetID)) })
	}
	var at []int
	var removals []bec.Step
	for i, b := range f.Plan {
		if b.Action == "removeMethod" && b.Status != jobs.StateManual {
			at, removals = append(at, i), append(removals, b)
		}
	}
	slices.SortStableFunc(removals, func(a, b bec.Step) int { return rank(a) - rank(b) })
	f.Plan = slices.Clone(f.Plan)
	for i, b := range removals {
		f.Plan[at[i]] = b
	}
}

func (t Target) devicesFound(ctx context.Context, f *responseFound) error {
	for _, list := range []func(context.Context, string, string) ([]graphclient.Device, error){t.Graph.OwnedDevices, t.Graph.RegisteredDevices} {
		devices, err := list(ctx, t.tid(), t.User.ID)
		if err != nil {
			return err
		}
		for _, d := range devices {
			if !slices.ContainsFunc(f.Devices, func(x deviceFound) bool { return x.ID == d.ID }) {
				f.Devices = append(f.Devices, deviceFound{d.ID, d.DisplayName, d.OperatingSystem, equalFold(d.TrustType, "ServerAd"), d.AccountEnabled == nil || *d.AccountEnabled})
			}
		}
	}
	return nil
}

// trusteesFound looks the people up who have rights that shall go: the steps name them by their ids.
func (t Target) trusteesFound(ctx context.Context, f *responseFound) error {
	for _, b := range f.Plan {
		who := trusteeOf(b)
		if !slices.Contains([]string{"removeDelegate", "removeSendAs", "removeSendOnBehalf"}, b.Action) || who == "" {
			continue
		}
		u, err := t.Graph.User(ctx, t.tid(), who, "id", "userPrincipalName", "displayName")
		switch graphclient.KindOf(err) {
		case "":
			f.Trustees[who] = u
		case graphclient.NotFound, graphclient.Invalid:
			// somebody of another tenant, or a group: a person has to take that right away
		default:
			return err
		}
	}
	return nil
}

// trusteeOf is who a step of the plan takes a right from: the last part of its target, or its target's name.
func trusteeOf(b bec.Step) string {
	who := b.TargetID
	if i := strings.LastIndexAny(who, "/\\"); i >= 0 {
		who = who[i+1:]
	}
	return who
}

// last is the last part of an id that names the mailbox before the thing.
func last(id string) string { return id[strings.LastIndexAny(id, "/\\")+1:] }

// respond is the step that does what one step of the plan says. What this version does not do is a person's, and says
// so.
func (t Target) respond(s Sealer, f responseFound, b bec.Step, again bool) jobs.Step {
	if b.Status == jobs.StateManual {
		return t.byHand(f, b)
	}
	switch b.Action {
	case "snapshot":
		return snapshotStep(b, f.Snapshot)
	case "litigationHold":
		return softened(LitigationHold(t))
	case "blockSignIn":
		return SetSignIn(t, false)
	case "revokeSessions":
		if again {
			return RevokeAgain(t)
		}
		return RevokeSessions(t)
	case "resetPassword":
		return softened(ResetPassword(t, s, "", true))
	case "removeForwarding":
		return stopForwarding(t)
	case "issueAccessPass":
		return t.handOver(s, f)
	case "allowSignIn":
		return t.reopen(f)
	case "unblockSender":
		return unblockSender(t)
	case "restoreAutoReply":
		return stopAutoReply(t)
	}
	if step, ok := t.removal(f, b); ok {
		return step
	}
	return manualStep(b, "")
}

// removal takes one object away, by its id.
func (t Target) removal(f responseFound, b bec.Step) (jobs.Step, bool) {
	id := last(b.TargetID)
	switch b.Action {
	case "disableRule", "removeRule":
		for _, r := range f.Rules {
			if equalFold(r.Identity, b.TargetID) || ruleNumber(r) == id {
				if b.Action == "removeRule" {
					return removeRule(t, r), true
				}
				return ruleStep(t, r, false), true
			}
		}
	case "removeSweepRule":
		for _, r := range f.Sweeps {
			if equalFold(r.Identity, b.TargetID) || last(r.Identity) == id || r.RuleID != "" && r.RuleID == id {
				return removeSweep(t, r), true
			}
		}
	case "removeMethod":
		for _, m := range f.Methods {
			if equalFold(m.ID, id) {
				if why := f.heldBy(m); why != "" {
					return manualStep(b, why), true
				}
				return removeAuthMethod(t, "remove-"+m.Type()+"-"+m.ID, m), true
			}
		}
	case "removeGrant":
		for _, g := range f.Apps.Grants {
			if g.ID == b.TargetID || g.ID == id {
				return grantStep(t, g, firstOf(f.Apps.Names[g.ClientID], g.ClientID), false), true
			}
		}
	case "removeAppRoleAssignment":
		for _, a := range f.Apps.Assigned {
			if a.ID == b.TargetID || a.ID == id {
				return assignmentStep(t, a, false), true
			}
		}
	case "disableServicePrincipal":
		return servicePrincipalStep(t, id, b.TargetName, false), true
	case "disableDevice":
		for _, d := range f.Devices {
			if equalFold(d.ID, id) {
				return deviceStep(t, d, false), true
			}
		}
	case "removeMobileDevice":
		for _, d := range f.Mobiles {
			if equalFold(d.GUID, id) || equalFold(d.Identity, b.TargetID) || d.DeviceID == id {
				return endPartnership(t, d), true
			}
		}
	case "removeDelegate", "removeSendAs", "removeSendOnBehalf":
		grant := map[string]Grant{"removeDelegate": FullAccess, "removeSendAs": SendAs, "removeSendOnBehalf": SendOnBehalf}[b.Action]
		if who, ok := f.Trustees[trusteeOf(b)]; ok {
			return EndAccess(t, grant, who), true
		}
		return manualStep(b, "the right is held by somebody who is no user of this tenant; take it away in the Exchange admin centre"), true
	case "removeFolderPermission":
		return folderRight(t, b), true
	case "restoreJunkList":
		return junkEntry(t, b), true
	case "removeSharingLink":
		return sharingLink(t, f.Drive, b), true
	default:
		return jobs.Step{}, false
	}
	return goneStep(b), true
}

// heldBy says which method that stays keeps Microsoft from removing this one, "" when none does: a mobile number goes
// only after the alternate one.
func (f responseFound) heldBy(m graphclient.AuthMethod) string {
	if m.PhoneType != "mobile" {
		return ""
	}
	for _, other := range f.Methods {
		goes := slices.ContainsFunc(f.Plan, func(b bec.Step) bool { return b.Action == "removeMethod" && equalFold(last(b.TargetID), other.ID) })
		if other.PhoneType == "alternateMobile" && !goes {
			return "Microsoft removes a mobile number only after the alternate one (" + other.ID + "), of which nobody knows whether it is the user's: ask, write the answer down with cipp-mcp bec attest, and plan again"
		}
	}
	return ""
}

// softened turns what would stop a whole plan into a step for a person: of a response the other steps must go on.
func softened(s jobs.Step) jobs.Step {
	plan := s.Plan
	s.Plan = func(ctx context.Context, run *jobs.Run) (jobs.Change, error) {
		c, err := plan(ctx, run)
		if err == nil && len(c.Blockers) > 0 {
			c.Manual, c.Blockers = strings.Join(c.Blockers, "; "), nil
		}
		return c, err
	}
	return s
}

// onlyShown is a step that writes nothing: it stands in the plan for what it says.
func onlyShown(name string, c jobs.Change) jobs.Step {
	return jobs.Step{Name: name, Class: jobs.Idempotent, Plan: func(context.Context, *jobs.Run) (jobs.Change, error) { return c, nil },
		Do: func(context.Context, *jobs.Run) (jobs.Handle, error) { return nil, nil }, Verify: readBack(func(context.Context) (bool, error) { return true, nil })}
}

func stepName(b bec.Step) string { return strings.ToLower(b.Action) + "-" + b.ID }

func manualStep(b bec.Step, why string) jobs.Step {
	if why == "" {
		why = "this version does not do it by itself"
	}
	return onlyShown(stepName(b), jobs.Change{Summary: fmt.Sprintf("%s %s", b.Action, jobs.Fence(shortened(firstOf(b.TargetName, b.TargetID)))), Target: b.TargetID, Manual: why})
}

func goneStep(b bec.Step) jobs.Step {
	return onlyShown(stepName(b), jobs.Change{Summary: fmt.Sprintf("%s %s", b.Action, jobs.Fence(shortened(firstOf(b.TargetName, b.TargetID)))), Target: b.TargetID, Nothing: "it is not there any more"})
}

// snapshotStep holds a response up until what it destroys was kept.
func snapshotStep(b bec.Step, at time.Time) jobs.Step {
	c := jobs.Change{Summary: "Keep the evidence before anything is changed"}
	if at.IsZero() {
		c.Blockers = []string{"the state of the account has not been kept as evidence yet; call cipp_bec_check with this caseId first"}
	} else {
		c.Nothing = "kept at " + at.UTC().Format(time.RFC3339)
	}
	return onlyShown(stepName(b), c)
}
