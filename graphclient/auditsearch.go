package graphclient

import (
	"context"
	"iter"
	"time"

	"github.com/google/uuid"
)

// Limits of Search-UnifiedAuditLog: rows of one call and of one session. How often a session that came out
// wrong is begun anew is ours.
const (
	auditPage          = 5000
	auditSessionRows   = 50000
	auditSessionsAtAll = 3
)

// SearchAudit reads the unified audit log with Search-UnifiedAuditLog and gives take each page of it, in no
// order. No record is given twice. An interval that holds more than a session may hand out is cut in two; a
// session whose rows come twice, out of order or not all is begun anew, thrice at most. An error of take ends
// the search and is returned.
//
// Search-UnifiedAuditLog with SessionCommand ReturnLargeSet; Exchange role View-Only Audit Logs or Audit Logs.
// Records appear 60 to 90 minutes after the deed and are kept 180 days (Audit Premium: a year). A page can take
// more than a minute.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/search-unifiedauditlog
func (c *Client) SearchAudit(ctx context.Context, tid string, q AuditSearch, take func([]AuditRecord) error) (AuditSearchEnd, error) {
	if err := require(tid); err != nil {
		return AuditSearchEnd{}, err
	}
	from, to := q.From.UTC().Truncate(time.Second), q.To.UTC().Add(time.Second-1).Truncate(time.Second)
	if q.From.IsZero() || !from.Before(to) {
		return AuditSearchEnd{}, invalid("A search of the audit log needs an interval of time.")
	}
	s := auditSearch{c: c, tid: tid, q: q, take: take, known: map[[16]byte]struct{}{}}
	err := s.within(ctx, from, to)
	return s.end, err
}

// auditSearch is one search under way.
type auditSearch struct {
	c     *Client
	tid   string
	q     AuditSearch
	take  func([]AuditRecord) error
	known map[[16]byte]struct{} // identities given out
	end   AuditSearchEnd
}

// within reads one interval, in halves where it holds too much.
func (s *auditSearch) within(ctx context.Context, from, to time.Time) error {
	divisible := to.Sub(from) > time.Second
	got := map[[16]byte]struct{}{} // what the sessions of this interval have shown together
	for range auditSessionsAtAll {
		due, sound, err := s.session(ctx, from, to, divisible, got)
		if err != nil {
			return err
		}
		if due >= auditSessionRows && divisible {
			middle := from.Add(to.Sub(from) / 2).Truncate(time.Second)
			if err := s.within(ctx, from, middle); err != nil {
				return err
			}
			return s.within(ctx, middle, to)
		}
		s.end.Capped = s.end.Capped || due >= auditSessionRows
		if sound && len(got) >= min(due, auditSessionRows) {
			return nil
		}
	}
	s.end.Incomplete = true
	return nil
}

// session reads one session to its end: the same call until it gives nothing more. due is how many rows
// Exchange says there are; of an interval that will be divided only the first page is asked for. sound says
// that the rows came once each and in sequence: an index that does not grow is what a search that ran out of
// time inside Exchange answers with.
func (s *auditSearch) session(ctx context.Context, from, to time.Time, divisible bool, got map[[16]byte]struct{}) (due int, sound bool, err error) {
	m := cmdlet{name: "Search-UnifiedAuditLog", params: s.params(from, to, uuid.NewString())}
	last, ended := 0, false
	for page, err := range ahead(ctx, func(ctx context.Context) iter.Seq2[[]foundRow, error] { return s.calls(ctx, m, &ended) }) {
		if err != nil {
			return due, false, err
		}
		fresh, more, ok := s.sift(page, &last, &due, divisible, got)
		if err := s.give(fresh); err != nil {
			return due, false, err
		}
		if !more {
			return due, ok, nil
		}
	}
	return due, ended, nil // or it never ended
}

// calls are the pages of the same call made again and again; ended says that it gave nothing more, and not only that it
// was made too often.
func (s *auditSearch) calls(ctx context.Context, m cmdlet, ended *bool) iter.Seq2[[]foundRow, error] {
	return func(yield func([]foundRow, error) bool) {
		for calls := 0; calls <= 2*auditSessionRows/auditPage; calls++ {
			came := 0
			for page, err := range rowPages[foundRow](ctx, s.c, s.tid, m) {
				came += len(page)
				if !yield(page, err) || err != nil {
					return
				}
			}
			if came == 0 {
				*ended = true
				return
			}
		}
	}
}

// sift is the rows of a page that were not known yet. more says whether to read on, sound whether the page was
// in sequence.
func (s *auditSearch) sift(page []foundRow, last, due *int, divisible bool, got map[[16]byte]struct{}) (fresh []AuditRecord, more, sound bool) {
	fresh = make([]AuditRecord, 0, len(page))
	for _, f := range page {
		*due = max(*due, f.counts)
		if *due >= auditSessionRows && divisible {
			return fresh, false, true
		}
		if f.index <= *last {
			return fresh, false, false
		}
		*last = f.index
		id := identityKey(f.identity)
		got[id] = struct{}{}
		if _, twice := s.known[id]; !twice {
			s.known[id] = struct{}{}
			fresh = append(fresh, f.record)
		}
	}
	return fresh, true, true
}

func (s *auditSearch) give(fresh []AuditRecord) error {
	if len(fresh) == 0 {
		return nil
	}
	s.end.Rows += len(fresh)
	return s.take(fresh)
}

func (s *auditSearch) params(from, to time.Time, session string) map[string]any {
	p := map[string]any{"StartDate": from.Format(time.RFC3339), "EndDate": to.Format(time.RFC3339),
		"SessionId": session, "SessionCommand": "ReturnLargeSet", "ResultSize": auditPage}
	for name, list := range map[string][]string{"UserIds": s.q.UserIDs, "Operations": s.q.Operations, "IPAddresses": s.q.IPAddresses, "ObjectIds": s.q.ObjectIDs} {
		if len(list) > 0 {
			p[name] = list
		}
	}
	for name, text := range map[string]string{"RecordType": s.q.RecordType, "FreeText": s.q.FreeText} {
		if text != "" {
			p[name] = text
		}
	}
	return p
}

// identityKey is an identity in little room. Identities are GUIDs; of anything else the hash stands in.
func identityKey(identity string) [16]byte {
	if id, err := uuid.Parse(identity); err == nil {
		return id
	}
	return [16]byte(uuid.NewSHA1(uuid.NameSpaceOID, []byte(identity)))
}

// ahead lets the next page come while the last one is worked on, from the second on: after the first one knows whether
// more is wanted. Whoever stops early ends what is under way, and waits for that.
func ahead[T any](ctx context.Context, pages func(context.Context) iter.Seq2[[]T, error]) iter.Seq2[[]T, error] {
	type came struct {
		page []T
		err  error
	}
	return func(yield func([]T, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		next, wanted := make(chan came), make(chan struct{})
		go func() {
			defer close(next)
			for page, err := range pages(ctx) {
				select {
				case next <- came{page, err}:
				case <-ctx.Done():
					return
				}
				select {
				case <-wanted:
				case <-ctx.Done():
					return
				}
			}
		}()
		defer func() {
			cancel()
			for range next { //nolint:revive // until it has ended
			}
		}()
		first := true
		for c := range next {
			if !yield(c.page, c.err) {
				return
			}
			if first {
				first = false
				close(wanted)
			}
		}
		if err := ctx.Err(); err != nil {
			yield(nil, err)
		}
	}
}
