package judge

import (
	"maps"
	"slices"
	"strings"

	"cipp-mcp/workflows/bec"

	"github.com/tidwall/gjson"
)

// rule is an inbox rule as state, hidden list and history show it together.
type rule struct {
	id, name string
	live     bool // it is in the mailbox now
	enabled  bool
	hidden   bool
	conds    map[string][]string
	to       []string // forwarded or redirected to
	sms      []string
	purge    bool // deleted beyond recovery by the user
	del      bool
	folder   string
	copied   bool
	read     bool
	known    bool // its actions are known
	refs     []ref
	acts     []*event
	removed  *event
	graph    bool // Graph's copy of it was seen
	unread   bool // a list that would tell whether it is hidden was not read
}

// conditions by Exchange's names, and Graph's names for the same.
var conditionNames = []string{"From", "SubjectContainsWords", "SubjectOrBodyContainsWords", "BodyContainsWords", "FromAddressContainsWords", "HeaderContainsWords", "RecipientAddressContainsWords", "SentTo", "HasAttachment",
	"FlaggedForAction", "FromSubscription", "HasClassification", "MessageTypeMatches", "MyNameInCcBox", "MyNameInToBox", "MyNameInToOrCcBox", "MyNameNotInToBox", "SentOnlyToMe", "ReceivedAfterDate", "ReceivedBeforeDate",
	"WithImportance", "WithSensitivity", "WithinSizeRangeMinimum", "WithinSizeRangeMaximum"}

var graphConditions = map[string]string{"subjectcontains": "SubjectContainsWords", "bodycontains": "BodyContainsWords", "bodyorsubjectcontains": "SubjectOrBodyContainsWords", "fromaddresses": "From", "sendercontains": "FromAddressContainsWords",
	"headercontains": "HeaderContainsWords", "recipientcontains": "RecipientAddressContainsWords", "senttoaddresses": "SentTo", "hasattachments": "HasAttachment"}

// fill reads a rule's properties from whatever gives them by name.
func (r *rule) fill(list func(string) []string, flag func(string) bool) {
	r.conds = map[string][]string{}
	for _, n := range conditionNames {
		if v := list(n); len(v) > 1 || len(v) == 1 && v[0] != "" && !strings.EqualFold(v[0], "false") {
			r.conds[n] = v
		}
	}
	for _, n := range []string{"ForwardTo", "ForwardAsAttachmentTo", "RedirectTo"} {
		r.to = append(r.to, list(n)...)
	}
	r.sms = list("SendTextMessageNotificationTo")
	r.del = flag("DeleteMessage") || flag("SoftDeleteMessage")
	r.purge = flag("PermanentDelete")
	r.read = flag("MarkAsRead")
	if f := list("MoveToFolder"); len(f) > 0 {
		r.folder = f[0]
	} else if f := list("CopyToFolder"); len(f) > 0 {
		r.folder, r.copied = f[0], true
	}
	r.known = r.harms() || r.folder != "" || r.read || len(r.conds) > 0
}

func (r *rule) harms() bool { return len(r.to) > 0 || len(r.sms) > 0 || r.del || r.purge }

// rules merges what the visible list, the hidden list, Graph and the history say of each rule.
func (q *inquiry) rules() []*rule {
	var out []*rule
	byID := map[string]*rule{}
	visible := map[string]bool{}
	for _, r := range q.state["inboxRule"] {
		if r.source == bec.InboxRules {
			visible[ruleID(r)] = true
		}
	}
	canTell := q.complete(bec.InboxRules)
	for _, r := range slices.Concat(q.state["inboxRule"], q.state["messageRule"]) {
		id := ruleID(r)
		if had, ok := byID[id]; ok {
			had.refs = append(had.refs, r.ref())
			continue
		}
		x := q.ruleOf(r)
		if r.kind == "messageRule" { // Graph may know the rule by another id
			if i := slices.IndexFunc(out, func(o *rule) bool { return o.name == x.name && !o.hidden && !o.graph }); i >= 0 {
				out[i].graph = true
				out[i].refs = append(out[i].refs, r.ref())
				continue
			}
		}
		x.id = id
		x.hidden = r.source == bec.HiddenRules && !visible[id] && canTell
		x.unread = r.source == bec.HiddenRules && !canTell
		byID[id] = x
		out = append(out, x)
	}
	return q.ruleHistory(out)
}

func ruleID(r *row) string {
	id := r.o.str("RuleIdentity")
	if id == "" {
		id = r.o.str("Identity", "id", "RuleId")
		id = id[strings.LastIndexByte(id, '\\')+1:]
	}
	if id == "" {
		id = r.id
	}
	return id
}

func (q *inquiry) ruleOf(r *row) *rule {
	x := &rule{name: r.o.str("Name", "displayName"), live: true, enabled: !r.o.has("Enabled", "isEnabled") || r.o.flag("Enabled", "isEnabled"), refs: []ref{r.ref()}}
	if !r.o.has("actions") && !r.o.has("conditions") {
		x.fill(func(n string) []string { return r.o.list(n) }, func(n string) bool { return r.o.flag(n) })
		return x
	}
	acts, conds := r.o.obj("actions"), r.o.obj("conditions")
	graph := map[string][]string{}
	for i, k := range conds.keys {
		name, ok := graphConditions[strings.ToLower(k)]
		if !ok {
			name = "MessageTypeMatches" // any other condition narrows the rule
		}
		if v := texts(conds.vals[i]); len(v) > 0 {
			graph[name] = append(graph[name], v...)
		}
	}
	x.fill(func(n string) []string {
		if v, ok := graph[n]; ok {
			return v
		}
		return acts.list(strings.ToLower(n[:1]) + n[1:])
	}, func(n string) bool { return acts.flag(n) || n == "DeleteMessage" && acts.flag("delete") })
	return x
}

// ruleHistory adds what the audit log says: rules made, changed and removed.
func (q *inquiry) ruleHistory(out []*rule) []*rule {
	byName := map[string][]*rule{}
	for _, r := range out {
		byName[flat(r.name)] = append(byName[flat(r.name)], r)
		byName["#"+r.id] = append(byName["#"+r.id], r)
	}
	for _, e := range q.events {
		if !e.mine || e.dropped || !e.ok || !ruleOp(e.op) {
			continue
		}
		x := ruleOfEvent(e)
		if x == nil {
			continue
		}
		var hit *rule
		if x.id != "" {
			hit = last(byName["#"+x.id])
		}
		if hit == nil {
			for _, c := range byName[flat(x.name)] {
				if c.removed == nil || c.live {
					hit = c
				}
			}
		}
		switch {
		case removal(e):
			if hit == nil {
				continue // of a rule that the log does not reach back to
			}
			hit.acts = append(hit.acts, e)
			if !hit.live {
				hit.removed = e
			}
			continue
		case hit == nil || !hit.live && hit.removed != nil && !strings.HasPrefix(e.op, "Set-"):
			if !x.known {
				continue // a resynchronisation names a rule without its actions
			}
			hit = x
			out = append(out, x)
			byName[flat(x.name)] = append(byName[flat(x.name)], x)
			if x.id != "" {
				byName["#"+x.id] = append(byName["#"+x.id], x)
			}
		case !hit.live && x.known:
			grow(hit, x)
		}
		hit.acts = append(hit.acts, e)
		hit.refs = append(hit.refs, e.ref())
	}
	return out
}

// grow takes a change of a rule that is gone: what it did in the end.
func grow(r, x *rule) {
	maps.Copy(r.conds, x.conds)
	r.to = append(r.to, x.to...)
	r.del, r.purge, r.read = r.del || x.del, r.purge || x.purge, r.read || x.read
	if x.folder != "" {
		r.folder = x.folder
	}
}

func last(list []*rule) *rule {
	if len(list) == 0 {
		return nil
	}
	return list[len(list)-1]
}

func ruleOp(op string) bool {
	switch op {
	case "New-InboxRule", "Set-InboxRule", "Remove-InboxRule", "Enable-InboxRule", "Disable-InboxRule", "UpdateInboxRules":
		return true
	}
	return false
}

func removal(e *event) bool {
	return e.op == "Remove-InboxRule" || e.op == "UpdateInboxRules" && strings.HasPrefix(strings.ToLower(e.params["ruleoperation"]), "remove")
}

// ruleOfEvent is the rule as an audit record writes it.
func ruleOfEvent(e *event) *rule {
	p := e.params
	if p == nil {
		return nil
	}
	x := &rule{enabled: e.op != "Disable-InboxRule"}
	if e.op == "UpdateInboxRules" {
		x.id, x.name = p["ruleid"], p["rulename"]
		x.outlook(p["rulecondition"], p["ruleactions"])
		return x
	}
	target := e.target
	if target == "" || e.op != "New-InboxRule" && strings.Contains(p["identity"], "\\") {
		target = p["identity"]
	}
	tail := target[strings.LastIndexByte(target, '\\')+1:]
	x.name = p["name"]
	if x.name == "" {
		x.name = tail
	}
	if digits(tail) {
		x.id = tail
	}
	x.fill(func(n string) []string { return parted(p[strings.ToLower(n)]) }, func(n string) bool {
		v := p[strings.ToLower(n)]
		return strings.EqualFold(v, "true") || v == "1" || strings.EqualFold(v, "$true")
	})
	return x
}

func digits(s string) bool {
	if len(s) < 6 {
		return false
	}
	return strings.Trim(s, "0123456789") == ""
}

func parted(s string) []string {
	var out []string
	for v := range strings.SplitSeq(s, ";") {
		if v = strings.TrimSpace(v); v != "" {
			out = append(out, v)
		}
	}
	return out
}

// outlook reads a rule as Outlook writes it: conditions as text, actions as JSON.
func (r *rule) outlook(condition, actions string) {
	r.conds = map[string][]string{}
	if c := strings.TrimSpace(condition); c != "" && c != "[]" && c != "{}" && c != "()" {
		r.conds["SubjectOrBodyContainsWords"] = []string{c}
	}
	var walk func(v gjson.Result, depth int)
	walk = func(v gjson.Result, depth int) {
		if depth > 6 {
			return
		}
		if v.IsObject() {
			o := read(v)
			kind := o.lower("ActionType", "Type")
			switch {
			case strings.Contains(kind, "forward"), strings.Contains(kind, "redirect"), strings.Contains(kind, "delegate"):
				addresses(v, &r.to, 0)
			case strings.Contains(kind, "permanent"):
				r.purge = true
			case strings.Contains(kind, "delete"):
				r.del = true
			case strings.Contains(kind, "move"), strings.Contains(kind, "copy"):
				r.folder = o.str("FolderName", "Folder", "FolderPath", "FolderId")
				r.copied = strings.Contains(kind, "copy")
			case strings.Contains(kind, "read"):
				r.read = true
			}
		}
		if v.IsObject() || v.IsArray() {
			v.ForEach(func(_, in gjson.Result) bool { walk(in, depth+1); return true })
		}
	}
	if gjson.Valid(actions) {
		walk(gjson.Parse(actions), 0)
	}
	r.known = r.harms() || r.folder != "" || r.read
}

func addresses(v gjson.Result, out *[]string, depth int) {
	if depth > 6 {
		return
	}
	if v.Type == gjson.String {
		if a := smtp(v.Str); a != "" {
			*out = append(*out, strings.Clone(a))
		}
		return
	}
	if v.IsObject() || v.IsArray() {
		v.ForEach(func(_, in gjson.Result) bool { addresses(in, out, depth+1); return true })
	}
}
