package workflows

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

// ShowInAddressLists hides the mailbox from the address lists or shows it there (Set-Mailbox
// -HiddenFromAddressListsEnabled).
func ShowInAddressLists(t Target, hidden bool) jobs.Step {
	if hidden {
		return HideFromAddressLists(t)
	}
	return addressLists(t, "Show in the address lists", false)
}

// RetentionHold suspends retention policies on the mailbox, or ends that (Set-Mailbox -RetentionHoldEnabled).
func RetentionHold(t Target, on bool) jobs.Step {
	word := func(on bool) string {
		return map[bool]string{true: "on retention hold", false: "not on retention hold"}[on]
	}
	summary := map[bool]string{true: "Put the mailbox on retention hold", false: "End the retention hold"}[on]
	return setMailboxStep(t, "retention-hold", summary, map[string]any{"RetentionHoldEnabled": on},
		func(m graphclient.Mailbox, _ bool) string { return word(m.RetentionHoldEnabled) }, word(on),
		func(b mailboxBefore) *jobs.Step { s := RetentionHold(t, b.RetentionHold); return &s })
}

// Quotas are when a mailbox warns, sends no more and takes no more, in GB; 0 leaves one as it is.
type Quotas struct{ Warn, Send, SendReceive float64 }

// SetQuotas changes when the mailbox warns, sends no more and takes no more (Set-Mailbox -IssueWarningQuota,
// -ProhibitSendQuota, -ProhibitSendReceiveQuota). What the licence allows is the most.
func SetQuotas(t Target, q Quotas) jobs.Step {
	params := map[string]any{}
	for name, gb := range map[string]float64{"IssueWarningQuota": q.Warn, "ProhibitSendQuota": q.Send, "ProhibitSendReceiveQuota": q.SendReceive} {
		if gb > 0 {
			params[name] = int64(gb * gib)
		}
	}
	return quotasStep(t, "Change the mailbox's quotas", params)
}

func quotasStep(t Target, summary string, params map[string]any) jobs.Step {
	of := func(m graphclient.Mailbox) map[string]int64 {
		return map[string]int64{"IssueWarningQuota": m.IssueWarningQuota, "ProhibitSendQuota": m.ProhibitSendQuota, "ProhibitSendReceiveQuota": m.ProhibitSendReceiveQuota}
	}
	words := map[string]string{"IssueWarningQuota": "warns at", "ProhibitSendQuota": "sends no more at", "ProhibitSendReceiveQuota": "takes no more at"}
	say := func(value func(name string) int64) string {
		var out []string
		for _, name := range slices.Sorted(maps.Keys(params)) {
			size := "no limit"
			if n := value(name); n != graphclient.Unlimited {
				size = fmt.Sprintf("%.2f GB", float64(n)/gib)
			}
			out = append(out, words[name]+" "+size)
		}
		return strings.Join(out, ", ")
	}
	wanted := func(name string) int64 {
		n, _ := params[name].(int64)
		return n
	}
	s := setMailboxStep(t, "set-quotas", summary, sized(params),
		func(m graphclient.Mailbox, _ bool) string {
			now := of(m)
			return say(func(name string) int64 { return now[name] })
		}, say(wanted),
		func(b mailboxBefore) *jobs.Step {
			was := map[string]any{}
			for name := range params {
				was[name] = b.Quotas[name]
			}
			s := quotasStep(t, "Bring the mailbox's quotas back as they were", was)
			return &s
		})
	plan := s.Plan
	s.Plan = func(ctx context.Context, run *jobs.Run) (jobs.Change, error) {
		c, err := plan(ctx, run)
		if err != nil || !c.Runs() {
			return c, err
		}
		m, err := t.Graph.Mailbox(ctx, t.tid(), t.mailbox())
		if err != nil {
			return c, err
		}
		after := of(m)
		for name := range params {
			after[name] = wanted(name)
		}
		if above(after["IssueWarningQuota"], after["ProhibitSendQuota"]) || above(after["ProhibitSendQuota"], after["ProhibitSendReceiveQuota"]) {
			c.Blockers = append(c.Blockers, fmt.Sprintf("the quotas have to be in order, warning ≤ sending ≤ sending and receiving: %s", say(func(name string) int64 { return after[name] })))
		}
		stats, err := t.Graph.MailboxStatistics(ctx, t.tid(), t.mailbox())
		if n := after["ProhibitSendReceiveQuota"]; err == nil && n != graphclient.Unlimited && stats.TotalItemSize > n {
			c.Warnings = append(c.Warnings, fmt.Sprintf("the mailbox holds %.1f GB already, so it would take no more mail", float64(stats.TotalItemSize)/gib))
		}
		return c, err
	}
	return s
}

// sized are quotas as Exchange takes them.
func sized(params map[string]any) map[string]any {
	out := map[string]any{}
	for name, v := range params {
		if out[name] = fmt.Sprint(v); v == graphclient.Unlimited {
			out[name] = "Unlimited"
		}
	}
	return out
}

// above says whether one quota is above another; without a limit there is nothing above it.
func above(a, b int64) bool {
	return b != graphclient.Unlimited && (a == graphclient.Unlimited || a > b)
}

// Protocols are the ways into a mailbox, by this product's names, and the switches of Set-CASMailbox.
var Protocols = map[string]string{"owa": "OWAEnabled", "mapi": "MAPIEnabled", "activeSync": "ActiveSyncEnabled", "imap": "ImapEnabled", "pop": "PopEnabled", "ews": "EwsEnabled",
	"smtpAuth": "SmtpClientAuthenticationDisabled", "outlookMobile": "OutlookMobileEnabled"}

// SetProtocols opens and closes ways into the mailbox (Set-CASMailbox).
func SetProtocols(t Target, want map[string]bool) jobs.Step {
	to := map[string]*bool{}
	for p, on := range want {
		to[p] = &on
	}
	return protocolsStep(t, "Change by which protocols the mailbox is reached", to)
}

// protocolsStep sets protocols on, off, or (nil) to what the organization says.
func protocolsStep(t Target, summary string, want map[string]*bool) jobs.Step {
	const name = "set-protocols"
	names := slices.Sorted(maps.Keys(want))
	read := func(ctx context.Context) (map[string]*bool, error) {
		m, err := t.Graph.CASMailbox(ctx, t.tid(), t.mailbox())
		all := ProtocolsOf(m)
		return all, err
	}
	say := func(state map[string]*bool) string {
		out := make([]string, len(names))
		for i, p := range names {
			word := "as the organization says"
			if on := state[p]; on != nil {
				word = map[bool]string{true: "on", false: "off"}[*on]
			}
			out[i] = p + " " + word
		}
		return strings.Join(out, ", ")
	}
	return jobs.Step{
		Name: name, Class: jobs.Idempotent,
		Plan: func(ctx context.Context, _ *jobs.Run) (jobs.Change, error) {
			now, err := read(ctx)
			if graphclient.KindOf(err) == graphclient.NoMailbox {
				return jobs.Change{Summary: summary, Nothing: withoutMailbox}, nil
			}
			c := jobs.Change{Summary: summary, Before: say(now), After: say(want)}
			if c.Before == c.After {
				c.Nothing = "it is so already"
			}
			return c, err
		},
		Do: func(ctx context.Context, _ *jobs.Run) (jobs.Handle, error) {
			if _, err := jobs.KeepBefore(ctx, read); err != nil {
				return nil, err
			}
			params := map[string]any{}
			for p, on := range want {
				switch {
				case on == nil:
					params[Protocols[p]] = nil
				case p == "smtpAuth": // Exchange's switch is the other way round
					params[Protocols[p]] = !*on
				default:
					params[Protocols[p]] = *on
				}
			}
			return nil, t.Graph.SetCASMailbox(ctx, t.tid(), t.mailbox(), params)
		},
		Verify: readBack(func(ctx context.Context) (bool, error) {
			now, err := read(ctx)
			return say(now) == say(want), err
		}),
		Undo: func(_ context.Context, run *jobs.Run) (*jobs.Step, error) {
			var was map[string]*bool
			if !run.Before(name, &was) {
				return nil, nil
			}
			maps.DeleteFunc(was, func(p string, _ *bool) bool { return !slices.Contains(names, p) })
			return undo(name, protocolsStep(t, "Bring the protocols back as they were", was))
		},
	}
}

// ProtocolsOf says which ways into a mailbox are open; nil is as the organization says.
func ProtocolsOf(m graphclient.CASMailbox) map[string]*bool {
	all := map[string]*bool{"owa": &m.OWAEnabled, "mapi": &m.MAPIEnabled, "activeSync": &m.ActiveSyncEnabled, "imap": &m.ImapEnabled, "pop": &m.PopEnabled, "ews": m.EwsEnabled, "outlookMobile": &m.OutlookMobileEnabled, "smtpAuth": nil}
	if off := m.SMTPClientAuthenticationDisabled; off != nil {
		on := !*off
		all["smtpAuth"] = &on
	}
	return all
}
