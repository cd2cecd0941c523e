package tools

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"cipp-mcp/workflows/bec"
	"cipp-mcp/workflows/bec/casefile"
	"cipp-mcp/workflows/bec/collect"
)

// What the user did, or did not do, only a person can tell. An answer comes in signed by the operator (bec attest), or
// from the person at the client to a question of the server's own. A model can give neither: no argument takes one, and
// what lies in the case's folder without a proof is not believed.

// askedAtClient is who an answer is by that a person gave through the client.
const askedAtClient = "client"

// attested are the answers that can be believed, event to whether it was the user. Of the operator the last one holds;
// of the client the first, so that an answer that is sent again changes nothing, and only where the operator has none.
func (e *Env) attested(c *casefile.Case) (signed, atClient map[string]bool, err error) {
	said, err := c.Attestations()
	signed, atClient = map[string]bool{}, map[string]bool{}
	for _, a := range said {
		if !e.believes(c.CaseID, a) {
			continue
		}
		if a.By != askedAtClient {
			signed[a.Event] = a.Yes
		} else if _, had := atClient[a.Event]; !had {
			atClient[a.Event] = a.Yes
		}
	}
	for event := range signed {
		delete(atClient, event)
	}
	return signed, atClient, err
}

func (e *Env) believes(caseID string, a casefile.Attestation) bool {
	if a.By == askedAtClient {
		var message string
		return e.Policy.Sealer.Open(sealedAnswer(caseID), a.Proof, &message) == nil && message == a.Message(caseID)
	}
	return e.Policy.Signatures != nil && e.Policy.Signatures.Signed(a.By, a.Message(caseID), a.Proof) == nil
}

// caseInDanger warns of a case of the user that is open and has not kept yet what stands there now: blocking changes it.
func (c *Call) caseInDanger() (string, error) {
	if c.Cases.Store == nil {
		return "", nil
	}
	open, err := c.Cases.Store.Of(c.Tenant.ID, c.User.ID)
	if err != nil {
		return "", err
	}
	for _, k := range open {
		readings, err := k.Readings()
		if err != nil {
			return "", err
		}
		if c.Clock.Now().Sub(k.Opened) < caseOpen && (len(readings) == 0 || !readings[0].Did(collect.Snapshot)) {
			return k.CaseID + " is open and the state of the account is not kept yet: a block changes the evidence, so let cipp_bec_check keep it first unless a fraud is under way", nil
		}
	}
	return "", nil
}

// sealedAnswer is what the seal under an answer is for.
func sealedAnswer(caseID string) string { return "attestation " + caseID }

// Asking is a result of a read that leaves questions which only a person can answer. Ask is called where there is
// somebody to be asked; nil is that nothing is left to ask.
type Asking interface{ Ask() (*Ask, error) }

// Ask are the questions, each answered by yes, no or nothing.
type Ask struct {
	About    string // what the answers belong to, and nothing else
	Message  string
	Question []AskedOf
}

// AskedOf is one question.
type AskedOf struct {
	Event string
	Text  string
}

// Said are a person's answers to what was asked about something. What was not answered is not in it.
type Said struct {
	About   string
	Answers map[string]bool
}

// mostAsked bounds what one form asks.
const mostAsked = 5

// asks makes the question of a summary whose reading is over: the case's own, each put once.
func (c *Call) asks(k *casefile.Case, open []bec.Question) func() (*Ask, error) {
	return func() (*Ask, error) {
		had, err := k.AskedOf()
		if err != nil {
			return nil, err
		}
		a := &Ask{About: k.CaseID}
		var events []string
		for _, q := range open {
			if len(a.Question) < mostAsked && !slices.Contains(had, q.Event) {
				a.Question = append(a.Question, AskedOf{q.Event, c.Redact(Clean(q.Text, 300))})
				events = append(events, q.Event)
			}
		}
		if len(events) == 0 {
			return nil, nil //nolint:nilnil // nothing is left to ask
		}
		a.Message = fmt.Sprintf("Was it %s, in %s? Ask the user by telephone or in person, not by mail: somebody else may read the mailbox. Leave open what is not known; it counts for nothing then. Case %s.",
			Clean(c.User.UserPrincipalName, 120), c.Tenant.DefaultDomain, k.CaseID)
		return a, k.Ask(events)
	}
}

// hear writes down what the person at the client answered, sealed, and tells in a sentence what became of it.
func (c *Call) hear(_ context.Context, k *casefile.Case) (told string, err error) {
	if c.Said == nil {
		return "", nil
	}
	if c.Said.About != k.CaseID {
		return "The answers belong to another case, so nothing was written down.", nil
	}
	signed, atClient, err := c.attested(k)
	if err != nil {
		return "", err
	}
	for event, yes := range c.Said.Answers {
		_, operators := signed[event]
		if _, had := atClient[event]; had || operators {
			continue
		}
		a := casefile.Attestation{Event: event, Yes: yes, By: askedAtClient, At: c.Clock.Now().UTC().Truncate(time.Second)}
		if a.Proof, err = c.Policy.Sealer.Seal(sealedAnswer(k.CaseID), a.Message(k.CaseID)); err != nil {
			return "", err
		}
		if err := k.Attest(a); err != nil {
			return "", err
		}
	}
	if len(c.Said.Answers) == 0 {
		return "The person answered none of the questions, so nothing was written down.", nil
	}
	return strings.TrimSpace(fmt.Sprintf("%s of the person at the client written down; the operator's bec attest overrules them.", count(len(c.Said.Answers), "answer", "answers"))), nil
}
