package graphclient

import (
	"encoding/json"
	"time"
)

// AuditRecord is one record of the unified audit log, in one shape for both ways to it: Search-UnifiedAuditLog
// and Graph's audit log queries. Data is the record as the log keeps it, so that it can be stored as evidence;
// what stands beside it is read from it.
//
// Reference: https://learn.microsoft.com/office/office-365-management-api/office-365-management-activity-api-schema
type AuditRecord struct {
	ID           string          `json:"id"`           // the record's own; both sources name it alike
	CreationTime time.Time       `json:"creationTime"` // UTC; the log writes it without saying so
	RecordType   string          `json:"recordType"`   // by name: ExchangeAdmin, ExchangeItemAggregated …
	Operation    string          `json:"operation"`
	UserID       string          `json:"userId,omitempty"`   // who acted: mostly a UPN, else what the workload calls the actor
	ClientIP     string          `json:"clientIp,omitempty"` // as it stands there: with a port or brackets from some workloads
	ObjectID     string          `json:"objectId,omitempty"`
	Service      string          `json:"service,omitempty"` // the workload: Exchange, AzureActiveDirectory, SharePoint …
	Data         json.RawMessage `json:"data"`
}

// AuditSearch narrows a search of the unified audit log; a record must match each field that is set. From and
// To are required, both inclusive.
type AuditSearch struct {
	UserIDs     []string
	Operations  []string
	RecordType  string
	IPAddresses []string
	ObjectIDs   []string
	FreeText    string
	From, To    time.Time
}

// AuditSearchEnd is how a search ended. Capped: a single second held more than a session may hand out, so rows
// are missing for certain. Incomplete: fewer rows came than Exchange said there are, and asking again did not
// change that.
type AuditSearchEnd struct {
	Rows       int
	Capped     bool
	Incomplete bool
}

// AuditLogQuery is an audit log query that Purview runs on its own. Filters that are empty do not narrow.
//
// Reference: https://learn.microsoft.com/graph/api/resources/security-auditlogquery
type AuditLogQuery struct {
	ID                          string     `json:"id,omitempty"`
	DisplayName                 string     `json:"displayName,omitempty"`
	FilterStartDateTime         *time.Time `json:"filterStartDateTime,omitempty"`
	FilterEndDateTime           *time.Time `json:"filterEndDateTime,omitempty"`
	RecordTypeFilters           []string   `json:"recordTypeFilters,omitempty"`
	KeywordFilter               string     `json:"keywordFilter,omitempty"`
	ServiceFilters              []string   `json:"serviceFilters,omitempty"`
	OperationFilters            []string   `json:"operationFilters,omitempty"`
	UserPrincipalNameFilters    []string   `json:"userPrincipalNameFilters,omitempty"`
	IPAddressFilters            []string   `json:"ipAddressFilters,omitempty"`
	ObjectIDFilters             []string   `json:"objectIdFilters,omitempty"`
	AdministrativeUnitIDFilters []string   `json:"administrativeUnitIdFilters,omitempty"`
	Status                      string     `json:"status,omitempty"` // notStarted | running | succeeded | failed | cancelled
	ReturnedRecords             *int64     `json:"approximateReturnedRecordCount,omitempty"`
	RecordLimitExceeded         bool       `json:"isRecordCountLimitExceeded,omitempty"` // more than 1,000,000: the rest is missing
}

// Ended reports whether the query will not change any more, well or badly.
func (q AuditLogQuery) Ended() bool {
	return equalFold(q.Status, "succeeded") || equalFold(q.Status, "failed") || equalFold(q.Status, "cancelled")
}

// foundRow is a row of Search-UnifiedAuditLog.
type foundRow struct {
	record        AuditRecord
	identity      string
	index, counts int
}

func (f *foundRow) readJSON(r *jsonReader) error {
	var date string
	err := r.object(func(name []byte) error {
		switch string(name) {
		case "Identity":
			return r.str(&f.identity)
		case "RecordType":
			return r.shared(&f.record.RecordType)
		case "Operations":
			return r.shared(&f.record.Operation)
		case "UserIds":
			return r.shared(&f.record.UserID)
		case "CreationDate":
			return r.str(&date)
		case "ResultIndex":
			return r.count(&f.index)
		case "ResultCount":
			return r.count(&f.counts)
		case "AuditData":
			return r.quotedJSON(&f.record.Data)
		}
		_, err := r.skip()
		return err
	})
	if err != nil {
		return err
	}
	f.record.ID = f.identity
	if at := parseMoment(date); at != nil {
		f.record.CreationTime = *at
	}
	return f.record.fill(r)
}

// readJSON reads a record of an audit log query.
func (a *AuditRecord) readJSON(r *jsonReader) error {
	var date, user, upn string
	err := r.object(func(name []byte) error {
		switch string(name) {
		case "id":
			return r.str(&a.ID)
		case "createdDateTime":
			return r.str(&date)
		case "auditLogRecordType":
			return r.shared(&a.RecordType)
		case "operation":
			return r.shared(&a.Operation)
		case "service":
			return r.shared(&a.Service)
		case "objectId":
			return r.str(&a.ObjectID)
		case "clientIp":
			return r.shared(&a.ClientIP)
		case "userId":
			return r.shared(&user)
		case "userPrincipalName":
			return r.shared(&upn)
		case "auditData":
			raw, err := r.skip()
			a.Data = append(json.RawMessage(nil), raw...)
			return err
		}
		_, err := r.skip()
		return err
	})
	if err != nil {
		return err
	}
	if at := parseMoment(date); at != nil {
		a.CreationTime = *at
	}
	a.UserID = firstOf(upn, user)
	return a.fill(r)
}

// fill takes from the record itself what it says better than the row around it. seen gives the values that
// many records share.
func (a *AuditRecord) fill(seen *jsonReader) error {
	if len(a.Data) == 0 || a.Data[0] != '{' {
		return nil
	}
	r := jsonReader{b: a.Data, seen: seen.seen}
	var created, client, address, actor string
	err := r.object(func(name []byte) error {
		into := (*string)(nil)
		switch string(name) {
		case "CreationTime":
			return r.plainText(&created, false)
		case "Id":
			return r.plainText(&a.ID, false)
		case "ObjectId":
			return r.plainText(&a.ObjectID, false)
		case "Operation":
			into = &a.Operation
		case "UserId":
			into = &a.UserID
		case "Workload":
			into = &a.Service
		case "ClientIP":
			into = &client
		case "ClientIPAddress":
			into = &address
		case "ActorIpAddress":
			into = &actor
		}
		if into != nil {
			return r.plainText(into, true)
		}
		_, err := r.skip()
		return err
	})
	if err != nil {
		return err
	}
	if at := parseMoment(created); at != nil {
		a.CreationTime = *at
	}
	a.ClientIP = firstOf(client, address, actor, a.ClientIP)
	return nil
}
