package graph

import (
	"net/http"
	"strings"

	"cipp-mcp/sandbox/cloud"
)

const (
	settingsRead  = "MailboxSettings.Read MailboxSettings.ReadWrite"
	settingsWrite = "MailboxSettings.ReadWrite"
	mailRead      = "Mail.ReadBasic.All Mail.ReadBasic Mail.Read Mail.ReadWrite"
)

var mailOperations = []op{
	{verb: "GET", path: "/users/{id}/mailboxSettings", app: settingsRead, family: "mail", do: getSettings},
	{verb: "GET", path: "/users/{id}/mailboxSettings/{part}", app: settingsRead, family: "mail", do: getSettingsPart},
	{verb: "PATCH", path: "/users/{id}/mailboxSettings", app: settingsWrite, family: "mail", do: updateSettings},
	{verb: "GET", path: "/users/{id}/mailFolders", app: mailRead, family: "mail", do: listFolders},
	{verb: "GET", path: "/users/{id}/mailFolders/{folder}", app: mailRead, family: "mail", do: getFolder},
	{verb: "GET", path: "/users/{id}/mailFolders/{folder}/messageRules", app: settingsRead, family: "mail", do: listRules},
	{verb: "GET", path: "/users/{id}/mailFolders/{folder}/messageRules/{id}", app: settingsRead, family: "mail", do: getRule},
	{verb: "POST", path: "/users/{id}/mailFolders/{folder}/messageRules", app: settingsWrite, family: "mail", do: createRule},
	{verb: "PATCH", path: "/users/{id}/mailFolders/{folder}/messageRules/{id}", app: settingsWrite, family: "mail", do: updateRule},
	{verb: "DELETE", path: "/users/{id}/mailFolders/{folder}/messageRules/{id}", app: settingsWrite, family: "mail", do: deleteRule},
}

func itemNotFound() error {
	return refused(http.StatusNotFound, "ErrorItemNotFound", "The specified object was not found in the store.")
}

// mailboxOf is the user and its mailbox; without one Outlook does not answer.
func (c *call) mailboxOf(key string) (u, box cloud.Object, err error) {
	u = c.t.User(key)
	if u == nil || c.t.Seen(u) == nil {
		return nil, nil, refused(http.StatusNotFound, "ErrorInvalidUser", "The requested user '%s' is invalid.", key)
	}
	if box = c.t.MailboxOf(u); box == nil {
		return nil, nil, refused(http.StatusNotFound, "MailboxNotEnabledForRESTAPI", "The mailbox is either inactive, soft-deleted, or is hosted on-premise.")
	}
	return u, box, nil
}

var purposes = map[string]string{"UserMailbox": "user", "SharedMailbox": "shared", "RoomMailbox": "room", "EquipmentMailbox": "equipment", "LinkedMailbox": "linked"}

// settingsOf is a user's mailbox settings. Automatic replies and the kind of the mailbox live in Exchange, where
// cmdlets see the same.
func (c *call) settingsOf(u cloud.Object) (cloud.Object, error) {
	_, box, err := c.mailboxOf(cloud.Str(u, "id"))
	if err != nil {
		return nil, err
	}
	purpose := purposes[cloud.Str(box, "RecipientTypeDetails")]
	if purpose == "" {
		purpose = "others"
	}
	out := merged(cloud.Object{"archiveFolder": "archive", "timeZone": "UTC", "delegateMeetingMessageDeliveryOptions": "sendToDelegateOnly",
		"dateFormat": "yyyy-MM-dd", "timeFormat": "HH:mm", "language": cloud.Object{"locale": "en-US", "displayName": "English (United States)"},
		"workingHours": cloud.Object{"daysOfWeek": []any{"monday", "tuesday", "wednesday", "thursday", "friday"}, "startTime": "08:00:00.0000000",
			"endTime": "17:00:00.0000000", "timeZone": cloud.Object{"name": "UTC"}}}, cloud.Child(u, "mailboxSettings"))
	out["userPurpose"], out["automaticRepliesSetting"] = purpose, repliesOf(box)
	return out, nil
}

// repliesOf shows Get-MailboxAutoReplyConfiguration's values as Graph does.
func repliesOf(box cloud.Object) cloud.Object {
	a := cloud.Child(box, "AutoReply")
	at := func(key string) cloud.Object {
		when, ok := moment(cloud.Str(a, key))
		if !ok {
			return cloud.Object{"dateTime": "0001-01-01T00:00:00.0000000", "timeZone": "UTC"}
		}
		return cloud.Object{"dateTime": when.Format("2006-01-02T15:04:05.0000000"), "timeZone": "UTC"}
	}
	status := map[string]string{"enabled": "alwaysEnabled", "scheduled": "scheduled"}[strings.ToLower(cloud.Str(a, "AutoReplyState"))]
	if status == "" {
		status = "disabled"
	}
	audience := map[string]string{"none": "none", "known": "contactsOnly"}[strings.ToLower(cloud.Str(a, "ExternalAudience"))]
	if audience == "" {
		audience = "all"
	}
	return cloud.Object{"status": status, "externalAudience": audience, "scheduledStartDateTime": at("StartTime"), "scheduledEndDateTime": at("EndTime"),
		"internalReplyMessage": cloud.Str(a, "InternalMessage"), "externalReplyMessage": cloud.Str(a, "ExternalMessage")}
}

func setReplies(box, patch cloud.Object) {
	a := cloud.Child(box, "AutoReply")
	if a == nil {
		a = cloud.Object{}
		box["AutoReply"] = a
	}
	for name, v := range patch {
		switch name {
		case "status":
			a["AutoReplyState"] = map[string]string{"disabled": "Disabled", "alwaysEnabled": "Enabled", "scheduled": "Scheduled"}[v.(string)]
		case "externalAudience":
			a["ExternalAudience"] = map[string]string{"none": "None", "contactsOnly": "Known", "all": "All"}[v.(string)]
		case "internalReplyMessage":
			a["InternalMessage"] = v
		case "externalReplyMessage":
			a["ExternalMessage"] = v
		case "scheduledStartDateTime":
			a["StartTime"] = cloud.Str(v.(map[string]any), "dateTime")
		case "scheduledEndDateTime":
			a["EndTime"] = cloud.Str(v.(map[string]any), "dateTime")
		}
	}
}

// settings are those of the mailbox that the path names, with whose it is.
func (c *call) settings() (u, s cloud.Object, err error) {
	if u, _, err = c.mailboxOf(c.args[0]); err != nil {
		return nil, nil, err
	}
	s, err = c.settingsOf(u)
	return u, s, err
}

func getSettings(c *call) error {
	u, s, err := c.settings()
	if err != nil {
		return err
	}
	return c.plain("users('"+cloud.Str(u, "id")+"')/mailboxSettings", s)
}

func getSettingsPart(c *call) error {
	u, s, err := c.settings()
	if err != nil {
		return err
	}
	p := c.m.Type("mailboxSettings").Property(c.args[1])
	if p == nil {
		return refused(http.StatusBadRequest, "BadRequest", "Resource not found for the segment '%s'.", c.args[1])
	}
	fragment := "users('" + cloud.Str(u, "id") + "')/mailboxSettings/" + p.Name
	if m, ok := s[p.Name].(map[string]any); ok {
		return c.plain(fragment, m)
	}
	return c.plain(fragment, cloud.Object{"value": s[p.Name]})
}

// updateSettings is PATCH /users/{id}/mailboxSettings: it answers what was changed.
// https://learn.microsoft.com/graph/api/user-update-mailboxsettings
func updateSettings(c *call) error {
	u, box, err := c.mailboxOf(c.args[0])
	if err != nil {
		return err
	}
	in, err := c.json(true)
	if err != nil {
		return err
	}
	o, _, err := c.judged(in, rules{resource: "MailboxSettings", typ: "mailboxSettings", readOnly: []string{"userPurpose", "archiveFolder"}, emptyText: true})
	if err != nil {
		return refused(http.StatusBadRequest, "RequestBodyRead", "%s", strings.TrimPrefix(err.Error(), "Request_BadRequest: "))
	}
	if z := cloud.Str(o, "timeZone"); o["timeZone"] != nil && (z == "" || strings.ContainsAny(z, "<>")) {
		return refused(http.StatusBadRequest, "InvalidTimeZone", "The time zone '%s' is not valid.", z)
	}
	if r := cloud.Child(o, "automaticRepliesSetting"); r != nil {
		if err := judgeReplies(r); err != nil {
			return err
		}
		setReplies(box, r)
	}
	stored := merged(cloud.Child(u, "mailboxSettings"), nil)
	for k, v := range o {
		if k != "automaticRepliesSetting" {
			stored[k] = v
		}
	}
	if len(stored) > 0 {
		u["mailboxSettings"] = stored
	}
	s, err := c.settingsOf(u)
	if err != nil {
		return err
	}
	shown := cloud.Object{}
	for k := range o {
		shown[k] = s[k]
	}
	c.t.AuditUnified(c.actor(), "ExchangeAdmin", "Set-MailboxAutoReplyConfiguration", "Exchange", cloud.Object{"ObjectId": u["userPrincipalName"]})
	return c.plain("users('"+cloud.Str(u, "id")+"')/mailboxSettings", shown)
}

func judgeReplies(r cloud.Object) error {
	from, to := cloud.Child(r, "scheduledStartDateTime"), cloud.Child(r, "scheduledEndDateTime")
	if cloud.Str(r, "status") == "scheduled" && (from == nil || to == nil) {
		return refused(http.StatusBadRequest, "ErrorInvalidTimeSettings", "A scheduled reply takes a start and an end.")
	}
	if from != nil && to != nil {
		a, ok1 := moment(cloud.Str(from, "dateTime"))
		b, ok2 := moment(cloud.Str(to, "dateTime"))
		if !ok1 || !ok2 || !a.Before(b) {
			return refused(http.StatusBadRequest, "ErrorInvalidTimeSettings", "The end of a scheduled reply must be after its start.")
		}
	}
	return nil
}
