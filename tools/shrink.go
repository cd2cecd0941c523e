package tools

import (
	"fmt"

	"cipp-mcp/internal/jobs"
)

// cuttable is a list inside a result that may be shown in part when the result is too long.
type cuttable struct {
	name string
	rows int
	cut  func(n int)
}

func cuttableList[T any](name string, rows *[]T) cuttable {
	return cuttable{name, len(*rows), func(n int) { *rows = (*rows)[:n] }}
}

// cutLongest drops the second half of the longest list and says which it was and how many rows are left;
// ok is false when there is nothing left to drop.
func cutLongest(lists []cuttable) (name string, left int, ok bool) {
	var longest cuttable
	for _, l := range lists {
		if l.rows > longest.rows {
			longest = l
		}
	}
	if longest.rows < 2 {
		return "", 0, false
	}
	longest.cut(longest.rows / 2)
	return longest.name, longest.rows / 2, true
}

// noteCut says in a result's own list of what is missing that a section is shown in part.
func noteCut(to *[]Unavailable, section string, left int, next string) {
	said := Unavailable{Section: section, Reason: fmt.Sprintf("only the first %d are shown, the answer would be too long", left), Next: next}
	for i, u := range *to {
		if u.Section == section {
			(*to)[i] = said
			return
		}
	}
	*to = append(*to, said)
}

// Shrink shows less of the longest section.
func (o *GetUserOut) Shrink() bool {
	lists := []cuttable{
		cuttableList("licenses", &o.Licenses), cuttableList("groups", &o.Groups), cuttableList("roles", &o.Roles), cuttableList("apps", &o.Apps),
		cuttableList("consents", &o.Consents), cuttableList("signIns", &o.SignIns), cuttableList("devices", &o.Devices), cuttableList("sites", &o.Sites), cuttableList("profiles", &o.Profiles), cuttableList("schedules", &o.Schedules),
	}
	if o.Manager != nil {
		lists = append(lists, cuttableList("manager", &o.Manager.DirectReports))
	}
	if o.Risk != nil {
		lists = append(lists, cuttableList("risk", &o.Risk.Detections))
	}
	if o.MFA != nil {
		lists = append(lists, cuttableList("mfa", &o.MFA.Methods))
	}
	if o.Mailbox != nil {
		lists = append(lists, cuttableList("mailbox", &o.Mailbox.Aliases), cuttableList("mailbox", &o.Mailbox.Holds))
	}
	for k, v := range o.Attributes {
		if rows, ok := v.([]any); ok {
			lists = append(lists, cuttable{"attributes", len(rows), func(n int) { o.Attributes[k] = rows[:n] }})
		}
	}
	name, left, ok := cutLongest(lists)
	if ok {
		next := map[string]string{"groups": "cipp_list_user_groups has them all.", "devices": "cipp_list_user_devices has them all.", "signIns": "cipp_list_user_signin_logs has them all."}[name]
		if next == "" {
			next = "Ask for this section alone."
		}
		noteCut(&o.Unavailable, name, left, next)
	}
	return ok
}

// Shrink shows fewer domains.
func (o *TenantDetailsOut) Shrink() bool {
	name, left, ok := cutLongest([]cuttable{cuttableList("domains", &o.Domains)})
	if ok {
		noteCut(&o.Unavailable, name, left, "Ask for this section alone.")
	}
	return ok
}

// Shrink leaves steps out and counts them: of a plan the last, of what was executed those that are done.
func (r *WriteResult) Shrink() bool {
	if r.Plan != nil && len(r.Plan.Changes) > 1 {
		n := len(r.Plan.Changes) / 2
		r.NotShown += len(r.Plan.Changes) - n
		shorter := *r.Plan
		shorter.Changes = r.Plan.Changes[:n:n]
		r.Plan = &shorter
		return true
	}
	if len(r.Steps) < 2 {
		return false
	}
	drop := len(r.Steps) / 2
	for _, ended := range []func(string) bool{
		func(s string) bool { return s == jobs.StateDone || s == jobs.StateNothing },
		func(string) bool { return true },
	} {
		kept := make([]jobs.StepResult, 0, len(r.Steps))
		for i, s := range r.Steps {
			if drop > 0 && ended(s.State) && i > 0 {
				drop--
				r.NotShown++
				continue
			}
			kept = append(kept, s)
		}
		r.Steps = kept
	}
	return true
}
