package graphclient

import (
	"context"
	"time"

	abs "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoftgraph/msgraph-sdk-go/users"
)

// Meeting is an event of a mailbox's calendar.
//
// Reference: https://learn.microsoft.com/graph/api/resources/event
type Meeting struct {
	ID          string `json:"id"`
	Subject     string `json:"subject"`
	IsOrganizer bool   `json:"isOrganizer"`
	IsCancelled bool   `json:"isCancelled"`
	Type        string `json:"type,omitempty"` // singleInstance | occurrence | exception
	Start       struct {
		DateTime string `json:"dateTime"` // UTC, without offset
	} `json:"start"`
	Attendees []struct {
		Type string `json:"type,omitempty"`
	} `json:"attendees,omitempty"`
}

// MeetingsOrganised are the meetings of a period that the user has called, cancelled ones and appointments
// without anybody else left out, at most limit of them. A user without mailbox is kind NoMailbox.
//
// GET /users/{id}/calendarView; least permission Calendars.ReadBasic.
//
// Reference: https://learn.microsoft.com/graph/api/user-list-calendarview
func (c *Client) MeetingsOrganised(ctx context.Context, tid, userID string, from, until time.Time, limit int) ([]Meeting, error) {
	if err := require(tid, userID); err != nil {
		return nil, err
	}
	if c.delegated() { // Microsoft shows a person the own calendar, and what was shared with that person
		return nil, c.otherSignIn(tid, "Reading another person's calendar", "the application's own sign-in", "app")
	}
	var out []Meeting
	for p, err := range pages[Meeting](ctx, c, read(tid, "Calendars.ReadBasic.All", "Calendars.ReadBasic", "Calendars.Read", "Calendars.ReadWrite"), c.v1, func() (*abs.RequestInformation, error) {
		info, err := c.v1.users().ByUserId(userID).CalendarView().ToGetRequestInformation(ctx, &users.ItemCalendarViewRequestBuilderGetRequestConfiguration{
			QueryParameters: &users.ItemCalendarViewRequestBuilderGetQueryParameters{
				StartDateTime: opt(from.UTC().Format(time.RFC3339)), EndDateTime: opt(until.UTC().Format(time.RFC3339)),
				Select: []string{"id", "subject", "isOrganizer", "isCancelled", "type", "start", "attendees"}, Orderby: []string{"start/dateTime"}, Top: opt(int32(meetingsPage))}})
		return keyed(info, err, userID)
	}) {
		if err != nil {
			return out, err
		}
		for _, m := range p.Value {
			if m.IsOrganizer && !m.IsCancelled && len(m.Attendees) > 0 {
				if out = append(out, m); len(out) >= limit {
					return out, nil
				}
			}
		}
	}
	return out, nil
}

const meetingsPage = 200

// CancelMeetings cancels every meeting the mailbox has called within so many days from today, and tells the
// people who were asked to it. Exchange queues the work. A series with one instance in that time goes as a whole.
//
// Remove-CalendarEvents -CancelOrganizedMeetings; least role Exchange Recipient Administrator. Repeatable. There
// is no way back.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/remove-calendarevents
func (c *Client) CancelMeetings(ctx context.Context, tid string, ref MailboxRef, days int) error {
	if err := require(tid, ref.identity()); err != nil {
		return err
	}
	return c.run(ctx, tid, ref.on("Remove-CalendarEvents", "Identity", map[string]any{"QueryWindowInDays": days, "CancelOrganizedMeetings": true, "Confirm": false}))
}
