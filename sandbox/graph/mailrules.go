package graph

import (
	"net/http"
	"strings"

	"cipp-mcp/sandbox/cloud"
)

// Inbox rules live in the mailbox, where Exchange's cmdlets see them under other names; a rule's id is its
// RuleIdentity.

// ruleConditions and ruleActions pair Get-InboxRule's names with Graph's.
var ruleConditions = map[string]string{"SubjectContainsWords": "subjectContains", "BodyContainsWords": "bodyContains", "SubjectOrBodyContainsWords": "bodyOrSubjectContains",
	"FromAddressContainsWords": "senderContains", "RecipientAddressContainsWords": "recipientContains", "HeaderContainsWords": "headerContains",
	"From": "fromAddresses", "SentTo": "sentToAddresses", "HasAttachment": "hasAttachments", "MyNameInToBox": "sentToMe", "SentOnlyToMe": "sentOnlyToMe"}

var ruleActions = map[string]string{"ForwardTo": "forwardTo", "ForwardAsAttachmentTo": "forwardAsAttachmentTo", "RedirectTo": "redirectTo", "MoveToFolder": "moveToFolder",
	"CopyToFolder": "copyToFolder", "DeleteMessage": "delete", "MarkAsRead": "markAsRead", "StopProcessingRules": "stopProcessingRules"}

func ruleID(r cloud.Object) string {
	switch v := r["RuleIdentity"].(type) {
	case string:
		return v
	case float64:
		return string(appendValue(nil, v))
	}
	_, id, _ := strings.Cut(cloud.Str(r, "Identity"), `\`)
	return id
}

func recipients(v any) []any {
	var out []any
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	for _, x := range list {
		s, _ := x.(string)
		if s == "" {
			continue
		}
		name, address := s, s
		if i := strings.Index(s, "[SMTP:"); i >= 0 {
			name, address = strings.Trim(s[:i], ` "`), strings.TrimSuffix(s[i+6:], "]")
		}
		out = append(out, cloud.Object{"emailAddress": cloud.Object{"name": name, "address": address}})
	}
	return out
}

func present(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	}
	return true
}

// graphRule is a mailbox row's rule as Graph shows it: only the members that are set.
func graphRule(r cloud.Object) cloud.Object {
	conditions, actions := cloud.Object{}, cloud.Object{}
	for from, to := range ruleConditions {
		if v := r[from]; present(v) {
			if to == "fromAddresses" || to == "sentToAddresses" {
				v = recipients(v)
			}
			conditions[to] = v
		}
	}
	for from, to := range ruleActions {
		if v := r[from]; present(v) {
			switch to {
			case "forwardTo", "forwardAsAttachmentTo", "redirectTo":
				v = recipients(v)
			}
			actions[to] = v
		}
	}
	out := cloud.Object{"id": ruleID(r), "displayName": r["Name"], "sequence": cloud.Num(r, "Priority"), "isEnabled": r["Enabled"] != false,
		"hasError": cloud.Bool(r, "InError"), "isReadOnly": false, "conditions": conditions, "actions": actions}
	if len(conditions) == 0 {
		out["conditions"] = nil
	}
	return out
}

func (c *call) inbox() (u, box cloud.Object, err error) {
	if u, box, err = c.mailboxOf(c.args[0]); err == nil && !strings.EqualFold(c.args[1], "inbox") {
		err = itemNotFound()
	}
	return u, box, err
}

func findRule(box cloud.Object, id string) cloud.Object {
	for _, r := range cloud.Objects(box, "InboxRules") {
		if ruleID(r) == id {
			return r
		}
	}
	return nil
}

// listRules is GET /users/{id}/mailFolders/inbox/messageRules. Hidden rules are not among them.
func listRules(c *call) error {
	u, box, err := c.inbox()
	if err != nil {
		return err
	}
	var rows []cloud.Object
	for _, r := range cloud.Objects(box, "InboxRules") {
		rows = append(rows, graphRule(r))
	}
	return c.list(listing{set: "users('" + cloud.Str(u, "id") + "')/mailFolders('inbox')/messageRules", typ: "messageRule", rows: rows, page: 100, max: 1000, options: "$filter $select $top $orderby"})
}

// rule is the inbox rule that the path names, with whose it is.
func (c *call) rule() (u, box, r cloud.Object, err error) {
	if u, box, err = c.inbox(); err != nil {
		return nil, nil, nil, err
	}
	if r = findRule(box, c.args[2]); r == nil {
		return nil, nil, nil, itemNotFound()
	}
	return u, box, r, nil
}

func getRule(c *call) error {
	u, _, r, err := c.rule()
	if err != nil {
		return err
	}
	return c.entity("users('"+cloud.Str(u, "id")+"')/mailFolders('inbox')/messageRules", "messageRule", graphRule(r), nil)
}

var ruleReadOnly = []string{"id", "hasError", "isReadOnly"}

// fromGraph writes a Graph rule's members into a mailbox row.
func fromGraph(r, o cloud.Object) {
	for name, to := range map[string]string{"displayName": "Name", "sequence": "Priority", "isEnabled": "Enabled"} {
		if v, given := o[name]; given {
			r[to] = v
		}
	}
	for key, names := range map[string]map[string]string{"conditions": ruleConditions, "actions": ruleActions} {
		part, given := o[key]
		if !given {
			continue
		}
		in, _ := part.(map[string]any)
		for row, graph := range names {
			v := in[graph]
			if list, ok := v.([]any); ok && len(list) > 0 {
				if _, isObject := list[0].(map[string]any); isObject {
					var addresses []any
					for _, x := range list {
						m, _ := x.(map[string]any)
						addresses = append(addresses, cloud.Str(cloud.Child(m, "emailAddress"), "address"))
					}
					v = addresses
				}
			}
			if v == nil {
				delete(r, row)
				continue
			}
			r[row] = v
		}
	}
}

func createRule(c *call) error {
	u, box, err := c.inbox()
	if err != nil {
		return err
	}
	o, _, err := c.body(rules{resource: "MessageRule", typ: "messageRule", readOnly: ruleReadOnly, required: []string{"displayName", "actions"}})
	if err != nil {
		return err
	}
	id := c.s.cloud.IDs.Text(18, "123456789")
	r := cloud.Object{"Identity": cloud.Str(box, "ExchangeGuid") + `\` + id, "RuleIdentity": id, "Enabled": true, "Priority": float64(len(cloud.List(box, "InboxRules")) + 1)}
	fromGraph(r, o)
	box["InboxRules"] = append(cloud.List(box, "InboxRules"), r)
	c.ruleAudit(u, r, "New-InboxRule")
	c.status = http.StatusCreated
	return c.entity("users('"+cloud.Str(u, "id")+"')/mailFolders('inbox')/messageRules", "messageRule", graphRule(r), nil)
}

func updateRule(c *call) error {
	u, _, r, err := c.rule()
	if err != nil {
		return err
	}
	o, _, err := c.body(rules{resource: "MessageRule", typ: "messageRule", readOnly: ruleReadOnly})
	if err != nil {
		return err
	}
	fromGraph(r, o)
	c.ruleAudit(u, r, "Set-InboxRule")
	return c.entity("users('"+cloud.Str(u, "id")+"')/mailFolders('inbox')/messageRules", "messageRule", graphRule(r), nil)
}

func deleteRule(c *call) error {
	u, box, r, err := c.rule()
	if err != nil {
		return err
	}
	rest := []any{}
	for _, x := range cloud.Objects(box, "InboxRules") {
		if ruleID(x) != c.args[2] {
			rest = append(rest, x)
		}
	}
	box["InboxRules"] = rest
	c.ruleAudit(u, r, "Remove-InboxRule")
	return nil
}

func (c *call) ruleAudit(u, r cloud.Object, operation string) {
	c.t.AuditUnified(c.actor(), "ExchangeAdmin", operation, "Exchange", cloud.Object{"ObjectId": cloud.Str(u, "userPrincipalName") + `\` + cloud.Str(r, "Name"),
		"MailboxOwnerUPN": u["userPrincipalName"], "Parameters": []any{cloud.Object{"Name": "Name", "Value": r["Name"]}}})
}

var wellKnown = []string{"Inbox", "Drafts", "Sent Items", "Deleted Items", "Junk Email", "Archive", "Outbox"}

// folders is the mailbox's folders: those of the state, else the well-known ones.
func (c *call) folders(u cloud.Object) []cloud.Object {
	if list := cloud.Objects(u, "mailFolders"); len(list) > 0 {
		return list
	}
	var out []cloud.Object
	for _, name := range wellKnown {
		out = append(out, cloud.Object{"id": cloud.DerivedID(cloud.Str(u, "id"), name), "displayName": name, "parentFolderId": cloud.DerivedID(cloud.Str(u, "id"), "root"),
			"childFolderCount": 0.0, "unreadItemCount": 0.0, "totalItemCount": 0.0, "isHidden": false})
	}
	return out
}

func listFolders(c *call) error {
	u, _, err := c.mailboxOf(c.args[0])
	if err != nil {
		return err
	}
	var rows []cloud.Object
	for _, f := range c.folders(u) {
		if !cloud.Bool(f, "isHidden") || strings.EqualFold(c.q.Other.Get("includeHiddenFolders"), "true") {
			rows = append(rows, f)
		}
	}
	return c.list(listing{set: "users('" + cloud.Str(u, "id") + "')/mailFolders", typ: "mailFolder", rows: rows, page: 10, max: 1000, options: "$filter $select $top $skip $orderby $count"})
}

func getFolder(c *call) error {
	u, _, err := c.mailboxOf(c.args[0])
	if err != nil {
		return err
	}
	for _, f := range c.folders(u) {
		if cloud.Str(f, "id") == c.args[1] || strings.EqualFold(strings.ReplaceAll(cloud.Str(f, "displayName"), " ", ""), c.args[1]) {
			return c.entity("users('"+cloud.Str(u, "id")+"')/mailFolders", "mailFolder", f, nil)
		}
	}
	return itemNotFound()
}
