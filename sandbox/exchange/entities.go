package exchange

import (
	"encoding/base64"
	"net/http"
	"regexp"
	"strings"

	"cipp-mcp/sandbox/cloud"
)

// mailboxEntity is the reads that are no cmdlets: a mailbox's statistics, and those of its mobile devices.
var mailboxEntity = regexp.MustCompile(`(?i)^mailbox\('([^']+)'\)/(Exchange\.GetMailboxStatistics|MobileDevice/Exchange\.GetMobileDeviceStatistics)\(\)/?$`)

func (s *Service) entity(w http.ResponseWriter, r *http.Request, a access, rest string) {
	m := mailboxEntity.FindStringSubmatch(rest)
	id, mobile := m[1], strings.HasPrefix(strings.ToLower(m[2]), "mobiledevice")
	if strings.EqualFold(r.URL.Query().Get("IsEncoded"), "true") {
		raw, err := base64.StdEncoding.DecodeString(id)
		if err != nil {
			writeError(w, badRequest("The identity is not base64: "+err.Error()))
			return
		}
		id = string(raw)
	}
	name, parameters := "Get-MailboxStatistics", map[string]any{"Identity": id}
	if mobile {
		name, parameters = "Get-MobileDeviceStatistics", map[string]any{"Mailbox": id}
	}
	c, err := s.prepare(a, name, parameters)
	if err != nil {
		writeError(w, err)
		return
	}
	rows, err := c.run(func(rows int) (from, to int, err error) { return 0, rows, nil })
	if err != nil {
		writeError(w, err)
		return
	}
	if mobile {
		value := make([]any, 0, len(rows))
		for _, row := range rows {
			value = append(value, dress(row, nil))
		}
		writeJSON(w, http.StatusOK, cloud.Object{"@odata.context": "https://" + r.Host + "/adminapi/beta/" + a.tenant.ID + "/$metadata#Collection(Exchange.MobileDeviceStatistics)", "value": value})
		return
	}
	out := dress(rows[0], nil)
	out["@odata.context"] = "https://" + r.Host + "/adminapi/beta/" + a.tenant.ID + "/$metadata#Exchange.MailboxStatistics"
	writeJSON(w, http.StatusOK, out)
}
