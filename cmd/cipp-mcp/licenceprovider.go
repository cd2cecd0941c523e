package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"cipp-mcp/internal/clock"
	"cipp-mcp/internal/config"
	"cipp-mcp/internal/jobs"
	"cipp-mcp/internal/webhook"
	"cipp-mcp/workflows"
)

// licenceProvider is whom to ask for licences, nil where the operator names nobody.
func (a *app) licenceProvider(hook *webhook.Hook) workflows.LicenceProvider {
	if a.cfg.Licenses.Provider != config.ProviderWebhook || hook == nil {
		return nil
	}
	return webhookProvider{hook, a.env.Policy.Ledger, a.env.Clock, a.cfg.Licenses.MaxSeatsPerDay}
}

// webhookProvider hands requests for seats to the operator's other systems, which buy or do not.
type webhookProvider struct {
	hook   *webhook.Hook
	ledger *jobs.Ledger
	clock  clock.Clock
	most   int // seats within a day
}

// licenceRequested is the body of such a request.
type licenceRequested struct {
	Event string `json:"event"`
	workflows.LicenceRequest
	At time.Time `json:"at"`
}

// Ready says that enough was asked for within a day.
func (p webhookProvider) Ready(ctx context.Context, runID string) (string, error) {
	runs, err := p.ledger.Since(ctx, p.clock.Now().Add(-24*time.Hour))
	if err != nil {
		return "", err
	}
	asked := 0
	for _, r := range runs {
		if r.State == jobs.RunHeld || r.Reads() || r.Run.ID == runID {
			continue
		}
		j, err := p.ledger.Job(ctx, r.Run.ID)
		if err != nil {
			return "", err
		}
		for _, s := range j.Steps {
			if strings.HasPrefix(s.Name, workflows.RequestLicence) && s.State != jobs.StateCancelled && s.State != jobs.StateSkipped {
				asked++
			}
		}
	}
	if asked >= p.most {
		return fmt.Sprintf("%d seats were asked for within 24 hours, which is as many as the operator allows (licenses.maxSeatsPerDay)", asked), nil
	}
	return "", nil
}

func (p webhookProvider) Request(ctx context.Context, r workflows.LicenceRequest) error {
	return p.hook.Send(ctx, licenceRequested{"license.requested", r, p.clock.Now()}, r.ID)
}
