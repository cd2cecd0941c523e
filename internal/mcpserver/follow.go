package mcpserver

import (
	"context"
	"errors"
	"strings"
	"time"

	"cipp-mcp/internal/policy"
	"cipp-mcp/tools"
)

// followFor keeps a call under the minute after which many clients give up; the job goes on by itself.
const followFor = 45 * time.Second

// start puts an approved write into the ledger and follows it as long as the client may be expected to wait.
func (inv *Invoker) start(ctx context.Context, s policy.Start, res *tools.WriteResult, caller Caller) (Result, *Question, error) {
	err := inv.Engine.Start(ctx, s)
	var busy *policy.BusyError
	switch {
	case errors.Is(err, policy.ErrCallKnown): // the same call was quicker
		return inv.earlier(ctx, s.CallKey, caller)
	case errors.As(err, &busy):
		return nil, nil, &tools.Problem{
			Code: "conflict", Message: "A job of " + s.Tool + " is at work on this user already, so nothing was begun.", Retryable: true, Tenant: s.Plan.Tenant,
			Next: "Look at it with cipp_get_job, jobId " + busy.JobID + ", then call again if this is still wanted.",
		}
	case err != nil:
		return nil, nil, err
	}
	return inv.follow(ctx, s.Run.ID, res, caller)
}

// earlier answers a call that was made before under the same idempotencyKey; nil when there was none.
func (inv *Invoker) earlier(ctx context.Context, key string, caller Caller) (Result, *Question, error) {
	id, err := inv.Engine.Ledger.ByKey(ctx, key)
	if err != nil || id == "" {
		return nil, nil, err
	}
	res := &tools.WriteResult{}
	if _, _, err := inv.follow(ctx, id, res, caller); err != nil {
		return nil, nil, err
	}
	res.Next = strings.TrimSpace("This is the answer of the earlier call under this idempotencyKey; nothing was executed now. " + res.Next)
	return res, nil, nil
}

// follow waits for a job and puts what became of it into a result.
func (inv *Invoker) follow(ctx context.Context, id string, res *tools.WriteResult, caller Caller) (Result, *Question, error) {
	waiting, cancel := context.WithTimeout(ctx, inv.FollowFor)
	defer cancel()
	job, err := inv.Engine.Follow(waiting, id, tools.StepProgress(caller.Progress))
	if err != nil {
		return nil, nil, err
	}
	res.Report(ctx, inv.Env, job)
	return res, nil, nil
}
