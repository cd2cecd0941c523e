package exchange

import (
	"slices"
	"strings"

	"cipp-mcp/sandbox/cloud"
)

// Folders of a mailbox whose state names none, in English.
var defaultFolders = []cloud.Object{
	{"Name": "Inbox", "FolderType": "Inbox"}, {"Name": "Drafts", "FolderType": "Drafts"}, {"Name": "Sent Items", "FolderType": "SentItems"},
	{"Name": "Deleted Items", "FolderType": "DeletedItems"}, {"Name": "Junk Email", "FolderType": "JunkEmail"}, {"Name": "Archive", "FolderType": "Archive"},
	{"Name": "RSS Feeds", "FolderType": "RssSubscription"}, {"Name": "Conversation History", "FolderType": "ConversationHistory"},
	{"Name": "Calendar", "FolderType": "Calendar"}, {"Name": "Contacts", "FolderType": "Contacts"}, {"Name": "Tasks", "FolderType": "Tasks"}, {"Name": "Notes", "FolderType": "Notes"},
}

var recoverable = []cloud.Object{{"Name": "Recoverable Items", "FolderType": "RecoverableItemsRoot"}, {"Name": "Deletions", "FolderType": "RecoverableItemsDeletions"},
	{"Name": "Purges", "FolderType": "RecoverableItemsPurges"}, {"Name": "Versions", "FolderType": "RecoverableItemsVersions"}}

func folders(m cloud.Object) []cloud.Object {
	if own := cloud.Objects(m, "Folders"); len(own) > 0 {
		return own
	}
	return defaultFolders
}

func folderPath(f cloud.Object) string {
	if p := cloud.Str(f, "FolderPath"); p != "" {
		return p
	}
	return "/" + cloud.Str(f, "Name")
}

var folderScopes = []string{"All", "Archive", "Calendar", "Contacts", "ConversationHistory", "DeletedItems", "Drafts", "Inbox", "JunkEmail", "Journal", "LegacyArchiveJournals", "ManagedCustomFolder", "NonIpmRoot", "Notes", "Outbox", "Personal", "RecoverableItems", "RssSubscriptions", "SentItems", "SyncIssues", "Tasks"}

func getMailboxFolderStatistics(c *call) ([]cloud.Object, error) {
	if !c.p.has("Identity") {
		return nil, badParameter("Cannot process command because of one or more missing mandatory parameters: Identity.")
	}
	m, err := c.identified()
	if err != nil {
		return nil, err
	}
	scope := c.p.text("FolderScope")
	if scope != "" && !inList(folderScopes, scope) {
		return nil, badParameter("Cannot process argument transformation on parameter 'FolderScope'. Cannot convert value \"%s\" to type \"Microsoft.Exchange.Data.Directory.SystemConfiguration.ElcFolderType\".", scope)
	}
	list := folders(m)
	switch {
	case strings.EqualFold(scope, "RecoverableItems"):
		list, scope = recoverable, ""
	case strings.EqualFold(scope, "RssSubscriptions"):
		scope = "RssSubscription"
	case strings.EqualFold(scope, "All"):
		scope = ""
	}
	guid := c.mailboxGUID(m)
	var out []cloud.Object
	for _, f := range list {
		if scope != "" && !strings.EqualFold(cloud.Str(f, "FolderType"), scope) && (!strings.EqualFold(scope, "Calendar") || !isCalendar(m, f)) {
			continue
		}
		id := c.folderID(m, f)
		v := cloud.Object{"Identity": c.mailboxRecipient(m).name + folderSlash(f), "Name": f["Name"], "FolderPath": folderPath(f), "FolderType": f["FolderType"], "FolderId": id,
			"ItemsInFolder": float64(0), "ItemsInFolderAndSubfolders": float64(0), "FolderSize": sizeText(0), "FolderAndSubfolderSize": sizeText(0), "DeletedItemsInFolder": float64(0), "ContentMailboxGuid": guid}
		for k, x := range f {
			v[k] = x
		}
		if n := cloud.Num(f, "ItemsInFolder"); n > 0 && f["FolderSize"] == nil {
			v["FolderSize"], v["FolderAndSubfolderSize"], v["ItemsInFolderAndSubfolders"] = sizeText(int64(n)*75<<10), sizeText(int64(n)*75<<10), n
		}
		out = append(out, v)
	}
	return out, nil
}

func folderSlash(f cloud.Object) string { return strings.ReplaceAll(folderPath(f), "/", `\`) }

func (c *call) folderID(m, f cloud.Object) string {
	if id := cloud.Str(f, "FolderId"); id != "" {
		return id
	}
	return "LgAAAAA" + strings.ReplaceAll(cloud.DerivedID(c.mailboxGUID(m), folderPath(f)), "-", "") + "AAAB"
}

// folder is what a folder identity means: mailbox:\Name\Name or mailbox:FolderId.
func (c *call) folder() (m, f cloud.Object, err error) {
	id := c.p.text("Identity")
	owner, rest, ok := strings.Cut(id, ":")
	if m, err = c.mailbox(owner); err != nil {
		return nil, nil, err
	}
	for _, f := range folders(m) {
		if strings.EqualFold(folderSlash(f), rest) || rest == c.folderID(m, f) {
			return m, f, nil
		}
	}
	if !ok || rest == `\` {
		return m, cloud.Object{"Name": "Top of Information Store", "FolderType": "Root", "FolderPath": `/Top of Information Store`}, nil
	}
	return nil, nil, notFound(id)
}

// isCalendar says whether a folder is a mailbox's calendar, or one of those that lie below it.
func isCalendar(m, f cloud.Object) bool {
	if cloud.Str(f, "FolderType") == "Calendar" {
		return true
	}
	for _, main := range folders(m) {
		if cloud.Str(main, "FolderType") == "Calendar" && strings.HasPrefix(strings.ToLower(folderPath(f)), strings.ToLower(folderPath(main))+"/") {
			return true
		}
	}
	return false
}

// permissionRows is the stored permissions of one folder.
func permissionRows(m, f cloud.Object) []cloud.Object {
	var out []cloud.Object
	for _, row := range cloud.Objects(m, "FolderPermissions") {
		if strings.EqualFold(strings.Trim(strings.ReplaceAll(cloud.Str(row, "FolderName"), `\`, "/"), "/"), strings.Trim(folderPath(f), "/")) {
			out = append(out, row)
		}
	}
	return out
}

func folderRow(m, f, row cloud.Object) cloud.Object {
	flags := cloud.Str(row, "SharingPermissionFlags")
	v := cloud.Object{"Identity": row["User"], "FolderName": f["Name"], "User": row["User"], "AccessRights": rightsOf(row), "SharingPermissionFlags": nil, "IsValid": true}
	if isCalendar(m, f) && flags != "" && flags != "None" {
		v["SharingPermissionFlags"] = flags
	}
	return v
}

func standard(user string, calendar bool) cloud.Object {
	right := "None"
	if calendar && user == "Default" {
		right = "AvailabilityOnly"
	}
	return cloud.Object{"User": user, "AccessRights": []any{right}}
}

func getMailboxFolderPermission(c *call) ([]cloud.Object, error) {
	m, f, err := c.folder()
	if err != nil {
		return nil, err
	}
	rows := permissionRows(m, f)
	for _, u := range []string{"Anonymous", "Default"} {
		if !slices.ContainsFunc(rows, func(row cloud.Object) bool { return cloud.Str(row, "User") == u }) {
			rows = append([]cloud.Object{standard(u, isCalendar(m, f))}, rows...)
		}
	}
	var out []cloud.Object
	if name := c.p.text("User"); name != "" {
		row, who, err := c.folderEntry(m, f, name)
		if err != nil {
			return nil, err
		}
		if row == nil && (name == "Default" || name == "Anonymous") {
			row = standard(name, isCalendar(m, f))
		}
		if row == nil {
			return nil, noEntry(who)
		}
		return []cloud.Object{folderRow(m, f, row)}, nil
	}
	for _, row := range rows {
		out = append(out, folderRow(m, f, row))
	}
	return out, nil
}

// folderEntry is the stored entry of a user, or nil, and the name it would have.
func (c *call) folderEntry(m, f cloud.Object, name string) (cloud.Object, string, error) {
	for _, u := range []string{"Default", "Anonymous"} {
		if !strings.EqualFold(name, u) {
			continue
		}
		for _, row := range permissionRows(m, f) {
			if cloud.Str(row, "User") == u {
				return row, u, nil
			}
		}
		return nil, u, nil
	}
	r, err := c.trustee(name)
	if err != nil {
		for _, row := range permissionRows(m, f) { // a user who is gone is still named by its entry
			if strings.EqualFold(cloud.Str(row, "User"), name) || strings.EqualFold(cloud.Str(row, "UserPrincipalName"), name) {
				return row, cloud.Str(row, "User"), nil
			}
		}
		return nil, "", err
	}
	for _, row := range permissionRows(m, f) {
		if upn := cloud.Str(row, "UserPrincipalName"); upn != "" && r.is(upn) || upn == "" && strings.EqualFold(cloud.Str(row, "User"), r.display) {
			return row, r.display, nil
		}
	}
	return nil, r.display, nil
}

const folderExceptions = "Microsoft.Exchange.Management.StoreTasks."

func noEntry(who string) error {
	return &failure{status: 404, code: "NotFound", ex: "ExEBBE8D", exception: folderExceptions + "UserNotFoundInPermissionEntryException", message: "There is no existing permission entry found for user: " + who + "."}
}

var folderRights = []string{"None", "AvailabilityOnly", "LimitedDetails", "Reviewer", "Editor", "Owner", "Author", "NonEditingAuthor", "Contributor", "PublishingAuthor", "PublishingEditor",
	"CreateItems", "CreateSubfolders", "DeleteAllItems", "DeleteOwnedItems", "EditAllItems", "EditOwnedItems", "FolderContact", "FolderOwner", "FolderVisible", "ReadItems"}

// folderGrant checks what Add and Set are given beside the user.
func (c *call) folderGrant(m, f cloud.Object) (rights []any, flags string, err error) {
	for _, x := range c.p.texts("AccessRights") {
		i := slices.IndexFunc(folderRights, func(s string) bool { return strings.EqualFold(s, x) })
		if i < 0 {
			return nil, "", badParameter("Cannot process argument transformation on parameter 'AccessRights'. Cannot convert value \"%s\" to type \"Microsoft.Exchange.Management.StoreTasks.MailboxFolderAccessRight\".", x)
		}
		rights = append(rights, folderRights[i])
	}
	flags = strings.Join(c.p.texts("SharingPermissionFlags"), ", ")
	calendar := isCalendar(m, f)
	switch {
	case !calendar && (slices.Contains(rights, any("AvailabilityOnly")) || slices.Contains(rights, any("LimitedDetails"))):
		return nil, "", invalid("System.InvalidOperationException", "AvailabilityOnly and LimitedDetails are only for calendar folders.")
	case flags != "" && !strings.EqualFold(flags, "None") && (!calendar || !slices.Contains(rights, any("Editor"))):
		return nil, "", invalid("System.InvalidOperationException", "SharingPermissionFlags can only be used with a calendar folder and the access right Editor.")
	case strings.Contains(strings.ToLower(flags), "canviewprivateitems") && !strings.Contains(strings.ToLower(flags), "delegate"):
		return nil, "", invalid("System.InvalidOperationException", "CanViewPrivateItems needs Delegate.")
	}
	return rights, flags, nil
}

func addMailboxFolderPermission(c *call) ([]cloud.Object, error) {
	m, f, err := c.folder()
	if err != nil {
		return nil, err
	}
	rights, flags, err := c.folderGrant(m, f)
	if err != nil {
		return nil, err
	}
	name := c.p.text("User")
	row, who, err := c.folderEntry(m, f, name)
	if err != nil {
		return nil, err
	}
	if row != nil || who == "Default" || who == "Anonymous" {
		return nil, invalid(folderExceptions+"UserAlreadyExistsInPermissionEntryException", "An existing permission entry was found for user: %s.", who)
	}
	r, err := c.trustee(name)
	if err != nil {
		return nil, err
	}
	row = cloud.Object{"FolderName": strings.TrimPrefix(folderPath(f), "/"), "User": who, "UserPrincipalName": r.label(), "AccessRights": rights}
	if flags != "" {
		row["SharingPermissionFlags"] = flags
	}
	m["FolderPermissions"] = append(cloud.List(m, "FolderPermissions"), row)
	return []cloud.Object{folderRow(m, f, row)}, nil
}

func setMailboxFolderPermission(c *call) ([]cloud.Object, error) {
	m, f, err := c.folder()
	if err != nil {
		return nil, err
	}
	rights, flags, err := c.folderGrant(m, f)
	if err != nil {
		return nil, err
	}
	row, who, err := c.folderEntry(m, f, c.p.text("User"))
	if err != nil {
		return nil, err
	}
	if row == nil {
		if who != "Default" && who != "Anonymous" {
			return nil, noEntry(who)
		}
		row = cloud.Object{"FolderName": strings.TrimPrefix(folderPath(f), "/"), "User": who}
		m["FolderPermissions"] = append(cloud.List(m, "FolderPermissions"), row)
	}
	row["AccessRights"] = rights
	delete(row, "SharingPermissionFlags")
	if flags != "" {
		row["SharingPermissionFlags"] = flags
	}
	return nil, nil
}

func removeMailboxFolderPermission(c *call) ([]cloud.Object, error) {
	m, f, err := c.folder()
	if err != nil {
		return nil, err
	}
	if c.p.flag("ResetDelegateUserCollection") && !c.p.has("User") {
		return nil, nil
	}
	row, who, err := c.folderEntry(m, f, c.p.text("User"))
	if err != nil {
		return nil, err
	}
	if row == nil || who == "Default" || who == "Anonymous" {
		return nil, noEntry(who)
	}
	kept := []any{}
	for _, x := range cloud.Objects(m, "FolderPermissions") {
		if !same(x, row) {
			kept = append(kept, x)
		}
	}
	m["FolderPermissions"] = kept
	return nil, nil
}

// same says whether two rows are one and the same.
func same(a, b cloud.Object) bool {
	marker := "\x00same"
	a[marker] = true
	_, is := b[marker]
	delete(a, marker)
	return is
}
