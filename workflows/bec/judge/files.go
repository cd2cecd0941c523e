package judge

import (
	"slices"
	"strings"
	"time"

	"cipp-mcp/workflows/bec"
)

// findFiles looks for many files within minutes, and for links that spread a lure.
func (q *inquiry) findFiles() {
	keys := make([]string, 0, len(q.touches))
	for k := range q.touches {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		q.massDownload(q.touches[k])
	}
	q.findLinks()
}

var downloads = set("FileDownloaded", "FileSyncDownloadedFull", "FileSyncDownloadedPartial")

// massDownload is 25 files within three minutes in one session, from a place that is the attacker's or not the user's.
func (q *inquiry) massDownload(list []touch) {
	slices.SortFunc(list, func(a, b touch) int { return int(a.at - b.at) })
	counts := map[uint64]int{}
	from, most := 0, 0
	var hit *event
	bring := 0
	for i, t := range list {
		counts[t.file]++
		if downloads[t.e.op] {
			bring++
		}
		for t.at-list[from].at > 180 {
			if counts[list[from].file]--; counts[list[from].file] == 0 {
				delete(counts, list[from].file)
			}
			if downloads[list[from].e.op] {
				bring--
			}
			from++
		}
		if len(counts) > most && bring > 0 {
			most, hit = len(counts), list[i].e
		}
	}
	if most < 25 || hit == nil || hit.who == bec.ByTool {
		return
	}
	c := q.context(hit)
	if hit.who != bec.ByAttacker && (!c.strange() || hit.who == bec.ByUser) {
		return // a new laptop fills its folder
	}
	var acts []*event
	for _, t := range list {
		if t.e.who == hit.who && !slices.Contains(acts, t.e) {
			acts = append(acts, t.e)
		}
	}
	f := q.found("FILES_MASS_DOWNLOAD", "download:"+hit.session+hit.ip.String(), or(hit.who == bec.ByAttacker, bec.High, q.weigh(bec.High)))
	f.Title, f.Why, f.Status = "Many files were taken within minutes", itoa(most)+" files within three minutes in one session.", "historic"
	f.BenignTested = append(q.placeTests(hit), result("syncOfManagedDevice", c.device, true, "a device the user had before", "no known device"))
	q.actedBy(f, acts)
	q.report(f)
}

var shareOps = set("AnonymousLinkCreated", "SecureLinkCreated", "AddedToSecureLink", "SharingSet", "SharingInvitationCreated", "CompanyLinkCreated", "AnonymousLinkUpdated")

func (q *inquiry) findLinks() {
	type lure struct {
		to    map[string]bool
		acts  []*event
		first time.Time
	}
	byFile := map[string]*lure{}
	var order []string
	var attacker, open []*event
	for _, e := range q.events {
		if !shareOps[e.op] || !e.mine || !e.ok || e.dropped || e.who == bec.ByTool {
			continue
		}
		if e.who == bec.ByAttacker {
			attacker = append(attacker, e)
		}
		if e.op == "AnonymousLinkCreated" && strings.Contains(strings.ToLower(e.params["eventdata"]), "edit") && e.who != bec.ByUser {
			open = append(open, e)
		}
		to := strings.ToLower(e.params["targetuserorgroupname"])
		if to == "" || q.insider(to) {
			continue
		}
		l := byFile[e.target]
		if l == nil || e.at.Sub(l.first) > time.Hour {
			l = &lure{to: map[string]bool{}, first: e.at}
			byFile[e.target] = l
			order = append(order, e.target)
		}
		l.to[to] = true
		l.acts = append(l.acts, e)
	}
	done := map[*lure]bool{}
	for _, t := range order {
		l := byFile[t]
		if done[l] || len(l.to) < 20 {
			continue
		}
		done[l] = true
		f := q.found("SHARING_LURE", "share:"+t, bec.Critical)
		f.Title, f.Why, f.Status = "One file was shared with many outside", itoa(len(l.to))+" people outside received "+fence(tail(t))+" within an hour.", "historic"
		q.actedBy(f, l.acts)
		if f.Attribution.Value == bec.ByUser {
			continue // a mailing from the usual place
		}
		if f.Attribution.Value != bec.ByAttacker {
			f.Severity = bec.High
		}
		q.linkSteps(f, l.acts)
		q.report(f)
	}
	if len(attacker) > 0 && len(done) == 0 {
		f := q.found("SHARING_LURE", "share:attacker", bec.Critical)
		f.Title, f.Why, f.Status = "Files were shared in the attacker's context", "A shared file carries the lure under the user's name; such mails leave no record of sending.", "historic"
		q.actedBy(f, attacker)
		q.linkSteps(f, attacker)
		q.report(f)
	}
	if len(open) > 0 {
		f := q.found("SHARING_EXPOSURE", "open", bec.Medium)
		f.Title, f.Why = "A link lets anybody change a file", "It was not made in a usual place."
		q.actedBy(f, open)
		q.report(f)
	}
}

// insider tells a target of sharing that is of the tenant, or a group.
func (q *inquiry) insider(to string) bool {
	to = strings.TrimPrefix(to, "i:0#.f|membership|")
	if !strings.Contains(to, "@") {
		return !strings.Contains(to, "#ext#")
	}
	return !strings.Contains(to, "#ext#") && q.internal(domainOf(to))
}

func tail(s string) string { return s[strings.LastIndexByte(s, '/')+1:] }

// findCollaboration looks at Teams and at flows and forms.
func (q *inquiry) findCollaboration() {
	var links []*event
	for _, e := range q.events {
		if !e.mine && e.by != byUser || !e.ok || e.dropped || e.who == bec.ByTool {
			continue
		}
		switch e.op {
		case "ChatCreated", "MemberAdded":
			if e.params["foreign"] == "true" && e.by != byUser {
				q.foreignChat(e)
			}
		case "MessageCreatedHasLink", "MessageSent":
			if e.who == bec.ByAttacker && (e.op == "MessageCreatedHasLink" || e.params["urls"] != "") {
				links = append(links, e)
			}
		case "CreateForm", "CreateFlow", "EditFlow", "PutPermissions", "AllowAnonymousResponse":
			mail := strings.Contains(strings.ToLower(e.params["flowconnectornames"]), "outlook") || strings.Contains(strings.ToLower(e.params["flowconnectornames"]), "office 365")
			if e.who == bec.ByAttacker {
				q.oneAct("AUTOMATION_CREATED", e, bec.High, "A form or flow was made in the attacker's context", "A form can gather passwords; a flow can forward mail without a rule.")
			} else if mail && e.op == "CreateFlow" && q.context(e).strange() {
				q.oneAct("AUTOMATION_CREATED", e, q.weigh(bec.High), "A flow that reads mail was made from a strange place", "A flow can forward mail without a rule.")
			}
		}
	}
	if len(links) >= 3 {
		f := q.found("TEAMS_MESSAGE_ABUSE", "links", bec.High)
		f.Title, f.Why, f.Status = "Links were sent in Teams in the attacker's context", itoa(len(links))+" messages with links.", "historic"
		q.actedBy(f, links)
		q.report(f)
	}
}

// foreignChat is a chat from another tenant that is followed by a change of the user's methods.
func (q *inquiry) foreignChat(e *event) {
	for _, x := range q.events {
		if x.mine && x.who != bec.ByUser && x.who != bec.ByTool && (methodOp(x.op) == "added" || passwordOps[strings.ToLower(x.op)] || x.params != nil && passNow(x)) && x.at.After(e.at) && x.at.Sub(e.at) <= 4*time.Hour {
			f := q.found("TEAMS_EXTERNAL_CONTACT", "chat:"+e.params["chatthreadid"], bec.High)
			f.Title, f.Why, f.Status = "Somebody outside wrote in Teams, and then the user's sign-in methods changed", "Attackers pose as a helpdesk in chats. The chat came from "+fence(e.params["domains"])+".", "historic"
			q.actedBy(f, []*event{e})
			f.Attribution = bec.Attribution{Value: or(x.who == bec.ByAttacker, bec.ByAttacker, bec.Ambiguous), Reason: "a change of the sign-in methods followed it"}
			f.refs = append(f.refs, x.ref())
			q.report(f)
			return
		}
	}
}
