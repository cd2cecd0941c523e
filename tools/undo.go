package tools

import (
	"context"
	"fmt"
	"strings"

	"cipp-mcp/internal/jobs"
	"cipp-mcp/internal/policy"
	"cipp-mcp/workflows"
)

// UndoJobIn are the arguments of cipp_undo_job.
type UndoJobIn struct {
	JobArg
	Steps []string `json:"steps,omitempty" jsonschema:"maxItems=50" jsonschema_description:"Only these steps of the job."`
	WriteArgs
}

const undoTool = "cipp_undo_job"

var undoJob = Write(Tool{
	Name: undoTool, Title: "Undo a job", Toolset: "jobs", Risk: policy.Destructive, Idempotent: true, Aliases: map[string]string{"id": "jobId", "job": "jobId"},
	Description: "Brings back what an ended job changed, as far as Microsoft lets it come back, in one plan that also lists what cannot. Works on any write's jobId.",
	Example:     `{"jobId":"run_00000000000000000000000000000000","dryRun":true}`,
}, func(ctx context.Context, c *Call, in UndoJobIn) (Work, error) {
	j := *c.Job
	switch {
	case !j.Ended():
		return Work{}, &Problem{Code: "conflict", Message: "The job is still at work.", Next: "Cancel it with cipp_control_job, or wait until it has ended."}
	case j.Reads():
		return Work{}, &Problem{Code: "conflict", Message: j.Tool() + " changed nothing, so there is nothing to undo.", Next: "Name the jobId of a write."}
	case j.Kind == undoTool || j.Kind == "cipp_control_job":
		return Work{}, &Problem{Code: "conflict", Message: j.Kind + " is not undone.", Next: "Make the write again that shall hold."}
	}
	if j.Kind == bulkTool || j.Kind == profileTool {
		return c.undoRows(ctx, j)
	}
	names := map[string]bool{}
	for _, s := range in.Steps {
		names[s] = true
	}
	steps, err := c.rebuild(ctx, toolOf(j.Kind), j.RunInfo)
	if err != nil {
		return Work{}, err
	}
	var w Work
	_, w.Parts = c.Policy.Took(j.RunInfo) // what took two persons is not undone by one
	var undo []jobs.Step
	for _, s := range steps {
		row, ok := rowOf(j, s.Name)
		if !ok || len(names) > 0 && !names[s.Name] {
			continue
		}
		delete(names, s.Name)
		switch row.State {
		case jobs.StateDone:
		case jobs.StateUnknown, jobs.StatePending, jobs.StateIntent:
			w.Warnings = append(w.Warnings, fmt.Sprintf("whether %s was done is not known (%s); look before you rely on this", s.Name, row.State))
		default:
			continue
		}
		var back *jobs.Step
		if s.Undo != nil {
			if back, err = s.Undo(ctx, j.Run); err != nil {
				return w, err
			}
		}
		if back == nil {
			w.Warnings = append(w.Warnings, "cannot come back: "+row.Change.Summary+ifText(row.Change.NoWayBack, ": "))
			continue
		}
		undo = append(undo, *back)
	}
	for n := range names {
		return w, invalid("steps: the job has no step %q; cipp_get_job names them.", Clean(n, 80))
	}
	if len(undo) == 0 {
		return w, &Problem{Code: "nothing_to_undo", Message: "Nothing that this job did can come back. " + strings.Join(w.Warnings, "; ") + ".", Next: "Look at the job with cipp_get_job."}
	}
	w.Steps = workflows.OrderUndo(undo)
	return w, nil
})

func rowOf(j jobs.Job, name string) (jobs.StepRow, bool) {
	for _, s := range j.Steps {
		if s.Name == name {
			return s, true
		}
	}
	return jobs.StepRow{}, false
}

// toolOf is the tool a run is of, an empty one for a kind this version does not know. It is set in init, since
// undoing is a tool itself and would stand in a circle with the list of all.
var toolOf func(kind string) Tool

func init() {
	toolOf = func(kind string) Tool {
		for _, t := range known() {
			if t.Name == kind {
				return t
			}
		}
		return Tool{}
	}
}
