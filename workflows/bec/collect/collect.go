// Package collect reads the evidence of a case: first what stands there now, which a response would destroy, then the
// logs. Each source is read for itself; one that fails costs its own coverage and nothing else. It changes nothing.
package collect

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/clock"
	"cipp-mcp/internal/jobs"
	"cipp-mcp/workflows/bec"
	"cipp-mcp/workflows/bec/casefile"
)

// The parts of a reading, in their order.
const (
	Snapshot = "snapshot" // what stands there now: minutes at most, and before any response
	Logs     = "logs"     // what happened
	Accounts = "accounts" // whom else the same actor touched
)

// Collector reads one case.
type Collector struct {
	Graph   *graphclient.Client
	Clock   clock.Clock
	Reading *casefile.Reading
	Tenant  string // its id
	User    graphclient.User
	// Tell hears of each source that is over; never nil.
	Tell func(done, total int, source string)

	// ResumeFrom are the moments up to which an earlier reading read the logs; a log without one is read to its end.
	ResumeFrom map[string]time.Time

	mailbox once[json.RawMessage]
	grants  once[[]grant]
	plans   once[licences]
}

// once is something several sources need and one reads.
type once[T any] struct {
	mu   sync.Mutex
	done bool
	v    T
	err  error
}

// get reads it, or waits for whoever does.
func (o *once[T]) get(read func() (T, error)) (T, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.done {
		o.v, o.err = read()
		o.done = true
	}
	return o.v, o.err
}

// source is one row of the table of sources.
type source struct {
	name string
	// read writes the source's rows and says how far it came; an error says that it came no further.
	read func(ctx context.Context, c *Collector, w *casefile.Writer) (bec.Coverage, error)
}

// atOnce is how many sources are read side by side. The client keeps the services' own limits.
const atOnce = 10

// Read reads the sources of a part that have not been read yet, and notes that the part is over. An error is this
// program's or the caller's leaving; what a source refused stands in its coverage.
func (c *Collector) Read(ctx context.Context, part string) error {
	if c.Reading.Did(part) {
		return nil
	}
	list := parts[part]
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	var mu sync.Mutex
	done := 0
	for _, s := range list {
		g.Go(func() error {
			if err := c.readOne(gctx, s); err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			done++
			c.Tell(done, len(list), s.name)
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return c.Reading.Done(part)
}

func (c *Collector) readOne(ctx context.Context, s source) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if c.Reading.Has(s.name) {
		return nil
	}
	w, err := c.Reading.Create(s.name)
	if err != nil {
		return err
	}
	begun := c.Clock.Now()
	var cover bec.Coverage
	err = jobs.Caught(func() (err error) { cover, err = s.read(ctx, c, w); return err })
	if ctx.Err() != nil {
		w.Drop()
		return ctx.Err()
	}
	if err != nil {
		cover = c.licensed(ctx, s.name, failed(cover, err, w.Rows()), err)
		if ctx.Err() != nil {
			w.Drop()
			return ctx.Err()
		}
	}
	return w.Close(c.settled(s.name, cover, begun))
}

// settled fills in what every source has: its lag, and the moment up to which it was read.
func (c *Collector) settled(name string, cover bec.Coverage, begun time.Time) bec.Coverage {
	if cover.Status == "" {
		cover.Status = bec.ReadWhole
	}
	lag := lags[name]
	cover.Lag = iso(lag)
	if cover.AsOf == nil && (cover.Status == bec.ReadWhole || cover.Status == bec.ReadPartly) {
		at := begun.Add(-lag).UTC()
		cover.AsOf = &at
	}
	return cover
}

// mailboxRef names the mailbox to Exchange.
func (c *Collector) mailboxRef() graphclient.MailboxRef {
	return graphclient.MailboxRef{ID: c.User.ID, UPN: c.User.UserPrincipalName}
}

// exchange is a source that is the output of cmdlets on the mailbox.
func exchange(kind, cmdlet, key string, params map[string]any) func(context.Context, *Collector, *casefile.Writer) (bec.Coverage, error) {
	return func(ctx context.Context, c *Collector, w *casefile.Writer) (bec.Coverage, error) {
		return bec.Coverage{}, c.rows(ctx, w, c.mailboxRef(), kind, cmdlet, key, params)
	}
}

// rows writes the output of a cmdlet.
func (c *Collector) rows(ctx context.Context, w *casefile.Writer, ref graphclient.MailboxRef, kind, cmdlet, key string, params map[string]any) error {
	list, err := c.Graph.ExchangeRows(ctx, c.Tenant, ref, cmdlet, key, params)
	for _, row := range list {
		if werr := w.Add(kind, idOf(row), row); werr != nil {
			return werr
		}
	}
	return err
}

// graph is a source that is a collection of Graph.
func (c *Collector) graph(ctx context.Context, w *casefile.Writer, kind, path string, beta bool) error {
	return c.Graph.GraphRows(ctx, c.Tenant, path, nil, beta, func(page []json.RawMessage) error { return addAll(w, kind, page) })
}

func addAll(w *casefile.Writer, kind string, page []json.RawMessage) error {
	for _, row := range page {
		if err := w.Add(kind, idOf(row), row); err != nil {
			return err
		}
	}
	return nil
}

// idOf is what Microsoft calls a row by.
func idOf(row json.RawMessage) string {
	var id struct {
		ID             string `json:"id"`
		Identity       any    `json:"Identity"`
		MessageTraceID string `json:"MessageTraceId"`
		Recipient      string `json:"RecipientAddress"`
		User           any    `json:"User"`
		Trustee        any    `json:"Trustee"`
	}
	if json.Unmarshal(row, &id) != nil {
		return ""
	}
	text := func(v any) string { s, _ := v.(string); return s }
	switch {
	case id.ID != "":
		return id.ID
	case id.MessageTraceID != "":
		return id.MessageTraceID + "/" + id.Recipient
	case id.User != nil:
		return text(id.Identity) + "/" + text(id.User)
	case id.Trustee != nil:
		return text(id.Identity) + "/" + text(id.Trustee)
	}
	return text(id.Identity)
}
