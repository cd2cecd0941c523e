package exchange

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"cipp-mcp/sandbox/cloud"
)

var pageSize = regexp.MustCompile(`(?i)odata\.maxpagesize\s*=\s*(\d+)`)

const truncationWarning = "There are more results available than are currently displayed. To view them, increase the value for the ResultSize parameter."

// page is the part of a cmdlet's rows that one answer carries.
type page struct {
	c    *call
	r    *http.Request
	to   int
	more bool
}

// window says which rows: as many as Prefer asks for; without Prefer and ResultSize one, as the service
// does. ResultSize limits them all.
func (p *page) window(rows int) (from, to int, err error) {
	c := p.c
	most := 1000
	if c.p.has("ResultSize") {
		most = rows
		if n, err := strconv.Atoi(c.p.text("ResultSize")); err == nil {
			most = n
		}
	}
	if rows > most && !c.def.ownPaging() {
		rows = most
		c.warn(truncationWarning)
	}
	size := rows
	if c.def.ownPaging() { // its rows come in one answer
		p.to = rows
		return 0, rows, nil
	}
	if m := pageSize.FindStringSubmatch(p.r.Header.Get("Prefer")); m != nil {
		if n, err := strconv.Atoi(m[1]); err == nil && n > 0 {
			size = n
		}
	} else if !c.p.has("ResultSize") && rows > 1 {
		size = 1
		c.warn(truncationWarning)
	}
	if from, err = c.position(p.r.URL.Query().Get("$skiptoken"), rows); err != nil {
		return 0, 0, err
	}
	p.to = min(rows, from+size)
	p.more = p.to < rows
	return from, p.to, nil
}

func (p *page) reply(w http.ResponseWriter, rows []cloud.Object) {
	q := p.r.URL.Query()
	selected := selection(q.Get("$select"))
	value := make([]any, 0, len(rows))
	for _, row := range rows {
		value = append(value, dress(row, selected))
	}
	scheme := "https://"
	if p.r.TLS == nil {
		scheme = "http://"
	}
	self := scheme + p.r.Host + "/adminapi/beta/" + p.c.tenant.ID
	warnings := make([]any, len(p.c.warnings))
	for i, x := range p.c.warnings {
		warnings[i] = x
	}
	out := cloud.Object{"@odata.context": self + "/$metadata#Collection(Exchange.CmdletOutput)", "adminapi.warnings@odata.type": "#Collection(String)",
		"@adminapi.warnings": warnings, "value": value}
	if p.more {
		next := url.Values{"$skiptoken": {p.c.token(p.to)}}
		if sel := q.Get("$select"); sel != "" {
			next.Set("$select", sel)
		}
		out["@odata.nextLink"] = self + "/InvokeCommand?" + next.Encode()
	}
	writeJSON(w, http.StatusOK, out)
}

// ownPaging says that the cmdlet limits its rows by a ResultSize of its own kind.
func (d *cmdlet) ownPaging() bool {
	return d.name == "Search-UnifiedAuditLog" || d.name == "Get-MessageTraceV2"
}

// token is an opaque position, good for the same cmdlet with the same parameters only.
func (c *call) token(at int) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(at) + "." + c.fingerprint()))
}

func (c *call) fingerprint() string {
	b, err := json.Marshal([]any{c.tenant.ID, c.def.name, c.p})
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:12])
}

func (c *call) position(token string, rows int) (int, error) {
	if token == "" {
		return 0, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	at, print, ok := strings.Cut(string(raw), ".")
	n, err2 := strconv.Atoi(at)
	if err != nil || err2 != nil || !ok || print != c.fingerprint() || n < 0 {
		return 0, badRequest("The skip token does not belong to this request: send the same body to the nextLink.")
	}
	return min(n, rows), nil
}

// selection is the property names asked for, lower case; nil means all.
func selection(s string) map[string]bool {
	if strings.TrimSpace(s) == "" || strings.TrimSpace(s) == "*" {
		return nil
	}
	out := map[string]bool{}
	for n := range strings.SplitSeq(s, ",") {
		out[strings.ToLower(strings.TrimSpace(n))] = true
	}
	return out
}

var (
	dateValue = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$`)
	sizeValue = regexp.MustCompile(`^[\d.,]+ [KMGT]?B \([\d,]+ bytes\)$`)
)

// dress is a row as it travels: the selected properties, each with the companions that tell its type.
func dress(row cloud.Object, selected map[string]bool) cloud.Object {
	out := cloud.Object{}
	for k, v := range row {
		if selected != nil && !selected[strings.ToLower(k)] {
			continue
		}
		out[k] = v
		switch v := v.(type) {
		case []any:
			out[k+"@data.type"], out[k+"@odata.type"] = "System.Collections.Generic.List`1[System.String]", "#Collection(String)"
		case json.Number:
			out[k+"@data.type"], out[k+"@odata.type"] = "System.UInt64", "#UInt64"
		case string:
			switch {
			case cloud.IsGUID(v) && strings.HasSuffix(k, "Guid"):
				out[k+"@data.type"], out[k+"@odata.type"] = "System.Guid", "#Guid"
			case dateValue.MatchString(v):
				out[k+"@data.type"] = "System.DateTime"
			case sizeValue.MatchString(v):
				out[k+"@data.type"] = "Microsoft.Exchange.Data.ByteQuantifiedSize"
			}
		}
	}
	return out
}
