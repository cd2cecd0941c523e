package tools

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
	"cipp-mcp/internal/policy"
	"cipp-mcp/workflows"
)

// ListLicensesIn are the arguments of cipp_list_licenses.
type ListLicensesIn struct {
	AnyTenantArg
	Search string `json:"search,omitempty" jsonschema:"maxLength=100"`
	Plans  bool   `json:"plans,omitempty" jsonschema_description:"With service plans."`
	PageArgs
}

// LicenseRow is one subscription.
type LicenseRow struct {
	Tenant        string   `json:"tenant,omitempty"` // of allTenants
	SkuID         string   `json:"skuId"`
	SkuPartNumber string   `json:"skuPartNumber"`
	Name          string   `json:"name"`
	Total         int      `json:"total"`
	Consumed      int      `json:"consumed"`
	Free          int      `json:"free"` // what this server has given away already is taken off
	Pending       int      `json:"pending,omitempty"`
	Status        string   `json:"status"`
	AppliesTo     string   `json:"appliesTo,omitempty"`
	ServicePlans  []string `json:"servicePlans,omitempty"`
}

// ListLicensesOut is the answer of cipp_list_licenses.
type ListLicensesOut struct {
	Licenses []LicenseRow `json:"licenses"`
	Total    int          `json:"total"`
	Failures
	Part
}

// Text lists the subscriptions.
func (o *ListLicensesOut) Text() string {
	var l lines
	l.add("%s", count(o.Total, "licence", "licences"))
	o.failed(&l)
	for _, r := range o.Licenses {
		line := fmt.Sprintf("%s%s | %s | %s | %d free of %d", of(r.Tenant), r.Name, r.SkuPartNumber, r.SkuID, r.Free, r.Total)
		if r.Pending > 0 {
			line += fmt.Sprintf(" (%d given away by this server and not counted by Microsoft yet)", r.Pending)
		}
		if !strings.EqualFold(r.Status, "Enabled") {
			line += " | " + Clean(r.Status, 20)
		}
		l.add("%s", line)
		if len(r.ServicePlans) > 0 {
			l.add("  plans: %s", strings.Join(r.ServicePlans, ", "))
		}
	}
	more(&l, o.Part, "search")
	return l.String()
}

// Shrink drops the second half of the rows.
func (o *ListLicensesOut) Shrink() bool { return shrinkRows(&o.Licenses, &o.Part) }

var listLicenses = Read(Tool{
	Name: "cipp_list_licenses", Title: "List licences", Toolset: "licenses", Extra: true, Aliases: tenantAliases, AllTenants: true,
	Description: "Lists a tenant's licences with names and free seats, those this server has promised taken off. A user's own: cipp_get_user.",
	Needs:       Needs{App: []string{"LicenseAssignment.Read.All"}, GDAPRoles: []string{"Global Reader"}},
	Example:     `{"tenantFilter":"contoso.onmicrosoft.com"}`,
}, func(ctx context.Context, c *Call, in ListLicensesIn) (ListLicensesOut, error) {
	rows, failed, err := inEach(ctx, c, func(ctx context.Context, one *Call) ([]LicenseRow, error) {
		return licenseRows(ctx, one, in, c.ofSeveral(one, in.PageArgs))
	})
	if err != nil {
		return ListLicensesOut{}, err
	}
	out := ListLicensesOut{Total: len(rows), Failures: failed}
	out.Licenses, out.Part, err = slicePage(c, "cipp_list_licenses", rows, in.PageArgs)
	return out, err
})

// licenseRows are the subscriptions of one tenant.
func licenseRows(ctx context.Context, c *Call, in ListLicensesIn, tenant string) ([]LicenseRow, error) {
	skus, err := c.Graph.SubscribedSkus(ctx, c.Tenant.ID)
	if err != nil {
		return nil, err
	}
	taken, err := c.seatsTaken(ctx, skus)
	if err != nil {
		return nil, err
	}
	var rows []LicenseRow
	for _, s := range skus {
		name := productName(s.SkuPartNumber)
		if !matches(in.Search, name, s.SkuPartNumber, s.SkuID) {
			continue
		}
		r := LicenseRow{Tenant: tenant, SkuID: s.SkuID, SkuPartNumber: Clean(s.SkuPartNumber, 80), Name: Clean(name, 80), Total: s.PrepaidUnits.Enabled + s.PrepaidUnits.Warning, Consumed: s.ConsumedUnits,
			Free: s.Available() - taken[s.SkuID], Pending: taken[s.SkuID], Status: s.CapabilityStatus}
		if s.AppliesTo == "Company" {
			r.AppliesTo = s.AppliesTo
		}
		if in.Plans {
			for _, p := range s.ServicePlans {
				r.ServicePlans = append(r.ServicePlans, Clean(p.ServicePlanName, 60))
			}
		}
		rows = append(rows, r)
	}
	slices.SortFunc(rows, func(a, b LicenseRow) int { return strings.Compare(a.Name+a.SkuID, b.Name+b.SkuID) })
	return rows, nil
}

// countLag is how long Microsoft's count of seats may be behind.
const countLag = 15 * time.Minute

// seatsTaken counts, by SKU id, the seats this server has given away and Microsoft does not count yet: by jobs that
// wait or are at work, and by those of the last minutes after which the count is still what it was.
func (c *Call) seatsTaken(ctx context.Context, skus []graphclient.SubscribedSku) (map[string]int, error) {
	taken := map[string]int{}
	now := c.Clock.Now()
	var runs []jobs.RunInfo
	for _, state := range []string{jobs.RunQueued, jobs.RunRunning, jobs.RunDone} {
		list, err := c.Policy.Ledger.Jobs(ctx, state, c.Tenant.ID, 500)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", policy.ErrState, err)
		}
		runs = append(runs, list...)
	}
	consumed := map[string]int{}
	for _, s := range skus {
		consumed[s.SkuID] = s.ConsumedUnits
	}
	for _, r := range runs {
		asked := licenceArguments[r.Kind]
		if asked == "" || c.Run != nil && r.Run.ID == c.Run.ID || r.Cancelled {
			continue
		}
		j, err := c.Policy.Ledger.Job(ctx, r.Run.ID)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", policy.ErrState, err)
		}
		if s, ok := rowOf(j, workflows.ManageLicences); !ok || s.State == jobs.StateDone {
			if ok && now.Sub(s.IntentAt) < countLag {
				for _, id := range workflows.NotCounted(j.Run, consumed) {
					taken[id]++
				}
			}
			continue
		}
		if r.Ended() {
			continue
		}
		args, err := c.Policy.Args(r)
		if err != nil {
			continue // made with a key that is gone, so that it will not run either
		}
		list, _ := args[asked].([]any)
		for _, v := range list {
			if s, err := skuOf(skus, fmt.Sprint(v), asked); err == nil {
				taken[s.SkuID]++
			}
		}
	}
	return taken, nil
}

// licenceArguments are the arguments by which tools give licences away.
var licenceArguments = map[string]string{"cipp_manage_user_licenses": "addLicenseSkuIds", "cipp_create_user": "licenses"}

// skuOf finds a subscription by id, part number or product name.
func skuOf(skus []graphclient.SubscribedSku, name, argument string) (graphclient.SubscribedSku, error) {
	var known []string
	for _, s := range skus {
		if strings.EqualFold(name, s.SkuID) || strings.EqualFold(name, s.SkuPartNumber) || strings.EqualFold(name, productName(s.SkuPartNumber)) {
			return s, nil
		}
		label := s.SkuPartNumber
		if n := productName(s.SkuPartNumber); n != "" && n != label {
			label += " (" + n + ")"
		}
		known = append(known, label)
	}
	slices.Sort(known)
	return graphclient.SubscribedSku{}, invalid("%s: the tenant has no licence %q; it has %s.", argument, Clean(name, 80), Clean(strings.Join(known, ", "), 600))
}

// skusFound are the tenant's subscriptions as planning saw them.
func (c *Call) skusFound(ctx context.Context) ([]graphclient.SubscribedSku, error) {
	return jobs.Found(ctx, c.Run, "skus", func(ctx context.Context) ([]graphclient.SubscribedSku, error) {
		return c.Graph.SubscribedSkus(ctx, c.Tenant.ID)
	})
}

// ManageUserLicensesIn are the arguments of cipp_manage_user_licenses.
type ManageUserLicensesIn struct {
	TenantArg
	UserArg
	Add                  []string `json:"addLicenseSkuIds,omitempty" jsonschema:"maxItems=20" jsonschema_description:"Ids, part numbers or names."`
	Remove               []string `json:"removeLicenseSkuIds,omitempty" jsonschema:"maxItems=20"`
	DisabledPlans        []string `json:"disabledPlans,omitempty" jsonschema:"maxItems=60" jsonschema_description:"Off in what is added."`
	RequestIfUnavailable bool     `json:"requestIfUnavailable,omitempty" jsonschema_description:"No free seat: ask the operator's provider and wait."`
	RunAtArg
	WriteArgs
}

var manageUserLicenses = Write(Tool{
	Name: "cipp_manage_user_licenses", Title: "Assign or remove licences", Toolset: "licenses", Risk: policy.Write, MayDestroy: true, Idempotent: true, Extra: true,
	Description: "Assigns and removes a user's own licences in one call, so that a swap is safe. Never buys. Free seats: cipp_list_licenses.",
	Aliases:     with(userAliases, map[string]string{"addLicenses": "addLicenseSkuIds", "removeLicenses": "removeLicenseSkuIds", "licenses": "addLicenseSkuIds", "skuIds": "addLicenseSkuIds"}),
	Needs:       Needs{App: []string{"LicenseAssignment.ReadWrite.All", "User.Read.All", "GroupMember.Read.All", "Exchange.ManageAsApp"}, AppRoles: []string{"Exchange Administrator"}, GDAPRoles: []string{"License Administrator", "Exchange Administrator"}},
	Example:     `{"tenantFilter":"contoso.onmicrosoft.com","userId":"anna@contoso.com","addLicenseSkuIds":["SPE_E5"],"dryRun":true}`,
}, func(ctx context.Context, c *Call, in ManageUserLicensesIn) (Work, error) {
	var w Work
	if len(in.Add)+len(in.Remove) == 0 {
		return w, invalid("Name a licence in addLicenseSkuIds or removeLicenseSkuIds.")
	}
	if len(in.Remove) > 0 {
		w.Risk = policy.Destructive
	}
	skus, err := c.skusFound(ctx)
	if err != nil {
		return w, err
	}
	ch, err := c.licenceChange("addLicenseSkuIds", skus, in.Add, in.Remove, in.DisabledPlans)
	if err != nil {
		return w, err
	}
	if len(in.DisabledPlans) > 0 {
		takes, err := jobs.Found(ctx, c.Run, "takesPlans", func(ctx context.Context) (bool, error) { return workflows.TakesPlans(ctx, c.target(), ch) })
		if err != nil {
			return w, err
		}
		if takes {
			w.Risk = policy.Destructive
		}
	}
	if in.RequestIfUnavailable {
		w.Steps, err = c.licenceRequests(ctx, c.target(), skus, &ch)
		if err != nil {
			return w, err
		}
	}
	w.Steps = append(w.Steps, workflows.ChangeLicences(c.target(), ch))
	return w, nil
})

// licenceChange reads the licences and service plans that arguments name.
func (c *Call) licenceChange(argument string, skus []graphclient.SubscribedSku, add, remove, disabled []string) (workflows.LicenceChange, error) {
	ch := workflows.LicenceChange{Names: skuNames(skus), Taken: func(ctx context.Context) (map[string]int, error) { return c.seatsTaken(ctx, skus) }}
	off := map[string]bool{}
	for _, name := range add {
		s, err := skuOf(skus, name, argument)
		if err != nil {
			return ch, err
		}
		l := graphclient.AssignedLicense{SkuID: s.SkuID, DisabledPlans: []string{}}
		for _, d := range disabled {
			for _, p := range s.ServicePlans {
				if strings.EqualFold(d, p.ServicePlanID) || strings.EqualFold(d, p.ServicePlanName) {
					l.DisabledPlans, off[d] = append(l.DisabledPlans, p.ServicePlanID), true
				}
			}
		}
		if !slices.ContainsFunc(ch.Add, func(x graphclient.AssignedLicense) bool { return x.SkuID == l.SkuID }) {
			ch.Add = append(ch.Add, l)
		}
	}
	for _, d := range disabled {
		if !off[d] {
			return ch, invalid("disabledPlans: none of the licences that are added has a service plan %q; cipp_list_licenses with plans=true names them.", Clean(d, 80))
		}
	}
	for _, name := range remove {
		s, err := skuOf(skus, name, "removeLicenseSkuIds")
		switch {
		case err != nil:
			return ch, err
		case slices.ContainsFunc(ch.Add, func(x graphclient.AssignedLicense) bool { return x.SkuID == s.SkuID }):
			return ch, invalid("%s cannot be added and removed at once.", productName(s.SkuPartNumber))
		case !slices.Contains(ch.Remove, s.SkuID):
			ch.Remove = append(ch.Remove, s.SkuID)
		}
	}
	return ch, nil
}

// licenceRequests are the steps that ask for the seats which the tenant lacks, and wait for them.
func (c *Call) licenceRequests(ctx context.Context, t workflows.Target, skus []graphclient.SubscribedSku, ch *workflows.LicenceChange) ([]jobs.Step, error) {
	lacking, err := jobs.Found(ctx, c.Run, "lacking", func(ctx context.Context) ([]string, error) { return workflows.LackingSeats(ctx, t, *ch) })
	var steps []jobs.Step
	for _, id := range lacking {
		i := slices.IndexFunc(skus, func(s graphclient.SubscribedSku) bool { return s.SkuID == id })
		if i < 0 {
			continue
		}
		more, await := workflows.RequestSeat(t, c.Licences, skus[i], productName(skus[i].SkuPartNumber))
		steps = append(steps, more...)
		ch.Bought, ch.Needs = append(ch.Bought, id), append(ch.Needs, await)
	}
	return steps, err
}

var reprocessLicenses = Write(Tool{
	Name: "cipp_reprocess_licenses", Title: "Reprocess group licences", Toolset: "licenses", Risk: policy.Write, Idempotent: true, Extra: true, Aliases: userAliases,
	Description: "Has Microsoft work out again the licences a user gets from groups, once the cause of an error is gone. It assigns nothing itself: for that use cipp_manage_user_licenses.",
	Needs:       Needs{App: []string{"User.ReadWrite.All", "LicenseAssignment.Read.All"}, GDAPRoles: []string{"License Administrator"}},
	Example:     `{"tenantFilter":"contoso.onmicrosoft.com","userId":"anna@contoso.com","dryRun":true}`,
}, func(ctx context.Context, c *Call, _ UserWriteIn) (Work, error) {
	skus, err := c.skusFound(ctx)
	return Work{Steps: []jobs.Step{workflows.ReprocessLicences(c.target(), skuNames(skus))}}, err
})
