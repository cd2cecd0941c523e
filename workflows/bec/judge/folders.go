package judge

import (
	"strings"

	"cipp-mcp/workflows/bec"
)

var folderOps = set("Add-MailboxFolderPermission", "Set-MailboxFolderPermission", "AddFolderPermissions", "ModifyFolderPermissions", "UpdateFolderPermissions", "UpdateCalendarDelegation")

// findFolders reports folders that everybody may read, and rights on folders that the attacker gave.
func (q *inquiry) findFolders() {
	for _, r := range q.state["folderPermission"] {
		who, rights := strings.ToLower(r.o.str("User")), strings.Join(r.o.list("AccessRights"), " ")
		folder := r.o.str("FolderName", "FolderPath", "Identity")
		if strings.EqualFold(rights, "None") || rights == "" {
			continue
		}
		everybody := who == "default" || who == "anonymous"
		acts := q.folderActs(r)
		byAttacker := len(those(acts, func(e *event) bool { return e.who == bec.ByAttacker })) > 0
		if !byAttacker && (!everybody || !mailFolder(folder, r)) {
			continue
		}
		f := q.found("FOLDER_PERMISSION", "folder:"+folder+":"+who, bec.High)
		f.refs, f.artefact, f.alive, f.entity = []ref{r.ref()}, true, true, folder+"|"+r.o.str("User")
		f.Title = fence(r.o.str("User")) + " has the right " + fence(rights) + " on the folder " + fence(folder)
		f.Why = "Everybody in the tenant can read the folder that way, and the mailbox's delegates do not show it."
		if !everybody {
			f.Why = "The right on the folder was given in the attacker's context."
		}
		q.actedBy(f, acts)
		if f.Attribution.Value == bec.ByUser && everybody {
			f.Severity = bec.Medium
			q.doubt(f, "it was set from a usual place")
		}
		f.Remediation = []bec.Remediation{{Action: "removeFolderPermission", TargetID: f.entity, Reversible: true, NeedsApproval: true}}
		f.depends = []string{bec.UAL}
		q.report(f)
	}
	for _, e := range q.events {
		if folderOps[e.op] && e.mine && e.ok && !e.dropped && e.class == "" && e.who == bec.ByAttacker {
			q.oneAct("FOLDER_PERMISSION", e, bec.High, "A right on a folder was given in the attacker's context", "It is not there any more, or could not be told apart.")
		}
	}
	for _, r := range q.state["calendarFolder"] {
		if !r.o.flag("PublishEnabled") {
			continue
		}
		for _, e := range q.events {
			if e.op == "Set-MailboxCalendarFolder" && e.mine && e.who == bec.ByAttacker {
				f := q.oneAct("FOLDER_PERMISSION", e, bec.Medium, "The calendar was published in the attacker's context", "Anybody with the link reads it.")
				f.alive = true
			}
		}
	}
}

// mailFolder tells a folder that holds mail; calendars and contacts are shared every day.
func mailFolder(name string, r *row) bool {
	switch strings.ToLower(r.o.str("FolderType")) {
	case "calendar", "contacts", "tasks", "journal", "birthdays":
		return false
	}
	l := strings.ToLower(name)
	tail := strings.Trim(l[strings.LastIndexAny(l, ":\\/")+1:], " ")
	for _, w := range words().Folders["calendar"] {
		if tail == w {
			return false
		}
	}
	switch tail {
	case "contacts", "kontakte", "contatti", "tasks", "aufgaben", "freebusy data", "freebusy":
		return false
	}
	return true
}

func (q *inquiry) folderActs(r *row) []*event {
	folder := strings.ToLower(r.o.str("FolderName", "FolderPath", "Identity"))
	return those(q.events, func(e *event) bool {
		if !folderOps[e.op] || !e.mine || !e.ok || e.dropped || e.who == bec.ByTool {
			return false
		}
		id := strings.ToLower(e.params["identity"] + " " + e.target)
		if e.item != nil {
			id += " " + strings.ToLower(e.item.folder)
		}
		return folder != "" && strings.Contains(id, folder) && (e.params["user"] == "" || sameTrustee(e.params["user"], r.o.str("User")))
	})
}
