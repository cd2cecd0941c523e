package mcpserver

import (
	"context"
	"crypto/rand"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
	"go.uber.org/zap"

	"cipp-mcp/tools"
)

// offers are the results of calls whose secrets were put to the person at a client of the newer
// protocol: such a call ends only when the client comes back.
type offers struct {
	mu      sync.Mutex
	byState map[string]offered
}

type offered struct {
	tool   string
	result tools.Telling
	offers []tools.Offer
	since  time.Time
}

// offeredFor is how long a result waits for its client; the journal has what was done in any case.
const offeredFor = time.Hour

// offerState begins the state that such a call comes back with, and no other's: whatever else comes
// with it, nothing is executed.
const offerState = "offer_"

func (o *offers) keep(w offered) (state string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for s, old := range o.byState {
		if w.since.Sub(old.since) > offeredFor {
			delete(o.byState, s)
		}
	}
	if o.byState == nil {
		o.byState = map[string]offered{}
	}
	state = offerState + rand.Text()
	o.byState[state] = w
	return state
}

func (o *offers) take(state string) (offered, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	w, ok := o.byState[state]
	delete(o.byState, state)
	return w, ok
}

// revealID names an offer within a call.
func revealID(i int) string { return "reveal" + strconv.Itoa(i) }

// offer puts the secrets that a write sealed to the person, at a client that opens addresses for
// people. The addresses are in the client's question only: the result says no more than that the person
// has seen a secret, or that it waits. Where the client has to come back first, its answer is returned.
func (inv *Invoker) offer(ctx context.Context, t tools.Tool, out Outcome, began time.Time) *mcp.CallToolResult {
	res, ok := out.Result.(tools.Telling)
	if !ok || !opensAddresses(ctx) {
		return nil
	}
	list := inv.Env.Offers(res)
	if len(list) == 0 {
		return nil
	}
	if server.IsModernRequest(ctx) {
		ask := server.NewInputRequestBuilder(inv.offers.keep(offered{t.Name, res, list, time.Now()}))
		for i, o := range list {
			ask.Elicit(revealID(i), toPerson(o))
		}
		return ask.ToolResult()
	}
	// The call has taken its time already, and what is not seen within it can be seen after it.
	waiting, cancel := context.WithTimeout(ctx, max(inv.AskFor-time.Since(began), inv.AskFor/4))
	defer cancel()
	for _, o := range list {
		s := server.ServerFromContext(ctx)
		a, err := s.RequestElicitation(waiting, mcp.ElicitationRequest{Params: toPerson(o)})
		if err != nil { // its text is the client's, which knows the address
			inv.Log.Info("nobody answered whether to see a secret", zap.String("tool", t.Name))
		}
		opened := err == nil && a.Action == mcp.ElicitationResponseActionAccept
		if awaitSeen(waiting, o, opened) {
			_ = s.SendElicitationComplete(ctx, server.ClientSessionFromContext(ctx), o.ID) // a courtesy: the client closes its dialogue
		}
		tools.Offered(res, o, opened)
	}
	return nil
}

// offerAnswered ends a call whose client comes back from the person: nothing is executed again. It is
// nil for every other call.
func (inv *Invoker) offerAnswered(ctx context.Context, t tools.Tool, r mcp.CallToolRequest) *mcp.CallToolResult {
	if !strings.HasPrefix(r.Params.RequestState, offerState) && server.ElicitationResponse(r.Params.InputResponses, revealID(0)) == nil {
		return nil
	}
	w, ok := inv.offers.take(r.Params.RequestState)
	if !ok || w.tool != t.Name {
		return failure(&tools.Problem{Code: "token_refused", Message: "This answer belongs to no call that waits here, so nothing was done now.", Next: "Read the state before calling again: the call it belonged to may have been carried out."})
	}
	waiting, cancel := context.WithTimeout(ctx, inv.AskFor)
	defer cancel()
	for i, o := range w.offers {
		a := server.ElicitationResponse(r.Params.InputResponses, revealID(i))
		opened := a != nil && a.Action == mcp.ElicitationResponseActionAccept
		awaitSeen(waiting, o, opened)
		tools.Offered(w.result, o, opened)
	}
	return mcp.NewToolResultStructured(w.result, clip(w.result.Text()))
}

// awaitSeen waits until the person has seen what was opened, as long as there is time.
func awaitSeen(ctx context.Context, o tools.Offer, opened bool) bool {
	if !opened || o.Seen == nil {
		return false
	}
	select {
	case <-o.Seen:
		return true
	case <-ctx.Done():
		return false
	}
}

// toPerson is an offer as the client shows it.
func toPerson(o tools.Offer) mcp.ElicitationParams {
	return mcp.ElicitationParams{Mode: mcp.ElicitationModeURL, Message: o.Message, ElicitationID: o.ID, URL: o.URL}
}

// asks is what a client can put to a person, in either era; nil for nothing.
func asks(ctx context.Context) *mcp.ElicitationCapability {
	if i := server.RequestProtocolInfoFromContext(ctx); i != nil && i.Modern && i.ClientCapabilities != nil {
		return i.ClientCapabilities.Elicitation
	}
	if s, ok := server.ClientSessionFromContext(ctx).(server.SessionWithClientInfo); ok {
		return s.GetClientCapabilities().Elicitation
	}
	return nil
}

// opensAddresses says whether the client can send its person to an address.
func opensAddresses(ctx context.Context) bool {
	e := asks(ctx)
	return e != nil && e.URL != nil
}
