package tools

import (
	"context"
	"strings"
	"time"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
	"cipp-mcp/internal/policy"
	"cipp-mcp/workflows"
)

// SetOutOfOfficeIn are the arguments of cipp_set_out_of_office.
type SetOutOfOfficeIn struct {
	TenantArg
	UserArg
	State            string `json:"state" jsonschema:"enum=enabled,enum=disabled,enum=scheduled"`
	InternalMessage  string `json:"internalMessage,omitempty"`
	ExternalMessage  string `json:"externalMessage,omitempty" jsonschema_description:"Absent: as inside."`
	ExternalAudience string `json:"externalAudience,omitempty" jsonschema:"enum=none,enum=known,enum=all"`
	HTML             bool   `json:"html,omitempty"`
	StartTime        string `json:"startTime,omitempty" jsonschema_description:"With offset."`
	EndTime          string `json:"endTime,omitempty"`
	WriteArgs
}

var setOutOfOffice = Write(Tool{
	Name: "cipp_set_out_of_office", Title: "Set out of office", Toolset: "mail", Extra: true, Risk: policy.Write, Idempotent: true,
	Aliases:     with(userAliases, map[string]string{"enabled": "state", "AutoReplyState": "state", "message": "internalMessage", "outOfOfficeMessage": "internalMessage", "input": "internalMessage"}),
	Description: "Sets, schedules or ends automatic replies; texts left out stay as they are. It forwards nothing: cipp_set_email_forwarding.",
	Needs:       exchangeNeeds,
	Example:     `{"tenantFilter":"contoso.onmicrosoft.com","userId":"anna@contoso.com","state":"enabled","internalMessage":"Back on Monday.","dryRun":true}`,
}, func(ctx context.Context, c *Call, in SetOutOfOfficeIn) (Work, error) {
	if err := c.needsMailbox(ctx); err != nil {
		return Work{}, err
	}
	text := func(s string) string {
		if in.HTML || s == "" {
			return s
		}
		return workflows.ReplyText(s)
	}
	if n := max(len([]rune(in.InternalMessage)), len([]rune(in.ExternalMessage))); n > longestReply {
		return Work{}, invalid("internalMessage and externalMessage are at most %d characters long (got %d).", longestReply, n)
	}
	want := graphclient.AutoReply{InternalMessage: text(in.InternalMessage), ExternalMessage: text(in.ExternalMessage)}
	if in.ExternalAudience != "" {
		want.ExternalAudience = strings.ToUpper(in.ExternalAudience[:1]) + in.ExternalAudience[1:]
	}
	switch in.State {
	case "disabled":
		if want != (graphclient.AutoReply{}) || in.StartTime+in.EndTime != "" {
			return Work{}, invalid("state disabled takes no texts, audience or times: what is in the mailbox stays for the next time.")
		}
		want.AutoReplyState = "Disabled"
		return Work{Steps: []jobs.Step{workflows.AutoReplies(c.target(), want)}}, nil
	case "scheduled":
		want.AutoReplyState = "Scheduled"
		from, until, err := c.period(ctx, in.StartTime, in.EndTime)
		if err != nil {
			return Work{}, err
		}
		want.StartTime, want.EndTime = from, until
	default:
		want.AutoReplyState = "Enabled"
		if in.StartTime+in.EndTime != "" {
			return Work{}, invalid("startTime and endTime belong to state scheduled.")
		}
	}
	switch {
	case want.ExternalMessage == "" && want.ExternalAudience != "None":
		want.ExternalMessage = want.InternalMessage
	case want.ExternalMessage != "" && want.ExternalAudience == "None":
		return Work{}, invalid("externalMessage needs an externalAudience of known or all.")
	}
	if want.ExternalAudience == "" && want.ExternalMessage != "" {
		want.ExternalAudience = "All"
	}
	w := Work{Steps: []jobs.Step{workflows.AutoReplies(c.target(), want)}}
	if !in.HTML && workflows.HasTags(in.InternalMessage+in.ExternalMessage) {
		w.Warnings = []string{"the texts are sent as text: tags in them are shown as they stand (html=true sends HTML)"}
	}
	if in.HTML && strings.Contains(strings.ToLower(in.ExternalMessage+in.InternalMessage), "href") {
		w.Warnings = append(w.Warnings, "the texts hold links, which everybody who writes to the mailbox will get")
	}
	return w, nil
})

// longestReply bounds a reply's text, in characters.
const longestReply = 8000

// period is from when until when; without a beginning from now on, to the second, which is what Exchange keeps.
func (c *Call) period(ctx context.Context, start, end string) (from, until *time.Time, err error) {
	at := func(argument, s string) (*time.Time, error) {
		t, err := time.Parse(time.RFC3339, strings.TrimSpace(s))
		if err != nil {
			return nil, invalid("%s must be a time with offset, like 2026-12-24T12:00:00+01:00 (got %q).", argument, Clean(s, 40))
		}
		t = t.UTC().Truncate(time.Second)
		return &t, nil
	}
	if end == "" {
		return nil, nil, invalid("state scheduled needs endTime, with offset.")
	}
	if until, err = at("endTime", end); err != nil {
		return nil, nil, err
	}
	now := c.Clock.Now()
	if start == "" { // the same moment whenever the steps are made again
		began, err := jobs.Found(ctx, c.Run, "now", func(context.Context) (time.Time, error) { return now.UTC().Truncate(time.Second), nil })
		if err != nil {
			return nil, nil, err
		}
		from = &began
	} else if from, err = at("startTime", start); err != nil {
		return nil, nil, err
	}
	switch {
	case !until.After(now):
		return nil, nil, invalid("endTime %s has passed.", until.Format(time.RFC3339))
	case !until.After(*from):
		return nil, nil, invalid("endTime must be after startTime.")
	}
	return from, until, nil
}
