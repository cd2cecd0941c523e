package mcpserver

import (
	"strconv"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"cipp-mcp/tools"
)

// A read may leave questions that only a person can answer. They go to the person at the client as a form; what comes
// back counts only together with the state that the server sealed for exactly these questions, and no argument of the
// model can stand in for it.

// asked is what such a question's sealed state holds.
type asked struct {
	About   string
	Events  []string
	Expires time.Time
}

const (
	askedPurpose = "questions of a read"
	// askedFor is how long an answer counts: the user has to be reached by telephone first.
	askedFor = time.Hour
	// answersID names the form within a call.
	answersID = "answers"
)

// What can be answered. Whatever else comes back is no answer.
const (
	saysYes     = "yes, it was the user"
	saysNo      = "no, it was not the user"
	saysUnknown = "not known"
)

// askOf is the question that a read's result leaves; nil where there is none, or nobody to be asked.
func (inv *Invoker) askOf(res Result, caller Caller) (*Question, error) {
	a, ok := res.(tools.Asking)
	if !ok || !caller.CanAsk || caller.Answer != nil {
		return nil, nil //nolint:nilnil // nothing is asked
	}
	ask, err := a.Ask()
	if err != nil || ask == nil {
		return nil, err
	}
	state := asked{About: ask.About, Expires: inv.Env.Clock.Now().Add(askedFor)}
	q := &Question{Message: ask.Message, Unanswered: res}
	for _, o := range ask.Question {
		state.Events = append(state.Events, o.Event)
		q.Fields = append(q.Fields, o.Text)
	}
	q.State, err = inv.Engine.Sealer.Seal(askedPurpose, state)
	return q, err
}

// said are the answers in a form that was sent. A form that was declined, came too late or belongs to other questions
// holds none.
func (inv *Invoker) said(a Answer) *tools.Said {
	var state asked
	if inv.Engine.Sealer.Open(askedPurpose, a.State, &state) != nil || inv.Env.Clock.Now().After(state.Expires) {
		return &tools.Said{}
	}
	s := &tools.Said{About: state.About, Answers: map[string]bool{}}
	for i, event := range state.Events {
		switch a.Content[fieldID(i)] {
		case saysYes:
			s.Answers[event] = true
		case saysNo:
			s.Answers[event] = false
		}
	}
	return s
}

func fieldID(i int) string { return "event" + strconv.Itoa(i+1) }

// form is a question as the client shows it, and its name within the call.
func (q *Question) form() (id string, p mcp.ElicitationParams) {
	if q.Fields == nil {
		return confirmID, confirmation(q)
	}
	fields := map[string]any{}
	for i, text := range q.Fields {
		fields[fieldID(i)] = map[string]any{"type": "string", "title": strconv.Itoa(i+1) + ". Was it the user?", "description": text, "enum": []string{saysUnknown, saysYes, saysNo}, "default": saysUnknown}
	}
	return answersID, mcp.ElicitationParams{Message: q.Message, RequestedSchema: map[string]any{"type": "object", "properties": fields}}
}

// answerTo is a person's answer to the question of that name.
func answerTo(id, state string, r *mcp.ElicitationResult) *Answer {
	a := &Answer{State: state}
	if id == confirmID {
		a.Accepted = accepted(r)
	} else if r.Action == mcp.ElicitationResponseActionAccept {
		a.Content, _ = r.Content.(map[string]any)
	}
	return a
}
