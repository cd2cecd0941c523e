package tools

import (
	"slices"
	"strings"
)

// Presets are sets of tools for one kind of work. What is not in the preset costs no client anything; an operator adds
// single tools or whole toolsets to it.
func Presets() []string {
	return []string{"default", "triage", "helpdesk", "offboarding", "bec", "all"}
}

// helpdesk are the writes of a service desk's day, beside all that only reads.
var helpdesk = []string{
	"cipp_edit_user", "cipp_enable_user", "cipp_disable_user", "cipp_reset_password", "cipp_set_password_expiration", "cipp_revoke_sessions",
	"cipp_reset_mfa", "cipp_create_tap", "cipp_add_mfa_phone", "cipp_remove_mfa_method", "cipp_set_group_membership", "cipp_manage_user_licenses",
	"cipp_set_out_of_office", "cipp_set_mailbox_permissions", "cipp_set_calendar_permissions", "cipp_control_job", "cipp_undo_job",
}

// leaving are the tools around a leaver.
var leaving = []string{
	"cipp_list_tenants", "cipp_get_tenant_details", "cipp_list_users", "cipp_get_user", "cipp_list_user_groups", "cipp_list_user_devices", "cipp_list_mailbox_permissions",
	"cipp_offboard_user", "cipp_disable_user", "cipp_delete_user", "cipp_restore_user", "cipp_set_email_forwarding", "cipp_set_out_of_office",
	"cipp_list_scheduled_items", "cipp_get_job", "cipp_control_job", "cipp_undo_job",
}

// compromised are the tools around an account that somebody may have taken over.
var compromised = []string{
	"cipp_list_tenants", "cipp_list_users", "cipp_get_user", "cipp_bec_check", "cipp_bec_remediate", "cipp_revoke_sessions", "cipp_list_user_signin_logs",
	"cipp_list_audit_logs", "cipp_remove_inbox_rule", "cipp_set_email_forwarding", "cipp_create_tap", "cipp_get_job", "cipp_undo_job",
}

// In says whether a tool is in a preset.
func (t Tool) In(preset string) bool {
	switch preset {
	case "all":
		return true
	case "triage":
		return !t.Writes()
	case "helpdesk":
		return !t.Writes() || slices.Contains(helpdesk, t.Name)
	case "offboarding":
		return slices.Contains(leaving, t.Name)
	case "bec":
		return slices.Contains(compromised, t.Name)
	default:
		return !t.Extra
	}
}

// Toolsets are the groups of tools, in their order.
func Toolsets() []string {
	var out []string
	for _, t := range All() {
		if !slices.Contains(out, t.Toolset) {
			out = append(out, t.Toolset)
		}
	}
	return out
}

// Found are the tools that fit what somebody looks for, the best first.
func Found(query string, among []Tool, most int) []Tool {
	words := strings.FieldsFunc(strings.ToLower(query), func(r rune) bool { return r == ' ' || r == '_' || r == ',' || r == '-' })
	type hit struct {
		t     Tool
		score int
	}
	var hits []hit
	for _, t := range among {
		name, title, text := strings.ToLower(t.Name), strings.ToLower(t.Title), strings.ToLower(t.Description+" "+t.Toolset)
		score := 0
		for _, w := range words {
			w = strings.TrimSuffix(w, "s")
			switch {
			case w == "" || w == "cipp" || w == "user":
			case strings.Contains(name, w):
				score += 4
			case strings.Contains(title, w):
				score += 3
			case strings.Contains(text, w):
				score++
			}
		}
		if score > 0 || len(words) == 0 {
			hits = append(hits, hit{t, score})
		}
	}
	slices.SortStableFunc(hits, func(a, b hit) int { return b.score - a.score })
	var out []Tool
	for _, h := range hits[:min(len(hits), most)] {
		out = append(out, h.t)
	}
	return out
}
