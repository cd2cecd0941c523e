package tools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"cipp-mcp/workflows/bec/casefile"
	"cipp-mcp/workflows/bec/report"
)

// Program is what reports and bundles say they were written by.
var Program = "cipp-mcp"

const caseScheme = "cipp://cases/"

// CaseURI is under which address a client reads a case's report.
func CaseURI(caseID string) string { return caseScheme + caseID + "/report" }

// CaseTemplates are the addresses of what a case leaves, as URI templates, with their media types.
var CaseTemplates = []struct{ URI, Name, Type, Description string }{
	{caseScheme + "{caseId}/report", "Report of a case", "text/markdown", "An investigation for a ticket: verdict, coverage, findings, timeline, response, hashes of the evidence."},
	{caseScheme + "{caseId}/report.html", "Report of a case (HTML)", "text/html", "The same as one page that prints, with the timeline drawn."},
	{caseScheme + "{caseId}/manifest.json", "Evidence of a case", "application/json", "Each source with its coverage, rows and SHA-256."},
}

// CaseReport makes a case's report of what its evidence says now.
func (e *Env) CaseReport(ctx context.Context, caseID string) (*report.Report, error) {
	k, err := e.caseShown(ctx, caseID)
	if err != nil {
		return nil, err
	}
	last, err := k.Last() // before its evidence is judged: it may go on meanwhile
	if err != nil {
		return nil, err
	}
	a, err := e.judged(ctx, k)
	if err != nil {
		return nil, err
	}
	m, err := k.Manifest(e.Clock.Now(), Program)
	if err != nil {
		return nil, err
	}
	r := &report.Report{Head: k.Head, Analysis: a, Status: readingStatus(last, a.Coverage), Version: Program, Written: e.Clock.Now()}
	for _, a := range m.Said {
		if e.believes(k.CaseID, a) {
			r.Said = append(r.Said, a)
		}
	}
	for _, reading := range m.Readings {
		r.Sources = append(r.Sources, reading.Sources...)
	}
	Sanitize(r, e.Redact)
	return r, nil
}

// caseShown is a case of a tenant this server may see.
func (e *Env) caseShown(ctx context.Context, caseID string) (*casefile.Case, error) {
	k, err := e.Cases.Store.Get(caseID)
	if errors.Is(err, casefile.ErrNoCase) {
		return nil, &Problem{Code: "case_not_found", Message: fmt.Sprintf("There is no case %q.", Clean(caseID, 60)), Next: "cipp_bec_check opens one and answers its caseId."}
	}
	if err != nil {
		return nil, err
	}
	_, err = e.Graph.ResolveTenant(ctx, k.TenantID)
	return k, err
}

// CaseResource reads what lies under a case's address: its media type and its text.
func (e *Env) CaseResource(ctx context.Context, uri string) (mediaType, text string, err error) {
	id, part, ok := strings.Cut(strings.TrimPrefix(uri, caseScheme), "/")
	if !ok || !strings.HasPrefix(uri, caseScheme) {
		return "", "", invalid("A case lies at cipp://cases/CASE/report, /report.html and /manifest.json.")
	}
	switch part {
	case "manifest.json":
		k, err := e.caseShown(ctx, id)
		if err != nil {
			return "", "", err
		}
		m, err := k.Manifest(e.Clock.Now(), Program)
		if err != nil {
			return "", "", err
		}
		b, err := json.MarshalIndent(m, "", "  ")
		return "application/json", string(b), err
	case "report", "report.html":
		r, err := e.CaseReport(ctx, id)
		if err != nil {
			return "", "", err
		}
		if part == "report" {
			return "text/markdown", r.Markdown(), nil
		}
		b, err := r.HTML()
		return "text/html", string(b), err
	}
	return "", "", invalid("A case lies at cipp://cases/CASE/report, /report.html and /manifest.json.")
}
