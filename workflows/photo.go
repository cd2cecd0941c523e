package workflows

import (
	"bytes"
	"context"
	"fmt"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

const setPhoto = "set-photo"

// keptPhoto is the largest picture that is kept so that it can come back.
const keptPhoto = 1 << 20

// photoBefore is the picture that was there, as far as it is kept.
type photoBefore struct {
	Photo []byte `json:"photo,omitempty"`
	Had   bool   `json:"had"`
}

// SetPhoto gives the user a picture (PUT /users/{id}/photo/$value). Microsoft may scale what it is given, so that another
// picture than before is what shows that it was taken.
func SetPhoto(t Target, jpeg []byte) jobs.Step {
	read := func(ctx context.Context) (photoBefore, error) {
		p, err := t.Graph.Photo(ctx, t.tid(), t.User.ID)
		b := photoBefore{Had: len(p) > 0}
		if len(p) <= keptPhoto {
			b.Photo = p
		}
		return b, err
	}
	word := func(p []byte) string {
		if len(p) == 0 {
			return "none"
		}
		return fmt.Sprintf("a picture of %d KB", (len(p)+1023)/1024)
	}
	return jobs.Step{
		Name: setPhoto, Class: jobs.Idempotent,
		Plan: func(ctx context.Context, _ *jobs.Run) (jobs.Change, error) {
			now, err := t.Graph.Photo(ctx, t.tid(), t.User.ID)
			if err != nil {
				return jobs.Change{}, err
			}
			c := jobs.Change{Summary: "Set the picture", Before: word(now), After: word(jpeg)}
			if bytes.Equal(now, jpeg) {
				c.Nothing = "it is this picture already"
			}
			if len(now) > keptPhoto {
				c.NoWayBack = "the picture there now is too large to be kept"
			}
			if t.User.Guest() {
				c.Warnings = append(c.Warnings, "a guest's picture is this tenant's own; at home it stays as it is")
			}
			return c, nil
		},
		Do: func(ctx context.Context, run *jobs.Run) (jobs.Handle, error) {
			if _, err := jobs.KeepBefore(ctx, read); err != nil {
				return nil, err
			}
			return nil, order(ctx, run, setPhoto, func() error { return t.Graph.SetPhoto(ctx, t.tid(), t.User.ID, jpeg) })
		},
		Verify: func(ctx context.Context, run *jobs.Run) (jobs.Outcome, error) {
			now, err := t.Graph.Photo(ctx, t.tid(), t.User.ID)
			var was photoBefore
			var answered bool
			run.Get(setPhoto+"Answered", &answered)
			switch {
			case err != nil:
				return jobs.Unknown, err
			case bytes.Equal(now, jpeg):
				return jobs.Done, nil
			case len(now) > 0 && answered && run.Before(setPhoto, &was) && !bytes.Equal(now, was.Photo):
				return jobs.Done, nil
			}
			return jobs.NotDone, nil
		},
		Undo: func(_ context.Context, run *jobs.Run) (*jobs.Step, error) {
			var was photoBefore
			switch {
			case !run.Before(setPhoto, &was) || was.Had && len(was.Photo) == 0:
				return nil, nil
			case was.Had:
				return undo(setPhoto, SetPhoto(t, was.Photo))
			}
			return undo(setPhoto, effect{
				want:   false,
				change: jobs.Change{Summary: "Take the picture away", Before: "a picture", After: "none"},
				there: func(ctx context.Context) (bool, error) {
					p, err := t.Graph.Photo(ctx, t.tid(), t.User.ID)
					return len(p) > 0, err
				},
				do: func(ctx context.Context) error {
					return passing(t.Graph.DeletePhoto(ctx, t.tid(), t.User.ID), graphclient.NotFound)
				},
			}.step())
		},
	}
}
