package main

import (
	"strings"
	"testing"
)

// What models write who have only the list of tools: other names, other words, other shapes. Where only one thing can be
// meant it is taken; where not, one sentence names who or what is near, and nothing is taken for it.
func TestWhatModelsWrite(t *testing.T) {
	w := newWorld(t, worldOptions{})
	before := w.state()
	for name, c := range map[string]struct {
		tool  string
		args  m
		words []string
		not   string
	}{
		"email for userId":          {"cipp_get_user", in(harbourline, "email", dana), []string{dana}, ""},
		"licence, one, by its name": {"cipp_create_user", in(harbourline, "displayName", "Nia", "email", nia, "licence", "Microsoft 365 E5", "usageLocation", "GB", "dryRun", true), []string{"planned", "Microsoft 365 E5"}, ""},
		"a link's own keys": {"cipp_create_user", m{"customerId": harbourline, "displayName": "Nia", "mailNickname": "nia", "primDomain": harbourline, "givenName": "Nia", "surname": "Reyes", "businessPhones": "+44 1632960001", "city": "Hull", "companyName": "H", "country": "GB",
			"department": "Claims", "jobTitle": "Clerk", "mobilePhone": "+44 7700900188", "addedAliasses": "front", "postalCode": "HU1", "streetAddress": "1 Quay", "usageLocation": "GB", "MustChangePass": "true", "licenses": "SPE_E5", "dryRun": true}, []string{"planned"}, ""},
		"Exchange's and Graph's audience": {"cipp_set_out_of_office", in(harbourline, "userId", dana, "state", "enabled", "internalMessage", "x", "externalAudience", "contactsOnly", "dryRun", true), []string{"planned"}, ""},
		"short names of properties":       {"cipp_edit_user", in(harbourline, "userId", dana, "title", "Clerk", "office", "Hull", "mobile", "+44 7700900188", "dryRun", true), []string{"planned", "jobTitle=«Clerk»"}, ""},
		"archive, hidden":                 {"cipp_edit_mailbox", in(harbourline, "userId", dana, "enableArchive", true, "hideFromAddressLists", true, "dryRun", true), []string{"planned"}, ""},
		"roles of a catalogue":            {"cipp_list_access_catalog", in(harbourline, "kind", "roles", "search", "helpdesk"), []string{"Helpdesk Administrator"}, ""},
		"UK is GB":                        {"cipp_create_user", newNia("usageLocation", "UK", "licenses", "SPE_E5", "dryRun", true), []string{"planned"}, ""},
		"names of arguments in snake":     {"cipp_offboard_user", in(harbourline, "userId", dana, "convert_to_shared", true, "remove_licences", "true", "dryRun", true), []string{"planned", "convert-to-shared", "remove-licenses"}, ""},
		"disabled users are blocked ones": {"cipp_list_users", in(harbourline, "kind", "disabled"), []string{stefan}, dana},
		"guests":                          {"cipp_list_users", in(harbourline, "kind", "guests"), []string{anna}, dana},
		"Exchange's word for shared":      {"cipp_convert_mailbox", in(harbourline, "userId", dana, "type", "SharedMailbox", "dryRun", true), []string{"SharedMailbox"}, ""},
		"Shared Mailbox":                  {"cipp_list_mailboxes", in(harbourline, "type", "Shared Mailbox"), []string{dispatch}, ""},
		"no mfa, of all":                  {"cipp_list_mfa_users", in("all tenants", "report", "no mfa"), []string{"WITHOUT MFA"}, ""},
		"sections in one text":            {"cipp_get_user", in(harbourline, "userId", dana, "sections", "summary, sign-ins"), []string{"«Dana Whitfield»", "sign-in 2026"}, ""},
		"people in one text":              {"cipp_bulk_action", m{"action": "Revoke sessions", "tenantFilter": harbourline, "targets": dana + ", " + priya, "dryRun": true}, []string{"2 rows"}, ""},
		"a table with other headers":      {"cipp_bulk_action", m{"action": "revoke_sessions", "tenantFilter": harbourline, "csv": "User Principal Name\n" + dana + "\n" + priya + "\n", "dryRun": true}, []string{"2 rows"}, ""},
		"why somebody cannot sign in":     {"cipp_list_user_signin_logs", in(harbourline, "userId", stefan), []string{"BLOCKED", "cipp_enable_user"}, ""},
		"no sign-in is said":              {"cipp_get_user", in(harbourline, "userId", stefan, "sections", "signIns"), []string{"no sign-in"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			a := w.must(c.tool, c.args)
			for _, want := range c.words {
				if !strings.Contains(a.text, want) {
					t.Errorf("no %q in %s", want, a.text)
				}
			}
			if c.not != "" && strings.Contains(a.text, c.not) {
				t.Errorf("%q is in %s", c.not, a.text)
			}
		})
	}
	for name, c := range map[string]struct {
		code, tool string
		args       m
		words      []string
		not        string
	}{
		"a display name":            {"user_not_found", "cipp_disable_user", in(harbourline, "userId", "Dana Whitfield"), []string{"near it: " + dana}, ""},
		"a misspelt sign-in name":   {"user_not_found", "cipp_get_user", in(harbourline, "userId", "dana.whitfeld@"+harbourline), []string{"near it: " + dana}, ""},
		"a manager by name":         {"invalid_argument", "cipp_create_user", newNia("manager", "Priya Shah"), []string{"managerId", priya}, ""},
		"a licence by half a name":  {"invalid_argument", "cipp_create_user", newNia("usageLocation", "GB", "licenses", "E5"), []string{"licenses: ", "SPE_E5 (Microsoft 365 E5)"}, "addLicenseSkuIds"},
		"a group by half a name":    {"invalid_argument", "cipp_set_group_membership", in(harbourline, "userId", priya, "add", "sales"), []string{"near it: ", "«Sales Team»"}, ""},
		"a holder by display name":  {"invalid_argument", "cipp_set_mailbox_permissions", in(harbourline, "userId", gareth, "add", "fullAccess:Priya Shah"), []string{"near it: " + priya}, ""},
		"a country in full":         {"invalid_argument", "cipp_create_user", newNia("usageLocation", "United Kingdom"), []string{"usageLocation", "ISO 3166"}, ""},
		"a country there is not":    {"invalid_argument", "cipp_edit_user", in(harbourline, "userId", dana, "usageLocation", "XX"), []string{"ISO 3166, such as GB"}, ""},
		"an argument far from any":  {"invalid_argument", "cipp_set_mailbox_permissions", in(harbourline, "userId", dana, "accessRights", "FullAccess"), []string{"It takes: tenantFilter"}, "nearest"},
		"a value far from any":      {"invalid_argument", "cipp_list_users", in(harbourline, "kind", "robot"), []string{"must be one of member"}, "nearest"},
		"objects for text":          {"invalid_argument", "cipp_set_mailbox_permissions", in(harbourline, "userId", dana, "add", []m{{"right": "fullAccess", "who": priya}}), []string{"fullAccess:who"}, ""},
		"a table without a header":  {"invalid_argument", "cipp_bulk_action", m{"action": "cipp_revoke_sessions", "tenantFilter": harbourline, "csv": dana + "\n" + priya + "\n"}, []string{"header"}, "tenantFilter"},
		"one mistake of many rows":  {"invalid_argument", "cipp_bulk_action", m{"action": "cipp_revoke_sessions", "tenantFilter": harbourline, "csv": "userId,Shoe\n" + dana + ",44\n" + priya + ",45\n"}, []string{"rows 1, 2: "}, ""},
		"a function in a filter":    {"invalid_argument", "cipp_list_users", in(harbourline, "filter", "startswith(displayName,'Dana')"), []string{"displayName startsWith 'Dana'"}, ""},
		"a word of a list left out": {"invalid_argument", "cipp_set_out_of_office", in(harbourline, "userId", dana, "internalMessage", "x"), []string{"state: enabled, disabled, scheduled"}, ""},
		"a job that is not there":   {"job_not_found", "cipp_undo_job", m{"jobId": "last"}, []string{"status=all"}, ""},
		"all where one is meant":    {"one_tenant_only", "cipp_get_user", in("all", "userId", dana), nil, ""},
		"another mail by an edit":   {"invalid_argument", "cipp_edit_user", in(harbourline, "userId", dana, "email", "d@"+harbourline), []string{"has no argument email"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			a := w.refused(c.code, c.tool, c.args)
			for _, want := range c.words {
				if !strings.Contains(a.text, want) {
					t.Errorf("no %q in %s", want, a.text)
				}
			}
			if c.not != "" && strings.Contains(a.text, c.not) || len(a.text) > 1200 {
				t.Errorf("%q is in %s", c.not, a.text)
			}
		})
	}
	w.unharmed(before)
}

// What is the same for many rows is said once.
func TestABulkSaysOnceWhatManyRowsHaveInCommon(t *testing.T) {
	w := newWorld(t, worldOptions{noPass: true})
	a := w.blocked("no operator's passphrase", "cipp_bulk_action", m{"action": "reset password", "tenantFilter": harbourline, "targets": []string{dana, priya, gareth, noor}, "dryRun": true})
	if n := strings.Count(a.text, "no operator's passphrase"); n != 1 || !strings.Contains(a.text, "(likewise 3 more rows)") {
		t.Errorf("%d times: %s", n, a.text)
	}
	w.blocked("blocked: cipp_set_source_of_authority is always critical; that needs the operator's approval", "cipp_set_source_of_authority", in(harbourline, "userId", ingrid, "sourceOfAuthority", "Cloud Managed", "dryRun", true))
}
