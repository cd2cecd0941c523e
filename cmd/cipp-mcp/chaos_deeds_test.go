package main

import (
	"testing"
	"time"
)

// deeds are what every writing tool does once, in every weather.
var deeds = map[string]deed{
	"cipp_create_user": {once: true, begin: func(*world, bool) m {
		return in(harbourline, "displayName", "Nia", "userPrincipalName", "nia@"+harbourline, "mailNickname", "nia")
	}},
	"cipp_edit_user":    {begin: func(*world, bool) m { return in(harbourline, "userId", dana, "jobTitle", "Clerk", "managerId", priya) }},
	"cipp_disable_user": {begin: func(*world, bool) m { return in(harbourline, "userId", dana, "revokeSessions", true) }},
	"cipp_set_group_membership": {begin: func(*world, bool) m {
		return in(harbourline, "userId", dana, "add", []string{"Port Alerts", "O'Hare Route Planning"})
	}},
	"cipp_set_app_assignments": {world: applied, begin: func(*world, bool) m {
		return in(harbourline, "userId", dana, "add", []string{"Tideline CRM:Sales"})
	}},
	"cipp_set_directory_roles": {world: mayGiveRoles, begin: func(*world, bool) m {
		return in(harbourline, "userId", dana, "add", []string{"Reports Reader"})
	}},
	"a role to be activated": {tool: "cipp_set_directory_roles", world: mayGiveRoles, begin: func(*world, bool) m {
		return in(harbourline, "userId", dana, "add", []string{"Reports Reader"}, "eligible", true)
	}},
	"cipp_apply_profile": {world: withProfiles, begin: func(*world, bool) m {
		return in(harbourline, "userId", dana, "profile", "sales")
	}},
	"cipp_bulk_action": {begin: func(*world, bool) m {
		return m{"action": "cipp_edit_user", "tenantFilter": harbourline, "targets": []string{dana, priya}, "arguments": m{"jobTitle": "Clerk"}}
	}},
	"cipp_reset_mfa":       {begin: func(*world, bool) m { return in(harbourline, "userId", dana) }},
	"cipp_revoke_sessions": {begin: func(*world, bool) m { return in(harbourline, "userId", dana) }},
	"cipp_reset_password":  {once: true, begin: func(*world, bool) m { return in(harbourline, "userId", dana) }},
	"cipp_delete_user":     {begin: func(*world, bool) m { return in(harbourline, "userId", dana) }},
	"cipp_enable_user": {begin: func(w *world, _ bool) m {
		w.done("cipp_disable_user", in(harbourline, "userId", dana))
		return in(harbourline, "userId", dana)
	}},
	"cipp_restore_user": {begin: func(w *world, _ bool) m {
		w.done("cipp_delete_user", in(harbourline, "userId", dana))
		return in(harbourline, "userId", dana)
	}},
	"cipp_offboard_user": {begin: func(_ *world, moves bool) m {
		args := in(harbourline, "userId", dana, "hideFromGal", true, "outOfOfficeMessage", "gone", "forwardingAddress", priya, "fullAccess", []string{priya}, "sendAs", []string{priya}, "removeFromGroups", true, "clearManager", true)
		if !moves {
			args = and(args, "convertToShared", true, "removeLicenses", true, "cancelMeetings", true)
		}
		return args
	}},
	"cipp_manage_user_licenses": {begin: func(w *world, _ bool) m {
		w.done("cipp_manage_user_licenses", in(harbourline, "userId", stefan, "addLicenseSkuIds", []string{"AAD_PREMIUM_P2"}))
		return in(harbourline, "userId", stefan, "addLicenseSkuIds", []string{"VISIOCLIENT"}, "removeLicenseSkuIds", []string{"AAD_PREMIUM_P2"})
	}},
	"cipp_reprocess_licenses": {spare: 1, begin: func(*world, bool) m { return in(harbourline, "userId", gareth) }},
	"cipp_set_user_mfa": {begin: func(*world, bool) m {
		return in(harbourline, "userId", dana, "state", "enforced", "defaultMethod", "sms")
	}},
	"cipp_add_mfa_phone": {begin: func(*world, bool) m { return in(harbourline, "userId", noor, "phoneNumber", "+44 7700900199") }},
	"cipp_remove_mfa_method": {begin: func(*world, bool) m {
		return in(harbourline, "userId", noor, "methodIds", []string{noorsOATH})
	}},
	"cipp_set_password_expiration": {begin: func(*world, bool) m {
		return in(harbourline, "userId", dana, "expires", false, "expireNow", true)
	}},
	"cipp_invite_guest": {begin: func(*world, bool) m {
		return in(harbourline, "mail", "pat@fabrikam.example", "displayName", "Pat")
	}},
	"everything of a new user": {tool: "cipp_create_user", once: true, fresh: true, begin: func(_ *world, moves bool) m {
		args := newNia("usageLocation", "GB", "managerId", priya, "groups", []string{"CRM Users"}, "employeeLeaveDateTime", "2026-12-31")
		if !moves {
			args = and(args, "licenses", []string{"SPE_E5"}, "aliases", []string{"nia"}, "groups", []string{"CRM Users", "All Staff"})
		}
		return args
	}},
	"a user's picture": {tool: "cipp_edit_user", begin: func(*world, bool) m {
		return in(harbourline, "userId", dana, "photo", m{"base64": animated()}, "extensionAttributes", m{"1": "red"})
	}},
	"cipp_send_mfa_push": {spare: 2, fresh: true, world: func(*testing.T) worldOptions { return worldOptions{config: "mfaPush: {enabled: true}\n"} }, begin: func(*world, bool) m {
		return in(harbourline, "userId", dana)
	}},
	"cipp_purge_user": {world: func(*testing.T) worldOptions { return worldOptions{config: "guards: {purge: allow}\n"} }, begin: func(w *world, _ bool) m {
		w.done("cipp_delete_user", in(harbourline, "userId", stefan))
		return in(harbourline, "userId", stefan)
	}},
	"cipp_set_source_of_authority": {begin: func(*world, bool) m { return in(harbourline, "userId", ingrid, "sourceOfAuthority", "cloud") }},
	"cipp_clear_immutable_id": {begin: func(w *world, _ bool) m {
		w.patches(dana, m{"onPremisesImmutableId": "ZGFuYQ=="})
		return in(harbourline, "userId", dana)
	}},
	"cipp_assign_device": {begin: func(w *world, _ bool) m { return in(harbourline, "userId", priya, "deviceId", w.deviceOf(dana)) }},
	"cipp_create_tap":    {seals: true, lost: true, begin: func(*world, bool) m { return in(harbourline, "userId", dana, "usableOnce", true) }},
	"what outlives the account": {tool: "cipp_offboard_user", world: outliving, begin: func(*world, bool) m {
		return in(harbourline, "userId", dana, "disableOneDriveSharing", true, "unassignPhoneNumbers", true, "clearImmutableId", true)
	}},
	"cipp_remove_inbox_rule": {begin: func(*world, bool) m {
		return in(demoVictimTenant, "userId", demoVictim, "ruleId", "7293822569102704641")
	}},
	"cipp_set_email_forwarding": {begin: func(*world, bool) m { return in(demoVictimTenant, "userId", demoVictim, "disable", true) }},
	"cipp_edit_mailbox": {begin: func(*world, bool) m {
		return in(harbourline, "userId", dana, "addAliases", "d.w", "hideFromGal", true, "archive", "autoExpanding", "protocols", "imap=off", "quotas", "warn=40", "litigationHold", true)
	}},
	"cipp_convert_mailbox": {still: true, begin: func(*world, bool) m { return in(harbourline, "userId", dana, "type", "shared") }},
	"cipp_set_out_of_office": {begin: func(*world, bool) m {
		return in(harbourline, "userId", dana, "state", "enabled", "internalMessage", "gone")
	}},
	"cipp_set_mailbox_permissions": {begin: func(*world, bool) m {
		return in(harbourline, "userId", gareth, "add", []string{"fullAccess:" + priya, "sendAs:" + priya, "sendOnBehalf:" + priya}, "remove", "fullAccess:"+noor)
	}},
	"cipp_set_calendar_permissions": {begin: func(*world, bool) m {
		return in(harbourline, "userId", gareth, "add", []string{"edit:" + priya, "titles:default"}, "remove", noor)
	}},
	"cipp_provision_onedrive": {still: true, world: asPartner, begin: func(*world, bool) m { return in(harbourline, "userId", dana) }},
	"cipp_add_onedrive_shortcut": {begin: func(*world, bool) m {
		return in(harbourline, "userId", yuki, "siteUrl", customsSite)
	}},
	"cipp_set_site_access": {world: asPartner, begin: func(*world, bool) m {
		return in(harbourline, "userId", dana, "add", []string{"member:" + customsSite, "owner:" + projectsSite}, "remove", "visitor:"+customsSite)
	}},
	"cipp_bec_remediate": {once: true, begin: func(w *world, _ bool) m {
		return in(demoVictimTenant, "userId", demoVictim, "caseId", investigated(w).v["caseId"])
	}},
	"cipp_undo_job": {begin: func(w *world, _ bool) m {
		return m{"jobId": w.done("cipp_edit_user", in(harbourline, "userId", dana, "jobTitle", "Clerk", "managerId", priya)).v["jobId"]}
	}},
	"cipp_control_job": {other: func(args m) string { return args["jobId"].(string) }, begin: func(w *world, _ bool) m {
		at := w.env.Clock.Now().Add(time.Hour).Format(time.RFC3339)
		id := w.must("cipp_disable_user", in(harbourline, "userId", dana, "runAt", at)).v["jobId"]
		w.done("cipp_control_job", m{"jobId": id, "action": "cancel"})
		w.ended(id.(string))
		w.sandbox.Advance(2 * time.Hour)
		return m{"jobId": id, "action": "resume"}
	}},
}

func asPartner(*testing.T) worldOptions { return worldOptions{partner: true} }
