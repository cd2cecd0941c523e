package tools

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

// The unified audit log has two ways to it. Search-UnifiedAuditLog answers a small search within seconds and a large one
// in many minutes; Purview's queries take minutes to hours, and a tenant may start 200 a day. So a call tries the first
// for a few seconds, and what does not come in them is left to a job that asks Purview. That job is durable and only
// reads: a process that may not write does it too, and one that comes later goes on with the same query.

const (
	// auditQuick is how long a call waits where nothing else is said.
	auditQuick = 5 * time.Second
	// unifiedFresh is how long a search that has ended answers the same question.
	unifiedFresh = 15 * time.Minute
	// unifiedPaged is how long it is paged through.
	unifiedPaged = 24 * time.Hour
)

// unifiedAsk is what is asked of the unified audit log; a run keeps it as its arguments.
type unifiedAsk struct {
	User     string    `json:"user,omitempty"` // as who acted, or as whose mailbox
	Kind     string    `json:"type,omitempty"`
	Days     int       `json:"days"`
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	Exchange bool      `json:"exchange,omitempty"` // Purview may not be asked here
}

// same says whether two questions are one, asked at different times.
func (a unifiedAsk) same(b unifiedAsk) bool {
	return strings.EqualFold(a.User, b.User) && a.Kind == b.Kind && a.Days == b.Days
}

func (a unifiedAsk) search() graphclient.AuditSearch {
	return graphclient.AuditSearch{From: a.From, To: a.To, FreeText: a.User}
}

// wants says whether a record is of the type that is asked for.
func (a unifiedAsk) wants(r graphclient.AuditRecord) bool {
	return a.Kind != "mailbox" || r.Service == "Exchange"
}

// unifiedFound is what a search has come to.
type unifiedFound struct {
	rows      []LogRow
	note      string // why rows may be missing
	job       string
	searching bool
}

func (f unifiedFound) missing() []Unavailable {
	if f.note == "" {
		return nil
	}
	return []Unavailable{{Section: "ual", Reason: f.note, Next: "Narrow it with userId or fewer days; cipp_bec_check reads all of one user's."}}
}

func unifiedRow(r graphclient.AuditRecord) LogRow {
	return LogRow{Source: "ual", At: r.CreationTime, Who: r.UserID, What: r.Operation, Target: fenced("", Clean(r.ObjectID, 200)), Detail: strings.TrimSuffix(r.RecordType+" from "+Clean(r.ClientIP, 60), " from ")}
}

// unified answers from a search that is under way or has just ended, else at once, else by a job. paging is that the
// call goes on with a list that was begun.
func (c *Call) unified(ctx context.Context, ask unifiedAsk, paging bool) (unifiedFound, error) {
	fresh := unifiedFresh
	if paging {
		fresh = unifiedPaged
	}
	found, failed, err := c.unifiedBefore(ctx, ask, fresh)
	if err != nil || found.job != "" {
		return found, err
	}
	return c.unifiedNow(ctx, ask, failed)
}

func (e *Env) quick() time.Duration {
	if e.Quick > 0 {
		return e.Quick
	}
	return auditQuick
}

// unifiedBefore is the newest search for the same that has not failed, and how many of late have.
func (c *Call) unifiedBefore(ctx context.Context, ask unifiedAsk, fresh time.Duration) (found unifiedFound, failed int, err error) {
	runs, err := c.Policy.Ledger.Jobs(ctx, "", c.Tenant.ID, listedJobs)
	if err != nil {
		return found, 0, err
	}
	for _, r := range runs {
		var had unifiedAsk
		if r.Kind != jobs.ReadKind(auditTool) || json.Unmarshal(r.Args, &had) != nil || !had.same(ask) || r.Cancelled {
			continue
		}
		switch age := c.Clock.Now().Sub(r.Created); {
		case !r.Ended():
			return unifiedFound{job: r.Run.ID, searching: true}, failed, nil
		case r.State != jobs.RunDone && age < fresh:
			failed++
		case r.State == jobs.RunDone && c.Clock.Now().Sub(had.To) < fresh+unifiedLong:
			j, err := c.Policy.Ledger.Job(ctx, r.Run.ID)
			if err != nil {
				return found, failed, err
			}
			if kept := keptOf(j.Run); c.Clock.Now().Sub(kept.Ended) < fresh {
				return unifiedFound{rows: kept.Rows, note: kept.Note, job: r.Run.ID}, failed, nil
			}
		}
	}
	return found, failed, nil
}

// unifiedNow searches by Exchange for as long as a call waits. What did not come by then, or may not be read that way, is
// left to a job.
func (c *Call) unifiedNow(ctx context.Context, ask unifiedAsk, failed int) (unifiedFound, error) {
	timed, stop := context.WithTimeout(ctx, c.quick())
	defer stop()
	var found unifiedFound
	end, err := c.Graph.SearchAudit(timed, c.Tenant.ID, ask.search(), func(some []graphclient.AuditRecord) error {
		for _, r := range some {
			if ask.wants(r) {
				found.rows = append(found.rows, unifiedRow(r))
			}
		}
		if len(found.rows) >= auditMax {
			return errEnough
		}
		return nil
	})
	slow := timed.Err() != nil && ctx.Err() == nil
	switch {
	case errors.Is(err, errEnough):
		found.note = fmt.Sprintf("only the first %d records were read", auditMax)
		return found, nil
	case err == nil && (end.Capped || end.Incomplete):
		found.note = "Exchange did not hand out all records"
		return found, nil
	case err == nil:
		return found, nil
	case !slow && !unifiedRefused(err):
		return found, err
	}
	if _, barred := c.Graph.AuditQueries(ctx, c.Tenant.ID); barred != nil && graphclient.KindOf(barred) != graphclient.Throttled && graphclient.KindOf(barred) != graphclient.Unavailable {
		if !slow {
			return found, c.neitherWay(err)
		}
		ask.Exchange = true
	}
	id, err := c.unifiedJob(ctx, ask, failed)
	if err != nil || slow {
		return unifiedFound{job: id, searching: true}, err
	}
	j, err := c.Policy.Follow(timed, id, nil)
	switch {
	case err != nil && timed.Err() == nil:
		return found, err
	case !j.Ended():
		return unifiedFound{job: id, searching: true}, nil
	case j.State != jobs.RunDone:
		return found, &Problem{Code: "unavailable", Message: "The unified audit log of " + c.Tenant.DefaultDomain + " could not be read: " + unifiedWhy(j) + ".", Next: "cipp_get_job shows job " + id + "; once what stopped it is mended, make the same call again.", Retryable: true, Tenant: c.Tenant.DefaultDomain}
	}
	kept := keptOf(j.Run)
	return unifiedFound{rows: kept.Rows, note: kept.Note, job: id}, nil
}

// unifiedRefused says whether a search failed for a reason that Purview may not share.
func unifiedRefused(err error) bool {
	switch graphclient.KindOf(err) { //nolint:exhaustive // the others concern both ways
	case graphclient.Denied, graphclient.RoleMissing, graphclient.NotConsented:
		return true
	}
	return false
}

// neitherWay is Exchange's refusal, with what would open the other way.
func (c *Call) neitherWay(err error) error {
	p, ok := ProblemOf(err)
	if !ok {
		return err
	}
	p.Next += " Or ask for consent to AuditLogsQuery.Read.All: Purview reads the same log by it. source=\"entra\" needs neither."
	return p
}

// unifiedJob makes the job that answers a question, once: whoever asks the same meanwhile is told of it.
func (c *Call) unifiedJob(ctx context.Context, ask unifiedAsk, failed int) (string, error) {
	args, err := json.Marshal(ask)
	if err != nil {
		return "", fmt.Errorf("begin a search: %w", err)
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %s %d %d %d", c.Tenant.ID, strings.ToLower(ask.User), ask.Kind, ask.Days, ask.To.Unix()/int64(unifiedFresh.Seconds()), failed))
	key := "unified " + hex.EncodeToString(sum[:16])
	run := c.Policy.NewRun(auditTool, c.Tenant, nil)
	run.User = ask.User
	n := jobs.NewRun{Run: run, Kind: jobs.ReadKind(auditTool), Args: args, CallKey: key, CreatedBy: auditTool, Approval: "none needed: it only reads", Asked: jobs.Event{Client: auditTool}, Beside: true}
	for _, s := range c.searchSteps(ask) {
		ch, err := s.Plan(ctx, run)
		if err != nil {
			return "", err
		}
		ch.Step = s.Name
		n.Steps, n.Changes = append(n.Steps, s), append(n.Changes, ch)
	}
	err = c.Policy.Ledger.Create(ctx, n)
	if errors.Is(err, jobs.ErrRunKnown) {
		return c.Policy.Ledger.ByKey(ctx, key)
	}
	return run.ID, err
}
