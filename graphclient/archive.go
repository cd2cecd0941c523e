package graphclient

import "context"

// EnableArchive gives a mailbox an online archive; one that is there already stays. It takes Exchange Online Plan 2
// or archiving.
//
// Enable-Mailbox -Archive; least role Exchange Recipient Administrator. Repeatable.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/enable-mailbox
func (c *Client) EnableArchive(ctx context.Context, tid string, ref MailboxRef) error {
	return c.setOn(ctx, tid, ref, "Enable-Mailbox", map[string]any{"Archive": true})
}

// EnableAutoExpandingArchive lets the online archive grow beyond its quota, for good: Microsoft has no way back. The
// archive has to be there.
//
// Enable-Mailbox -AutoExpandingArchive; least role Exchange Recipient Administrator. Repeatable.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/enable-mailbox
func (c *Client) EnableAutoExpandingArchive(ctx context.Context, tid string, ref MailboxRef) error {
	return c.setOn(ctx, tid, ref, "Enable-Mailbox", map[string]any{"AutoExpandingArchive": true})
}

// DisableArchive takes the online archive away; Exchange keeps what is in it for 30 days.
//
// Disable-Mailbox -Archive; least role Exchange Recipient Administrator. Repeatable.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/disable-mailbox
func (c *Client) DisableArchive(ctx context.Context, tid string, ref MailboxRef) error {
	return c.setOn(ctx, tid, ref, "Disable-Mailbox", map[string]any{"Archive": true, "Confirm": false})
}

// CalendarProcessing is how a room or a piece of equipment answers to requests.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-calendarprocessing
type CalendarProcessing struct {
	AutomateProcessing             string   `json:"AutomateProcessing"` // None | AutoUpdate | AutoAccept
	AllowConflicts                 bool     `json:"AllowConflicts"`
	AllowRecurringMeetings         bool     `json:"AllowRecurringMeetings"`
	BookingWindowInDays            int      `json:"BookingWindowInDays"`
	MaximumDurationInMinutes       int      `json:"MaximumDurationInMinutes"`
	ScheduleOnlyDuringWorkHours    bool     `json:"ScheduleOnlyDuringWorkHours"`
	ProcessExternalMeetingMessages bool     `json:"ProcessExternalMeetingMessages"`
	AllBookInPolicy                bool     `json:"AllBookInPolicy"`
	ResourceDelegates              []string `json:"ResourceDelegates,omitempty"`
}

// UnmarshalJSON reads a row as Exchange writes it.
func (p *CalendarProcessing) UnmarshalJSON(b []byte) error { return fromExchange(b, p) }

// CalendarProcessing is how a mailbox answers to requests for meetings.
//
// Get-CalendarProcessing; least role Exchange Recipient Administrator or Global Reader.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-calendarprocessing
func (c *Client) CalendarProcessing(ctx context.Context, tid string, ref MailboxRef) (CalendarProcessing, error) {
	return oneOf[CalendarProcessing](ctx, c, tid, ref, "Get-CalendarProcessing")
}
