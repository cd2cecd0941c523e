package mcpserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"cipp-mcp/tools"
)

// addResources offers each job's record, so that a client can put it into a ticket without it passing through
// the model.
func addResources(s *server.MCPServer, inv *Invoker) {
	for _, t := range tools.RecordTemplates {
		s.AddResourceTemplate(mcp.NewResourceTemplate(t.URI, t.Name, mcp.WithTemplateDescription(t.Description), mcp.WithTemplateMIMEType(t.Type)), inv.readRecord)
	}
	for _, t := range tools.CaseTemplates {
		s.AddResourceTemplate(mcp.NewResourceTemplate(t.URI, t.Name, mcp.WithTemplateDescription(t.Description), mcp.WithTemplateMIMEType(t.Type)), inv.readCase)
	}
	s.AddResourceTemplate(mcp.NewResourceTemplate(tools.ExportTemplate, "Export of a list", mcp.WithTemplateDescription("All rows of a list that was asked for with format=csv, for an hour."), mcp.WithTemplateMIMEType("text/csv")), inv.readExport)
}

// readExport is a list that a tool wrote, by its random address.
func (inv *Invoker) readExport(ctx context.Context, r mcp.ReadResourceRequest) ([]mcp.ResourceContents, error) {
	text, err := inv.Env.ExportText(ctx, r.Params.URI)
	if err != nil {
		return nil, inv.unread(err)
	}
	return []mcp.ResourceContents{mcp.TextResourceContents{URI: r.Params.URI, MIMEType: "text/csv", Text: text}}, nil
}

// addExamples offers the tables that a bulk can begin with.
func addExamples(s *server.MCPServer) {
	for _, action := range slices.Sorted(maps.Keys(tools.BulkExamples)) {
		r := mcp.NewResource(tools.BulkExampleURI(action), "Example rows for "+action, mcp.WithResourceDescription("A table for csv of cipp_bulk_action; a bar parts several values."), mcp.WithMIMEType("text/csv"))
		s.AddResource(r, func(_ context.Context, r mcp.ReadResourceRequest) ([]mcp.ResourceContents, error) {
			text, ok := tools.BulkExample(r.Params.URI)
			if !ok {
				return nil, errors.New("there is no such example")
			}
			return []mcp.ResourceContents{mcp.TextResourceContents{URI: r.Params.URI, MIMEType: "text/csv", Text: text}}, nil
		})
	}
}

func (inv *Invoker) readCase(ctx context.Context, r mcp.ReadResourceRequest) ([]mcp.ResourceContents, error) {
	kind, text, err := inv.Env.CaseResource(ctx, r.Params.URI)
	if err != nil {
		return nil, inv.unread(err)
	}
	return []mcp.ResourceContents{mcp.TextResourceContents{URI: r.Params.URI, MIMEType: kind, Text: text}}, nil
}

// unread words why a resource cannot be read.
func (inv *Invoker) unread(err error) error {
	p, foreseen := tools.ProblemOf(err)
	if !foreseen {
		p = inv.bug(tools.Tool{Name: "resource"}, err, nil).Problem
	}
	tools.Sanitize(p, inv.Env.Redact)
	return errors.New(p.Message + " " + p.Next) //nolint:err113 // what the client shows
}

func (inv *Invoker) readRecord(ctx context.Context, r mcp.ReadResourceRequest) ([]mcp.ResourceContents, error) {
	rest, ok := strings.CutPrefix(r.Params.URI, "cipp://jobs/")
	id, part, _ := strings.Cut(rest, "/")
	if ok && part == "rows.csv" {
		table, err := inv.Env.Rows(ctx, id)
		if err != nil {
			return nil, inv.unread(err)
		}
		return []mcp.ResourceContents{mcp.TextResourceContents{URI: r.Params.URI, MIMEType: "text/csv", Text: table}}, nil
	}
	if !ok || part != "record" && part != "record.json" {
		return nil, errors.New("records are cipp://jobs/JOB/record and cipp://jobs/JOB/record.json")
	}
	rec, err := inv.Env.Record(ctx, id)
	if err != nil {
		return nil, inv.unread(err)
	}
	out := mcp.TextResourceContents{URI: r.Params.URI, MIMEType: "text/markdown", Text: rec.Markdown()}
	if part == "record.json" {
		b, err := json.MarshalIndent(rec, "", "  ")
		if err != nil {
			return nil, fmt.Errorf("write the record: %w", err)
		}
		out.MIMEType, out.Text = "application/json", string(b)
	}
	return []mcp.ResourceContents{out}, nil
}
