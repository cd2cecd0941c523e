package tools

import (
	"cmp"
	"slices"
	"strings"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

// auditCategories are Microsoft's categories for our types; what is not among them is UserManagement's.
//
// Reference: https://learn.microsoft.com/entra/identity/monitoring-health/reference-audit-activities
var auditCategories = map[string]string{
	"user": "UserManagement", "signInState": "UserManagement", "password": "UserManagement", "mfa": "UserManagement", "license": "UserManagement",
	"group": "GroupManagement", "role": "RoleManagement", "app": "ApplicationManagement", "device": "Device", "policy": "Policy",
}

// entraType is our type of a directory audit: by its category, and within UserManagement by what it did.
func entraType(a graphclient.DirectoryAudit) string {
	for t, category := range auditCategories {
		if category == a.Category && category != "UserManagement" {
			return t
		}
	}
	does := strings.ToLower(a.ActivityDisplayName)
	changed := func(properties ...string) bool {
		return slices.ContainsFunc(a.TargetResources, func(t graphclient.AuditTarget) bool {
			return slices.ContainsFunc(t.ModifiedProperties, func(m graphclient.ModifiedProperty) bool {
				return slices.ContainsFunc(properties, func(p string) bool { return strings.HasPrefix(m.DisplayName, p) })
			})
		})
	}
	switch {
	case a.Category != "UserManagement":
		return ""
	case strings.Contains(does, "license") || changed("AssignedLicense"):
		return "license"
	case a.LoggedByService == "Authentication Methods" || strings.Contains(does, "security info") || strings.Contains(does, "strong authentication") || changed("StrongAuthentication"):
		return "mfa"
	case strings.Contains(does, "password"):
		return "password"
	case strings.Contains(does, "enable account") || strings.Contains(does, "disable account") || strings.Contains(does, "stsrefreshtoken") || changed("AccountEnabled"):
		return "signInState"
	default:
		return "user"
	}
}

// toolTypes are what our own tools change, for the journal's lines; a tool that is not among them is of no single type.
var toolTypes = map[string]string{
	"cipp_create_user": "user", "cipp_edit_user": "user", "cipp_delete_user": "user", "cipp_restore_user": "user", "cipp_purge_user": "user", "cipp_invite_guest": "user", "cipp_set_source_of_authority": "user", "cipp_clear_immutable_id": "user",
	"cipp_disable_user": "signInState", "cipp_enable_user": "signInState", "cipp_revoke_sessions": "signInState", "cipp_reset_password": "password", "cipp_set_password_expiration": "password",
	"cipp_set_user_mfa": "mfa", "cipp_add_mfa_phone": "mfa", "cipp_remove_mfa_method": "mfa", "cipp_reset_mfa": "mfa", "cipp_create_tap": "mfa", "cipp_send_mfa_push": "mfa",
	"cipp_manage_user_licenses": "license", "cipp_reprocess_licenses": "license", "cipp_set_group_membership": "group", "cipp_set_directory_roles": "role", "cipp_set_app_assignments": "app", "cipp_assign_device": "device",
	"cipp_edit_mailbox": "mailbox", "cipp_convert_mailbox": "mailbox", "cipp_set_out_of_office": "mailbox", "cipp_set_email_forwarding": "mailbox", "cipp_remove_inbox_rule": "mailbox", "cipp_set_mailbox_permissions": "mailbox", "cipp_set_calendar_permissions": "mailbox",
}

// stepTypes are the same for the steps of tools that change many things, by a word of the step's name.
var stepTypes = []struct{ word, is string }{
	{"licen", "license"}, {"password", "password"}, {"mfa", "mfa"}, {"method", "mfa"}, {"group", "group"}, {"role", "role"}, {"app", "app"}, {"device", "device"},
	{"disable", "signInState"}, {"enable", "signInState"}, {"session", "signInState"},
}

// journalRows are the journal's lines, those of one type where one is asked for. A step's line does not name its tool;
// the run's other lines do.
func journalRows(lines []jobs.JournalLine, wanted string) []LogRow {
	tool := map[string]string{}
	for _, l := range lines {
		if l.Event.Tool != "" && l.RunID != "" {
			tool[l.RunID] = l.Event.Tool
		}
	}
	rows := []LogRow{}
	for _, l := range lines {
		if wanted == "" || journalType(l.Event, tool[l.RunID]) == wanted {
			rows = append(rows, journalRow(l))
		}
	}
	return rows
}

func journalType(e jobs.Event, of string) string {
	if t := toolTypes[cmp.Or(e.Tool, of)]; t != "" {
		return t
	}
	for _, s := range stepTypes {
		if strings.Contains(e.Step, s.word) {
			return s.is
		}
	}
	return ""
}
