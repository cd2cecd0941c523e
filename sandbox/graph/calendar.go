package graph

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"cipp-mcp/sandbox/cloud"
)

const calendarRead = "Calendars.ReadBasic.All Calendars.ReadBasic Calendars.Read Calendars.ReadWrite"

var calendarOperations = []op{
	{verb: "GET", path: "/users/{id}/calendarView", app: calendarRead, family: "mail", do: calendarView},
}

// calendarView is the events of a period: those the state keeps with the mailbox in Exchange. A signed-in person
// sees only the own calendar, and what others shared with that person.
// https://learn.microsoft.com/graph/outlook-get-shared-events-calendars
// https://learn.microsoft.com/graph/api/user-list-calendarview
func calendarView(c *call) error {
	u, box, err := c.mailboxOf(c.args[0])
	if err != nil {
		return err
	}
	if !c.p.AppOnly && c.p.ObjectID != cloud.Str(u, "id") { // nothing is shared here
		return refused(http.StatusForbidden, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
	}
	values, err := url.ParseQuery(c.r.URL.RawQuery)
	if err != nil {
		return badRequest("The query string is not valid: %v.", err)
	}
	at := func(name string) (time.Time, bool) {
		for k, v := range values {
			if strings.EqualFold(strings.TrimPrefix(k, "$"), name) && len(v) == 1 {
				t, err := time.Parse(time.RFC3339, v[0])
				return t, err == nil
			}
		}
		return time.Time{}, false
	}
	from, ok1 := at("startDateTime")
	until, ok2 := at("endDateTime")
	if !ok1 || !ok2 {
		return refused(http.StatusBadRequest, "ErrorInvalidParameter", "This request requires a time window specified by the query string parameters StartDateTime and EndDateTime.")
	}
	var rows []cloud.Object
	for _, e := range cloud.Objects(box, "CalendarEvents") {
		start, ok := moment(cloud.Str(e, "Start"))
		if !ok || start.Before(from) || !start.Before(until) {
			continue
		}
		subject := cloud.Str(e, "Subject")
		attendees := cloud.List(e, "Attendees")
		if e["Attendees"] == nil { // a state need not name them
			attendees = []any{cloud.Object{"type": "required", "emailAddress": cloud.Object{"name": "Somebody", "address": "somebody@" + c.t.DefaultDomain}}}
		}
		time := func(t time.Time) cloud.Object {
			return cloud.Object{"dateTime": t.UTC().Format("2006-01-02T15:04:05.0000000"), "timeZone": "UTC"}
		}
		rows = append(rows, cloud.Object{"id": "AAMk" + strings.ReplaceAll(cloud.DerivedID(cloud.Str(box, "UserPrincipalName"), subject, cloud.Str(e, "Start")), "-", ""), "subject": subject,
			"isOrganizer": cloud.Bool(e, "IsOrganizer"), "isCancelled": false, "type": "singleInstance", "start": time(start), "end": time(start.Add(30 * 60e9)), "attendees": attendees})
	}
	return c.list(listing{set: "users('" + cloud.Str(u, "id") + "')/calendarView", typ: "event", rows: rows, page: 10, max: 1000})
}
