package exchange

import (
	"strings"

	"cipp-mcp/sandbox/cloud"
)

// over is stored values over those that everything of the kind has.
func over(defaults, stored cloud.Object) cloud.Object {
	for k, x := range stored {
		defaults[k] = x
	}
	return defaults
}

// getMailboxMessageConfiguration is what Outlook on the web puts into messages; the state keeps it as
// MessageConfiguration.
// https://learn.microsoft.com/powershell/module/exchange/get-mailboxmessageconfiguration
func getMailboxMessageConfiguration(c *call) ([]cloud.Object, error) {
	m, err := c.identified()
	if err != nil {
		return nil, err
	}
	return []cloud.Object{over(cloud.Object{"Identity": c.mailboxRecipient(m).name, "MailboxOwnerId": c.mailboxRecipient(m).name, "AutoAddSignature": false, "AutoAddSignatureOnReply": false, "AutoAddSignatureOnMobile": false,
		"SignatureName": nil, "SignatureText": "", "SignatureHtml": "", "SignatureTextOnMobile": "", "DefaultSignature": nil, "DefaultSignatureOnReply": nil, "DefaultFontName": "Calibri", "DefaultFontSize": float64(3), "AlwaysShowBcc": false,
		"AlwaysShowFrom": false, "EmailComposeMode": "Inline", "DefaultFormat": "Html"}, cloud.Child(m, "MessageConfiguration"))}, nil
}

// builtinApps are add-ins of Microsoft's that every mailbox has.
var builtinApps = []cloud.Object{
	{"AppId": "bc13b9d0-5ba2-446a-956b-c583bdc94d5e", "DisplayName": "Suggested Meetings", "ProviderName": "Microsoft"},
	{"AppId": "7a774f0c-7a6f-11e0-85ad-07fb4824019b", "DisplayName": "Bing Maps", "ProviderName": "Microsoft"},
}

// getApp is the add-ins of a mailbox, which the state keeps as Apps, or of the organization, which has none of its
// own here.
// https://learn.microsoft.com/powershell/module/exchange/get-app
func getApp(c *call) ([]cloud.Object, error) {
	var rows []cloud.Object
	for _, a := range builtinApps {
		rows = append(rows, over(cloud.Object{"Type": "Default", "Scope": "Default", "Enabled": true, "AppVersion": "1.1", "Requirements": "ReadItem"}, a))
	}
	owner := c.tenant.InitialDomain()
	if name := c.p.text("Mailbox"); name != "" {
		m, err := c.mailbox(name)
		if err != nil {
			return nil, err
		}
		owner = c.mailboxRecipient(m).name
		for _, a := range cloud.Objects(m, "Apps") {
			rows = append(rows, over(cloud.Object{"Type": "MarketplacePrivateCatalog", "Scope": "User", "Enabled": true, "AppVersion": "1.0", "ProviderName": "", "Requirements": "ReadItem"}, a))
		}
	}
	for _, row := range rows {
		row["Identity"] = owner + `\` + cloud.Str(row, "AppId")
	}
	id := c.p.text("Identity")
	if id == "" {
		return rows, nil
	}
	for _, row := range rows {
		if strings.EqualFold(cloud.Str(row, "AppId"), id) || strings.EqualFold(cloud.Str(row, "Identity"), id) {
			return []cloud.Object{row}, nil
		}
	}
	return nil, notFound(id)
}

// getMailboxCalendarFolder is how a calendar is published; the state keeps it as CalendarPublishing.
// https://learn.microsoft.com/powershell/module/exchange/get-mailboxcalendarfolder
func getMailboxCalendarFolder(c *call) ([]cloud.Object, error) {
	m, f, err := c.folder()
	if err != nil {
		return nil, err
	}
	if !strings.EqualFold(cloud.Str(f, "FolderType"), "Calendar") {
		return nil, invalid("Microsoft.Exchange.Management.StoreTasks.InvalidCalendarFolderException", "The folder '%s' is not a calendar folder.", c.p.text("Identity"))
	}
	return []cloud.Object{over(cloud.Object{"Identity": c.mailboxRecipient(m).name + ":" + folderSlash(f), "PublishEnabled": false, "SearchableUrlEnabled": false, "DetailLevel": "AvailabilityOnly", "PublishDateRangeFrom": "ThreeMonths",
		"PublishDateRangeTo": "ThreeMonths", "PublishedCalendarUrl": nil, "PublishedICalUrl": nil}, cloud.Child(m, "CalendarPublishing"))}, nil
}

// getMailContact is the addresses outside that the tenant keeps as recipients.
// https://learn.microsoft.com/powershell/module/exchange/get-mailcontact
func getMailContact(c *call) ([]cloud.Object, error) {
	id := c.p.text("Identity")
	var out []cloud.Object
	for _, row := range cloud.Objects(c.tenant.Exchange, "mailContacts") {
		v := over(cloud.Object{"Identity": row["Name"], "RecipientType": "MailContact", "RecipientTypeDetails": "MailContact", "HiddenFromAddressListsEnabled": false}, row)
		hit := id == ""
		for _, k := range []string{"Identity", "Name", "DisplayName", "Alias", "Guid", "ExternalDirectoryObjectId", "PrimarySmtpAddress"} {
			hit = hit || strings.EqualFold(cloud.Str(v, k), id)
		}
		if ext := cloud.Str(v, "ExternalEmailAddress"); hit || len(ext) > 5 && strings.EqualFold(ext[5:], id) {
			out = append(out, v)
		}
	}
	switch {
	case id != "" && len(out) == 0:
		return nil, notFound(id)
	case id != "" && len(out) > 1:
		return nil, ambiguous(id)
	}
	return c.filtered(out)
}

func getTransportConfig(c *call) ([]cloud.Object, error) {
	return c.single("transportConfig", cloud.Object{"Name": "Transport Settings", "Identity": "Transport Settings", "SmtpClientAuthenticationDisabled": true, "AllowLegacyTLSClients": false,
		"MessageExpiration": "1.00:00:00", "JournalingReportNdrTo": "<>", "ExternalPostmasterAddress": nil}), nil
}

func getAuthenticationPolicy(c *call) ([]cloud.Object, error) {
	return c.listed(c.section("authenticationPolicies", func() cloud.Object {
		v := cloud.Object{}
		for _, protocol := range []string{"ActiveSync", "Autodiscover", "Imap", "Mapi", "OfflineAddressBook", "OutlookService", "Pop", "Powershell", "ReportingWebServices", "Rpc", "Smtp", "WebServices"} {
			v["AllowBasicAuth"+protocol] = false
		}
		return v
	}))
}

func getJournalRule(c *call) ([]cloud.Object, error) {
	return c.listed(c.section("journalRules", func() cloud.Object {
		return cloud.Object{"Enabled": true, "Scope": "Global", "Recipient": nil, "JournalEmailAddress": "", "WhenChanged": nil}
	}))
}

func enableTransportRule(c *call) ([]cloud.Object, error) {
	return c.switchTransportRule("Enabled")
}

func disableTransportRule(c *call) ([]cloud.Object, error) {
	return c.switchTransportRule("Disabled")
}

// switchTransportRule is Enable- and Disable-TransportRule, which answer nothing.
// https://learn.microsoft.com/powershell/module/exchange/disable-transportrule
func (c *call) switchTransportRule(state string) ([]cloud.Object, error) {
	id := c.p.text("Identity")
	for _, row := range cloud.Objects(c.tenant.Exchange, "transportRules") {
		for _, k := range []string{"Identity", "Name", "Guid", "ImmutableId"} {
			if s := cloud.Str(row, k); s != "" && strings.EqualFold(s, id) {
				row["State"], row["WhenChanged"] = state, cloud.Stamp(c.tenant.Now())
				if mode := c.p.text("Mode"); mode != "" {
					row["Mode"] = c.def.parameters()["mode"].canonical(mode)
				}
				return nil, nil
			}
		}
	}
	return nil, notFound(id)
}

// sweepView is a sweep rule as Get-SweepRule shows it.
func (c *call) sweepView(m, rule cloud.Object) cloud.Object {
	id := cloud.Str(rule, "RuleId")
	if id == "" {
		id = cloud.DerivedID(c.mailboxGUID(m), "sweep", cloud.Str(rule, "Name"))
	}
	return over(cloud.Object{"RuleId": id, "Identity": c.mailboxGUID(m) + `\` + id, "Enabled": true, "Provider": "Exchange16", "SourceFolder": "Inbox", "DestinationFolder": "Deleted Items", "KeepForDays": nil, "KeepLatest": nil,
		"MailboxOwnerId": c.mailboxRecipient(m).name, "IsValid": true}, rule)
}

// sweepMailbox is the mailbox that -Mailbox or an identity of the form mailbox\rule names, and the rule's part of it.
func (c *call) sweepMailbox() (m cloud.Object, rule string, err error) {
	owner, rule := c.p.text("Mailbox"), c.p.text("Identity")
	if box, name, ok := strings.Cut(rule, `\`); ok {
		rule = name
		if owner == "" {
			owner = box
		}
	}
	if owner == "" {
		return nil, "", badParameter("Cannot process command because of one or more missing mandatory parameters: Mailbox.")
	}
	m, err = c.mailbox(owner)
	return m, rule, err
}

func getSweepRule(c *call) ([]cloud.Object, error) {
	m, name, err := c.sweepMailbox()
	if err != nil {
		return nil, err
	}
	var out []cloud.Object
	for _, rule := range cloud.Objects(m, "SweepRules") {
		if v := c.sweepView(m, rule); name == "" || strings.EqualFold(cloud.Str(v, "RuleId"), name) || strings.EqualFold(cloud.Str(v, "Name"), name) {
			out = append(out, v)
		}
	}
	if name != "" && len(out) == 0 {
		return nil, notFound(name)
	}
	return out, nil
}

func removeSweepRule(c *call) ([]cloud.Object, error) {
	m, name, err := c.sweepMailbox()
	if err != nil {
		return nil, err
	}
	kept := []any{}
	for _, rule := range cloud.Objects(m, "SweepRules") {
		if v := c.sweepView(m, rule); !strings.EqualFold(cloud.Str(v, "RuleId"), name) && !strings.EqualFold(cloud.Str(v, "Name"), name) {
			kept = append(kept, rule)
		}
	}
	if len(kept) == len(cloud.List(m, "SweepRules")) {
		return nil, notFound(name)
	}
	m["SweepRules"] = kept
	return nil, nil
}

// setInboxRule changes what is given of a rule; null takes a part away.
// https://learn.microsoft.com/powershell/module/exchange/set-inboxrule
func setInboxRule(c *call) ([]cloud.Object, error) {
	m, rule, _, err := c.theRule()
	if err != nil {
		return nil, err
	}
	_, err = c.fillRule(m, rule)
	return nil, err
}
