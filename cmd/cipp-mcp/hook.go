package main

import (
	"net/http"

	"cipp-mcp/internal/config"
	"cipp-mcp/internal/jobs"
	"cipp-mcp/internal/webhook"
	"cipp-mcp/tools"
)

// webhook is whom the end of a job is told to, nil when nobody is configured.
func (a *app) webhook() (*webhook.Hook, error) {
	c := a.cfg.Webhook
	if c.URL == "" {
		return nil, nil
	}
	secret, err := config.Resolve(c.Secret)
	if err != nil {
		return nil, err
	}
	a.env.Redactor.Add(secret)
	transport := http.DefaultTransport.(*http.Transport).Clone()
	a.closers = append(a.closers, transport.CloseIdleConnections)
	return &webhook.Hook{
		URL: c.URL, Secret: secret, Clock: a.env.Clock, Record: tools.RecordURI,
		Client: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		Status: func(j jobs.Job, state string) string {
			j.State = state
			return tools.JobStatus(j.RunInfo, j.Results(), a.env.Clock.Now())
		},
	}, nil
}
