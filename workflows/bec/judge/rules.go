package judge

import (
	"slices"
	"strings"

	"cipp-mcp/workflows/bec"
)

// The four questions of a rule: where does the mail go, which mail, how was the rule made, what does it look like.
// Only answers that fit together are a finding.

// goes is the answer to the first question.
type goes uint8

const (
	nowhere  goes = iota // it stays in sight
	hiding               // a folder nobody looks into
	deleted              // away
	outwards             // to an address outside
)

// grade is what a rule's own content weighs; how it was made comes on top.
type grade struct {
	goes    goes
	every   bool   // every mail
	strong  bool   // counterparties, bank, payroll, security notices
	weak    string // the word it looks for
	secure  bool   // that word is one of security
	odd     string // the shape of the name
	spoof   bool   // the name is one of Exchange's own
	where   string
	unread  bool // the folder could not be looked up
	targets []string
}

func (q *inquiry) gradeOf(r *rule) grade {
	g := grade{odd: shape(r.name), spoof: systemName(r.name)}
	for _, t := range r.to {
		if a := q.resolve(t); q.external(a) {
			g.targets = append(g.targets, a)
		}
	}
	g.targets = append(g.targets, r.sms...)
	folder, unread := q.lowVisibility(r.folder)
	switch {
	case len(g.targets) > 0:
		g.goes, g.where = outwards, "goes to "+fences(g.targets)
	case r.del || r.purge:
		g.goes, g.where = deleted, "is deleted"
	case folder && !r.copied:
		g.goes, g.where, g.unread = hiding, "goes to the folder "+q.folderName(r.folder), unread
	}
	g.every = everyMail(r.conds)
	var text []string
	for _, n := range []string{"SubjectContainsWords", "SubjectOrBodyContainsWords", "BodyContainsWords", "HeaderContainsWords", "FromAddressContainsWords", "From"} {
		text = append(text, r.conds[n]...)
	}
	g.strong = q.fromCounterparty(r.conds["From"]) || q.fromCounterparty(r.conds["FromAddressContainsWords"])
	joined := strings.Join(text, "\n")
	if w := which(joined, words().Security); w != "" {
		g.weak, g.secure = w, true
	} else if w := which(joined, words().Finance); w != "" {
		g.weak = w
	}
	if g.secure && slices.ContainsFunc(append(slices.Clone(r.conds["From"]), r.conds["FromAddressContainsWords"]...), func(s string) bool { return holds(s, words().Security) }) {
		g.strong = true
	}
	return g
}

func (q *inquiry) folderName(id string) string {
	for _, r := range q.state["mailFolder"] {
		if same(r.o.str("id", "FolderId"), id) {
			return fence(r.o.str("displayName", "Name"))
		}
	}
	return fence(id)
}

// everyMail tells conditions that leave nothing out: none, one character, an at sign, a size of nothing.
func everyMail(conds map[string][]string) bool {
	for n, list := range conds {
		switch n {
		case "WithinSizeRangeMinimum":
			if !tiny(list[0]) {
				return false
			}
		case "SubjectContainsWords", "SubjectOrBodyContainsWords", "BodyContainsWords", "FromAddressContainsWords", "HeaderContainsWords", "RecipientAddressContainsWords":
			if !slices.ContainsFunc(list, func(w string) bool {
				w = strings.TrimFunc(w, func(r rune) bool { return r == 0 || r == ' ' || invisible(r) })
				return len([]rune(w)) <= 1 && !ideographic(w) || w == "\\0"
			}) {
				return false
			}
		default:
			return false
		}
	}
	return true
}

func tiny(size string) bool {
	s := strings.ToLower(strings.TrimSpace(size))
	return s == "0" || s == "1" || strings.HasPrefix(s, "0 ") || strings.HasPrefix(s, "1 b") || strings.HasPrefix(s, "1 kb") || s == "1kb" || s == "0kb" || s == "1024"
}

// lowVisibility tells a folder nobody looks into; unread, that the mailbox's folders are not known and only the
// folder's name says so.
func (q *inquiry) lowVisibility(folder string) (hides, unread bool) {
	if folder == "" {
		return false, false
	}
	name := folder[strings.LastIndexAny(folder, ":")+1:]
	name = strings.ToLower(strings.Trim(strings.ReplaceAll(name, "/", "\\"), "\\ "))
	known := len(q.state["mailFolder"]) > 0
	for _, r := range q.state["mailFolder"] {
		shown := strings.ToLower(r.o.str("displayName", "Name"))
		if !same(r.o.str("id", "FolderId"), folder) && shown != name {
			continue
		}
		if well := r.o.lower("wellKnownName", "FolderType"); well != "" && well != "user created" {
			return hidingFolders[strings.ReplaceAll(well, " ", "")], false
		}
		if at, _ := r.o.time("createdDateTime", "CreationTime"); !at.IsZero() && q.afterAttack(at) {
			return true, false
		}
		name = shown
		if topFolder(name) != "rss" && (r.o.has("wellKnownName") || r.o.has("FolderType") || q.namesFolders()) {
			return false, false // the user's own folder, whatever its name
		}
	}
	top := topFolder(name)
	return top != "", !known && (top == "archive" || top == "notes" || top == "calendar")
}

// namesFolders tells whether the folder list says which folders are Exchange's own.
func (q *inquiry) namesFolders() bool {
	return slices.ContainsFunc(q.state["mailFolder"], func(r *row) bool { return r.o.str("wellKnownName", "FolderType") != "" })
}

var hidingFolders = set("archive", "conversationhistory", "deleteditems", "junkemail", "rssfeeds", "rsssubscription", "rsssubscriptions", "syncissues", "localfailures", "serverfailures", "conflicts", "notes", "calendar", "clutter", "recoverableitemsdeletions")

func topFolder(name string) string {
	for k, list := range words().Folders {
		if slices.Contains(list, name) {
			return k
		}
	}
	return ""
}

// severityOf puts the answers together.
func (g grade) severityOf(made bool) bec.Severity {
	strongB := g.every || g.strong
	switch g.goes {
	case outwards:
		if strongB || made {
			return bec.Critical
		}
		return bec.High
	case deleted:
		switch {
		case g.every || made || g.strong:
			return bec.Critical
		case g.secure, g.weak != "" && g.odd != "":
			return bec.High
		case g.weak != "":
			return bec.Medium
		case g.odd != "":
			return bec.Medium
		}
		return bec.Info // a sender whose mail the user does not want
	case hiding:
		b := strongB || g.weak != ""
		switch {
		case made && (b || g.odd != ""), b && g.odd != "":
			return bec.High
		case made:
			return bec.Medium
		case b:
			return bec.Medium
		case g.odd != "":
			return bec.Low
		}
		return bec.Info
	case nowhere:
	}
	if g.odd != "" {
		return bec.Low
	}
	return bec.Info
}

// findRules reports each rule once, with all that state, hidden list and history say of it.
func (q *inquiry) findRules() {
	for _, r := range q.rules() {
		q.findRule(r)
	}
}

func (q *inquiry) findRule(r *rule) {
	g := q.gradeOf(r)
	made := q.makerOf(r.acts)
	byAttacker := made != nil && made.who == bec.ByAttacker
	conditions := len(r.conds) > 0
	strongC := byAttacker || r.hidden || g.spoof && g.goes != nowhere
	sev := g.severityOf(strongC)
	class := "RULE_HIDES_MAIL"
	acts := g.goes != nowhere || r.folder != "" && conditions
	switch {
	case g.spoof && (g.goes != nowhere || r.folder != "" && conditions || len(r.to) > 0):
		class, sev = "RULE_SYSTEM_NAME_SPOOF", bec.Critical
	case r.hidden && !systemName(r.name) && (len(r.to) > 0 || r.del || r.purge || acts):
		class, sev = "RULE_HIDDEN", bec.Critical
	case g.goes == outwards:
		class = "RULE_FORWARDS_OUT"
	}
	switch {
	case delegateRule(r) && g.goes != outwards:
		return // Exchange's own, for meeting requests
	case g.goes == nowhere && class == "RULE_HIDES_MAIL" && !r.hidden && g.odd == "",
		sev == bec.Info && !r.hidden:
		return
	case r.hidden && class == "RULE_HIDES_MAIL":
		if systemName(r.name) {
			return
		}
		class, sev = "RULE_HIDDEN", bec.Low
	}
	f := q.found(class, "rule:"+r.id+":"+flat(r.name), sev)
	f.untested = g.unread
	f.artefact, f.alive = r.live, r.live && r.enabled
	f.entity = r.id
	f.Title = "The inbox rule " + fence(r.name) + " " + ruleTitle(class)
	f.Why = ruleWhy(r, g)
	f.refs = append(f.refs, r.refs...)
	q.actedBy(f, r.acts)
	if !r.live {
		q.ruleGone(f, r, sev)
	}
	if !r.enabled && r.live {
		f.Status = "historic"
		f.Why += " It is disabled now; attackers disable rules rather than delete them."
	}
	f.BenignTested = append(f.BenignTested,
		result("approvedRecipient", false, true, "", "no address it sends to is approved"),
		result("usersOwnFolder", false, !g.unread, "", "not a folder the user made"),
		result("madeByTheUser", f.Attribution.Value == bec.ByUser, len(r.acts) > 0, f.Attribution.Reason, "no record ties it to the user's usual place"))
	if f.Attribution.Value == bec.ByUser && rank(f.Severity) < rank(bec.Critical) && g.goes != outwards && g.odd == "" {
		f.Severity = bec.Info // made in the user's usual place, and it looks like it
	} else if f.Attribution.Value == bec.ByUser {
		q.doubt(f, "it was made in the user's usual place, which does not explain where the mail goes")
	}
	if r.live && r.enabled {
		f.Remediation = append(f.Remediation, bec.Remediation{Action: "disableRule", TargetID: r.id, Reversible: true, NeedsApproval: true})
	}
	f.depends = []string{bec.InboxRules, bec.HiddenRules, bec.UAL}
	q.report(f)
}

func delegateRule(r *rule) bool {
	n, found := strings.CutPrefix(flat(r.name), "delegate rule")
	return found && strings.Trim(n, " -0123456789") == ""
}

// ruleGone is a rule that only the history knows.
func (q *inquiry) ruleGone(f *finding, r *rule, sev bec.Severity) {
	f.Status = "historic"
	if r.removed == nil {
		return
	}
	switch r.removed.who {
	case bec.ByTool:
		f.Status = "removed_by_tool"
	case bec.ByAdmin:
		f.Why += " Another account removed it."
	default:
		if f.Class == "RULE_HIDES_MAIL" || f.Class == "RULE_FORWARDS_OUT" {
			f.Class = "RULE_CREATED_THEN_REMOVED"
			if rank(sev) >= rank(bec.Medium) {
				f.Severity = step(bec.High, max(0, rank(sev)-rank(bec.High)))
			}
		}
		f.Status = "removed_by_attacker"
		f.Why += " It was removed again later."
	}
}

func ruleTitle(class string) string {
	switch class {
	case "RULE_SYSTEM_NAME_SPOOF":
		return "bears a name of Exchange's own and acts on mail"
	case "RULE_HIDDEN":
		return "is hidden from Outlook"
	case "RULE_FORWARDS_OUT":
		return "sends mail out of the organisation"
	}
	return "keeps mail out of sight"
}

func ruleWhy(r *rule, g grade) string {
	var b strings.Builder
	which := "The mail it chooses"
	if g.every {
		which = "Every mail"
	}
	if g.where != "" {
		b.WriteString(which + " " + g.where + ".")
	} else {
		b.WriteString("It acts on mail without the user seeing the rule.")
	}
	if g.weak != "" {
		b.WriteString(" It looks for the word " + fence(g.weak) + ".")
	}
	if g.strong {
		b.WriteString(" It takes the mail of a counterparty in money matters or of security.")
	}
	if g.odd != "" {
		b.WriteString(" To look at, " + g.odd + ".")
	}
	if r.read && g.goes == hiding {
		b.WriteString(" It marks the mail as read.")
	}
	return b.String()
}

// makerOf is the event that made the rule or the latest that gave it its content.
func (q *inquiry) makerOf(acts []*event) *event {
	var out *event
	for _, e := range acts {
		if removal(e) || e.who == bec.ByTool {
			continue
		}
		if out == nil || e.who == bec.ByAttacker && out.who != bec.ByAttacker {
			out = e
		}
	}
	return out
}
