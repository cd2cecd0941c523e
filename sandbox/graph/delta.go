package graph

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"cipp-mcp/sandbox/cloud"
	"cipp-mcp/sandbox/odata"
)

const (
	deltaPage = 200
	deltaLife = 7 * 24 * time.Hour
)

// deltaState is what a delta or skip token of /users/delta holds.
type deltaState struct {
	Since  int       `json:"s"`           // position in the log of changes at the start of this round
	From   int       `json:"f,omitempty"` // place of the next page
	Full   bool      `json:"a,omitempty"` // first round: everything
	Select string    `json:"p,omitempty"`
	IDs    []string  `json:"i,omitempty"`
	Until  time.Time `json:"u"`
	Upto   int       `json:"e,omitempty"`
}

// deltaUsers is GET /users/delta.
// https://learn.microsoft.com/graph/delta-query-users
func deltaUsers(c *call) error {
	var st deltaState
	token := c.q.DeltaToken
	if token == "" {
		token = c.q.SkipToken
	}
	switch {
	case strings.EqualFold(c.q.DeltaToken, "latest"):
		_, end := c.t.Changes(0)
		return c.deltaAnswer(nil, "", deltaState{Since: end, Select: c.q.Select, Until: c.t.Now().Add(deltaLife)})
	case token != "":
		if c.q.Has("$select") || c.q.Has("$filter") {
			return badRequest("The query options of a delta query are part of its token and cannot be given again.")
		}
		text, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil || json.Unmarshal(text, &st) != nil {
			return badRequest("Badly formed token.")
		}
		if c.t.Now().After(st.Until) {
			c.header.Set("Location", c.base+"/users/delta?$deltatoken=")
			return refused(http.StatusGone, "syncStateNotFound", "The delta token has expired; start a full synchronisation.")
		}
	default:
		for _, name := range c.q.Given {
			if name != "$select" && name != "$filter" && name != "$deltatoken" {
				return badRequest("The query option '%s' is not supported by delta queries of users.", name)
			}
		}
		ids, err := deltaFilter(c)
		if err != nil {
			return err
		}
		_, end := c.t.Changes(0)
		st = deltaState{Since: end, Full: true, Select: c.q.Select, IDs: ids, Until: c.t.Now().Add(deltaLife), Upto: end}
	}
	selected, err := odata.ParseSelect(st.Select, c.m, "user")
	if err != nil {
		return err
	}
	if st.Full {
		return c.deltaFull(st, selected)
	}
	return c.deltaChanges(st, selected)
}

func deltaFilter(c *call) ([]string, error) {
	if c.q.Filter == "" {
		return nil, nil
	}
	var ids []string
	for _, part := range strings.Split(c.q.Filter, " or ") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), " eq ")
		if !ok || !strings.EqualFold(name, "id") || len(value) < 3 || value[0] != '\'' {
			return nil, odata.Unsupported("Delta queries of users can only be filtered by id.")
		}
		ids = append(ids, strings.Trim(value, "'"))
	}
	if len(ids) > 50 {
		return nil, odata.Unsupported("At most 50 ids can be given to a delta query.")
	}
	return ids, nil
}

func (st deltaState) wants(id string) bool {
	return st.IDs == nil || slices.ContainsFunc(st.IDs, func(s string) bool { return strings.EqualFold(s, id) })
}

func (c *call) deltaFull(st deltaState, selected []string) error {
	all := c.t.SeenAll(c.t.Users().All())
	to := min(st.From+deltaPage, len(all))
	var rows [][]byte
	for _, u := range all[min(st.From, to):to] {
		if st.wants(cloud.Str(u, "id")) {
			rows = append(rows, c.deltaRow(u, selected))
		}
	}
	if to < len(all) {
		next := st
		next.From = to
		return c.deltaAnswer(rows, "$skiptoken", next)
	}
	return c.deltaAnswer(rows, "", deltaState{Since: st.Since, Select: st.Select, IDs: st.IDs, Until: c.t.Now().Add(deltaLife)})
}

func (c *call) deltaChanges(st deltaState, selected []string) error {
	changes, end := c.t.Changes(st.Since)
	last := map[string]string{}
	var order []string
	for _, ch := range changes {
		if _, seen := last[ch.ID]; !seen {
			order = append(order, ch.ID)
		}
		last[ch.ID] = ch.Kind
	}
	var rows [][]byte
	for _, id := range order {
		if !st.wants(id) {
			continue
		}
		u := c.t.Users().Get(id)
		switch {
		case u != nil:
			rows = append(rows, c.deltaRow(u, selected))
		case last[id] == "purged":
			rows = append(rows, removedRow(id, "deleted"))
		default:
			rows = append(rows, removedRow(id, "changed"))
		}
	}
	return c.deltaAnswer(rows, "", deltaState{Since: end, Select: st.Select, IDs: st.IDs, Until: c.t.Now().Add(deltaLife)})
}

func removedRow(id, reason string) []byte {
	b := appendString([]byte(`{"id":`), id)
	return append(b, `,"@removed":{"reason":"`+reason+`"}}`...)
}

func (c *call) deltaRow(u cloud.Object, selected []string) []byte {
	names := selected
	if names != nil && !slices.Contains(names, "id") {
		names = append(slices.Clone(names), "id")
	}
	head := ""
	if m := c.t.User(cloud.Str(u, "manager")); m != nil && slices.Contains(selected, "manager") {
		head = `"manager@delta":[{"@odata.type":"#microsoft.graph.user","id":"` + cloud.Str(m, "id") + `"}]`
	}
	return appendObject(nil, u, c.shape("user", names, defaults["user"]), head)
}

func (c *call) deltaAnswer(rows [][]byte, link string, st deltaState) error {
	text, err := json.Marshal(st)
	if err != nil {
		return err
	}
	name := "@odata.deltaLink"
	if link == "" {
		link = "$deltatoken"
	} else {
		name = "@odata.nextLink"
	}
	b := append([]byte("{"), c.context("users")...)
	b = appendString(b, name)
	b = append(b, ':')
	b = appendString(b, c.base+"/users/delta?"+link+"="+base64.RawURLEncoding.EncodeToString(text))
	b = append(b, `,"value":[`...)
	for i, r := range rows {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, r...)
	}
	b = append(b, "]}"...)
	c.out = b
	return nil
}
