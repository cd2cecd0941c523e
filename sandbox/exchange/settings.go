package exchange

import (
	"slices"
	"strings"
	"time"

	"cipp-mcp/sandbox/cloud"
)

func (c *call) autoReplyView(m cloud.Object) cloud.Object {
	v := cloud.Object{"Identity": c.mailboxRecipient(m).name, "MailboxOwnerId": c.mailboxRecipient(m).name, "AutoReplyState": "Disabled", "InternalMessage": "", "ExternalMessage": "", "ExternalAudience": "All",
		"StartTime": cloud.Stamp(c.tenant.Now()), "EndTime": cloud.Stamp(c.tenant.Now().Add(24 * time.Hour)), "AutoDeclineFutureRequestsWhenOOF": false, "CreateOOFEvent": false,
		"DeclineAllEventsForScheduledOOF": false, "DeclineEventsForScheduledOOF": false, "DeclineMeetingMessage": "", "OOFEventSubject": "", "EventsToDeleteIDs": nil}
	for k, x := range cloud.Child(m, "AutoReply") {
		v[k] = x
	}
	return v
}

func getMailboxAutoReplyConfiguration(c *call) ([]cloud.Object, error) {
	m, err := c.identified()
	if err != nil {
		return nil, err
	}
	return []cloud.Object{c.autoReplyView(m)}, nil
}

var onlyScheduled = []string{"CreateOOFEvent", "AutoDeclineFutureRequestsWhenOOF", "DeclineEventsForScheduledOOF"}

func setMailboxAutoReplyConfiguration(c *call) ([]cloud.Object, error) {
	m, err := c.identified()
	if err != nil {
		return nil, err
	}
	v := c.autoReplyView(m)
	for name, given := range c.p {
		if _, known := v[name]; !known || name == "Identity" {
			continue
		}
		switch name {
		case "StartTime", "EndTime":
			if t, ok := c.p.date(name); ok {
				given = cloud.Stamp(t)
			}
		case "AutoReplyState", "ExternalAudience":
			given = c.def.parameters()[strings.ToLower(name)].canonical(c.p.text(name))
		}
		v[name] = given
	}
	for _, name := range onlyScheduled {
		if c.p.flag(name) && v["AutoReplyState"] != "Scheduled" {
			return nil, invalid("System.InvalidOperationException", "The parameter %s can only be used with AutoReplyState Scheduled.", name)
		}
	}
	if c.p.flag("DeclineAllEventsForScheduledOOF") && v["DeclineEventsForScheduledOOF"] != true {
		return nil, invalid("System.InvalidOperationException", "DeclineAllEventsForScheduledOOF needs DeclineEventsForScheduledOOF.")
	}
	if v["AutoReplyState"] == "Scheduled" && cloud.Str(v, "EndTime") <= cloud.Str(v, "StartTime") {
		return nil, invalid("Microsoft.Exchange.Data.Storage.InvalidScheduledOofDuration", "The end time must be later than the start time.")
	}
	c.keep(m, "AutoReply", v)
	if v["AutoReplyState"] == "Scheduled" { // times that were not given are fixed now
		kept := cloud.Child(m, "AutoReply")
		kept["StartTime"], kept["EndTime"] = v["StartTime"], v["EndTime"]
	}
	return nil, nil
}

// keep stores in a part of a mailbox's row what the parameters named, as v has it, and leaves the rest of
// the part as it was: what nobody ever set stays out of the state.
func (c *call) keep(m cloud.Object, part string, v cloud.Object) {
	stored := cloud.Child(m, part)
	if stored == nil {
		stored = cloud.Object{}
		m[part] = stored
	}
	for name := range c.p {
		if x, ok := v[name]; ok && name != "Identity" {
			stored[name] = x
		}
	}
}

// canonical is a value as the cmdlet's reference writes it.
func (p parameter) canonical(s string) string {
	for _, v := range p.values {
		if strings.EqualFold(v, s) {
			return v
		}
	}
	return s
}

func (c *call) junkView(m cloud.Object) cloud.Object {
	v := cloud.Object{"Identity": c.mailboxRecipient(m).name, "Enabled": true, "TrustedListsOnly": false, "ContactsTrusted": false, "SenderScreeningEnabled": false,
		"TrustedSendersAndDomains": []any{}, "BlockedSendersAndDomains": []any{}, "TrustedRecipientsAndDomains": []any{}}
	for k, x := range cloud.Child(m, "JunkEmail") {
		v[k] = x
	}
	return v
}

func getMailboxJunkEmailConfiguration(c *call) ([]cloud.Object, error) {
	m, err := c.identified()
	if err != nil {
		return nil, err
	}
	return []cloud.Object{c.junkView(m)}, nil
}

func setMailboxJunkEmailConfiguration(c *call) ([]cloud.Object, error) {
	m, err := c.identified()
	if err != nil {
		return nil, err
	}
	v := c.junkView(m)
	if err := c.overlay(v); err != nil {
		return nil, err
	}
	c.keep(m, "JunkEmail", v)
	return nil, nil
}

// overlay puts every given parameter that names a property of v into v.
func (c *call) overlay(v cloud.Object) error {
	for name, given := range c.p {
		old, known := v[name]
		if !known || name == "Identity" {
			continue
		}
		if _, list := old.([]any); list {
			l, err := c.p.change(name, cloud.List(v, name), func(s string) (string, error) { return s, nil })
			if err != nil {
				return err
			}
			given = l
		}
		v[name] = given
	}
	return nil
}

func (c *call) casView(m cloud.Object) cloud.Object {
	r := c.mailboxRecipient(m)
	v := cloud.Object{"Identity": r.name, "Name": r.name, "DisplayName": r.display, "PrimarySmtpAddress": r.smtp, "ExternalDirectoryObjectId": r.id, "EmailAddresses": orEmptyList(r.addresses),
		"ActiveSyncEnabled": true, "OWAEnabled": true, "OWAforDevicesEnabled": true, "ECPEnabled": true, "PopEnabled": true, "ImapEnabled": true, "MAPIEnabled": true, "EwsEnabled": nil, "OutlookMobileEnabled": true,
		"MacOutlookEnabled": nil, "UniversalOutlookEnabled": true, "OneWinNativeOutlookEnabled": true, "SmtpClientAuthenticationDisabled": nil, "ActiveSyncAllowedDeviceIDs": []any{}, "ActiveSyncBlockedDeviceIDs": []any{},
		"HasActiveSyncDevicePartnership": len(cloud.List(m, "MobileDevices")) > 0, "EwsAllowList": []any{}, "EwsBlockList": []any{}, "EwsApplicationAccessPolicy": nil, "EwsAllowOutlook": nil, "EwsAllowMacOutlook": nil,
		"PublicFolderClientAccess": false, "ShowGalAsDefaultView": true, "ActiveSyncMailboxPolicy": "Default", "OwaMailboxPolicy": "OwaMailboxPolicy-Default"}
	for k, x := range cloud.Child(m, "CASMailbox") {
		v[k] = x
	}
	return v
}

func getCASMailbox(c *call) ([]cloud.Object, error) {
	if c.p.text("Identity") != "" {
		m, err := c.identified()
		if err != nil {
			return nil, err
		}
		return []cloud.Object{c.casView(m)}, nil
	}
	var out []cloud.Object
	for _, m := range c.tenant.Mailboxes() {
		r := c.mailboxRecipient(m)
		if cloud.Str(m, "WhenSoftDeleted") == "" && inList(c.p.texts("RecipientTypeDetails"), r.details) && (c.p.text("Anr") == "" || r.matches(c.p.text("Anr"))) {
			out = append(out, c.casView(m))
		}
	}
	return c.filtered(out)
}

func setCASMailbox(c *call) ([]cloud.Object, error) {
	m, err := c.identified()
	if err != nil {
		return nil, err
	}
	v := c.casView(m)
	for name := range c.p {
		if _, known := v[name]; !known && !setMailboxManner[name] {
			c.service.unknown(c.def.name, "-"+name)
			return nil, badParameter("The parameter '%s' is not simulated.", name)
		}
	}
	if err := c.overlay(v); err != nil {
		return nil, err
	}
	c.keep(m, "CASMailbox", v)
	return nil, nil
}

func (c *call) calendarView(m cloud.Object) cloud.Object {
	r := c.mailboxRecipient(m)
	automate := "AutoUpdate"
	if r.details == "RoomMailbox" || r.details == "EquipmentMailbox" {
		automate = "AutoAccept"
	}
	v := cloud.Object{"Identity": r.name, "AutomateProcessing": automate, "AllowConflicts": false, "AllowRecurringMeetings": true, "BookingWindowInDays": float64(180), "MaximumDurationInMinutes": float64(1440),
		"MinimumDurationInMinutes": float64(0), "ScheduleOnlyDuringWorkHours": false, "EnforceSchedulingHorizon": true, "ConflictPercentageAllowed": float64(0), "MaximumConflictInstances": float64(0), "ForwardRequestsToDelegates": true,
		"DeleteAttachments": true, "DeleteComments": true, "DeleteSubject": true, "DeleteNonCalendarItems": true, "AddOrganizerToSubject": true, "RemovePrivateProperty": true, "RemoveOldMeetingMessages": true,
		"RemoveCanceledMeetings": false, "RemoveForwardedMeetingNotifications": false, "TentativePendingApproval": true, "ProcessExternalMeetingMessages": false, "OrganizerInfo": true, "AllBookInPolicy": true,
		"AllRequestInPolicy": false, "AllRequestOutOfPolicy": false, "BookInPolicy": []any{}, "RequestInPolicy": []any{}, "RequestOutOfPolicy": []any{}, "ResourceDelegates": []any{}, "AddAdditionalResponse": false, "AdditionalResponse": ""}
	for k, x := range cloud.Child(m, "CalendarProcessing") {
		v[k] = x
	}
	v["ResourceDelegates"] = c.names(cloud.Strings(v, "ResourceDelegates"))
	return v
}

func getCalendarProcessing(c *call) ([]cloud.Object, error) {
	m, err := c.identified()
	if err != nil {
		return nil, err
	}
	return []cloud.Object{c.calendarView(m)}, nil
}

func setCalendarProcessing(c *call) ([]cloud.Object, error) {
	m, err := c.identified()
	if err != nil {
		return nil, err
	}
	v := c.calendarView(m)
	for _, name := range []string{"ResourceDelegates", "BookInPolicy", "RequestInPolicy", "RequestOutOfPolicy"} {
		v[name] = orEmptyList(c.ids(cloud.Strings(v, name)))
		if !c.p.has(name) {
			continue
		}
		list, err := c.p.change(name, cloud.List(v, name), func(s string) (string, error) {
			r, err := c.recipient(s)
			return r.id, err
		})
		if err != nil {
			return nil, err
		}
		v[name] = list
	}
	for name := range c.p {
		if _, known := v[name]; !known && !setMailboxManner[name] {
			c.service.unknown(c.def.name, "-"+name)
			return nil, badParameter("The parameter '%s' is not simulated.", name)
		}
		if _, list := v[name].([]any); !list && name != "Identity" && !setMailboxManner[name] {
			v[name] = c.p[name]
		}
	}
	c.keep(m, "CalendarProcessing", v)
	return nil, nil
}

// removeCalendarEvents cancels the meetings a mailbox organizes: the state keeps them under CalendarEvents,
// where it keeps any.
func removeCalendarEvents(c *call) ([]cloud.Object, error) {
	m, err := c.identified()
	if err != nil {
		return nil, err
	}
	days := c.p.number("QueryWindowInDays", 0)
	if days < 1 || days > 1825 {
		return nil, badParameter("Cannot validate argument on parameter 'QueryWindowInDays'. The %d argument is not between 1 and 1825.", days)
	}
	from, ok := c.p.date("QueryStartDate")
	if !ok {
		from = c.tenant.Now().Truncate(24 * time.Hour)
	}
	until := from.AddDate(0, 0, days)
	if !c.p.flag("PreviewOnly") && c.p.flag("CancelOrganizedMeetings") {
		kept := []any{}
		for _, e := range cloud.Objects(m, "CalendarEvents") {
			at, err := parseDate(cloud.Str(e, "Start"))
			alone := e["Attendees"] != nil && len(cloud.List(e, "Attendees")) == 0 // an appointment, which is left alone
			if err != nil || at.Before(from) || at.After(until) || !cloud.Bool(e, "IsOrganizer") || alone {
				kept = append(kept, e)
			}
		}
		if cloud.List(m, "CalendarEvents") != nil {
			m["CalendarEvents"] = kept
		}
	}
	c.warn("The request to remove the calendar events of '" + c.mailboxRecipient(m).display + "' was queued.")
	return nil, nil
}

func (c *call) deviceView(m, d cloud.Object) cloud.Object {
	r := c.mailboxRecipient(m)
	kind := cloud.Str(d, "DeviceType")
	id := r.name + `\ExchangeActiveSyncDevices\` + cloud.Str(d, "ClientType") + "§" + kind + "§" + cloud.Str(d, "DeviceId")
	v := cloud.Object{"Identity": id, "Name": cloud.Str(d, "ClientType") + "§" + kind + "§" + cloud.Str(d, "DeviceId"), "UserDisplayName": r.display, "DeviceAccessState": "Allowed", "DeviceAccessStateReason": "Global",
		"DeviceOSLanguage": nil, "IsManaged": false, "IsCompliant": false, "IsDisabled": false, "LastSuccessSync": nil, "LastSyncAttemptTime": d["LastSuccessSync"], "Status": "DeviceOk", "NumberOfFoldersSynced": float64(9)}
	for k, x := range d {
		v[k] = x
	}
	return v
}

var statisticsOnly = []string{"LastSuccessSync", "LastSyncAttemptTime", "Status", "NumberOfFoldersSynced"}

func getMobileDevice(c *call) ([]cloud.Object, error) {
	out, err := c.devices()
	for _, v := range out {
		for _, k := range statisticsOnly {
			delete(v, k)
		}
	}
	if err != nil {
		return nil, err
	}
	return c.filtered(out)
}

func getMobileDeviceStatistics(c *call) ([]cloud.Object, error) { return c.devices() }

func (c *call) devices() ([]cloud.Object, error) {
	boxes := c.tenant.Mailboxes()
	if name := c.p.text("Mailbox"); name != "" {
		m, err := c.mailbox(name)
		if err != nil {
			return nil, err
		}
		boxes = []cloud.Object{m}
	}
	id := c.p.text("Identity")
	out := []cloud.Object{}
	for _, m := range boxes {
		if cloud.Str(m, "WhenSoftDeleted") != "" {
			continue
		}
		for _, d := range cloud.Objects(m, "MobileDevices") {
			v := c.deviceView(m, d)
			if id == "" || isDevice(v, id) {
				out = append(out, v)
			}
		}
	}
	if id != "" && len(out) == 0 {
		return nil, notFound(id)
	}
	return out, nil
}

func isDevice(v cloud.Object, id string) bool {
	return slices.ContainsFunc([]string{"Identity", "Guid", "DeviceId", "Name"}, func(k string) bool { return strings.EqualFold(cloud.Str(v, k), id) })
}

func removeMobileDevice(c *call) ([]cloud.Object, error) {
	id := c.p.text("Identity")
	for _, m := range c.tenant.Mailboxes() {
		for _, d := range cloud.Objects(m, "MobileDevices") {
			if !isDevice(c.deviceView(m, d), id) {
				continue
			}
			kept := []any{}
			for _, x := range cloud.Objects(m, "MobileDevices") {
				if !same(x, d) {
					kept = append(kept, x)
				}
			}
			m["MobileDevices"] = kept
			return nil, nil
		}
	}
	return nil, notFound(id)
}
