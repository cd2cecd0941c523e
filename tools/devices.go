package tools

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"cipp-mcp/graphclient"
)

// ListUserDevicesIn are the arguments of cipp_list_user_devices.
type ListUserDevicesIn struct {
	TenantArg
	UserArg
	DeviceID string `json:"deviceId,omitempty" jsonschema_description:"Only this device, by id or name."`
	PageArgs
}

// DeviceRow is one device, joined from Entra ID, Intune and Exchange.
type DeviceRow struct {
	ID           string     `json:"id"`
	DeviceID     string     `json:"deviceId,omitempty"`
	Name         string     `json:"name"`
	Sources      []string   `json:"sources"` // registered | owned | intune | exchange
	System       string     `json:"operatingSystem,omitempty"`
	Model        string     `json:"model,omitempty"`
	SerialNumber string     `json:"serialNumber,omitempty"`
	Ownership    string     `json:"ownership,omitempty"` // company | personal | unknown
	Compliance   string     `json:"compliance,omitempty"`
	TrustType    string     `json:"trustType,omitempty"`
	Enabled      *bool      `json:"accountEnabled,omitempty"`
	Registered   *time.Time `json:"registeredDateTime,omitempty"`
	LastSeen     *time.Time `json:"lastSeenDateTime,omitempty"`
	// Detail is there where one device was asked for and Intune manages it.
	Detail *DeviceDetail `json:"detail,omitempty"`
}

// DeviceDetail is what Intune knows of one device besides.
type DeviceDetail struct {
	ManagedDeviceID string     `json:"managedDeviceId"`
	Manufacturer    string     `json:"manufacturer,omitempty"`
	Enrolled        *time.Time `json:"enrolledDateTime,omitempty"`
	Agent           string     `json:"managementAgent,omitempty"`
	Encrypted       *bool      `json:"isEncrypted"`
	JailBroken      string     `json:"jailBroken,omitempty"`
	PrimaryUser     string     `json:"primaryUser,omitempty"`
}

func (d DeviceRow) line() string {
	return fmt.Sprintf("device %s | %s | %s %s | %s | owner %s | %s | last seen %s | %s", q(d.Name), strings.Join(d.Sources, "+"), q(d.System), q(d.Model), ifText(d.SerialNumber, "serial "), orUnknown(d.Ownership), orUnknown(d.Compliance), date(d.LastSeen), d.ID)
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}

// ListUserDevicesOut is the answer of cipp_list_user_devices.
type ListUserDevicesOut struct {
	TenantID string      `json:"tenantId"`
	Tenant   string      `json:"tenant"`
	UserID   string      `json:"userId"`
	User     string      `json:"userPrincipalName"`
	Devices  []DeviceRow `json:"devices"`
	// ToReturn are the names of company-owned devices, which a leaver gives back.
	ToReturn    []string      `json:"toReturn"`
	Unavailable []Unavailable `json:"unavailable,omitempty"`
	Part
}

// Text lists the devices.
func (o *ListUserDevicesOut) Text() string {
	var l lines
	l.add("%s of %s in %s", count(o.rows(len(o.Devices)), "device", "devices"), o.User, o.Tenant)
	for _, d := range o.Devices {
		l.add("%s", d.line())
		if x := d.Detail; x != nil {
			l.add("  Intune %s | %s | enrolled %s by %s | encrypted %s | jailbroken %s | primary user %s", x.ManagedDeviceID, q(x.Manufacturer), date(x.Enrolled), x.Agent, yesNo(x.Encrypted), orUnknown(x.JailBroken), orUnknown(x.PrimaryUser))
		}
	}
	if len(o.ToReturn) > 0 {
		l.add("company-owned, to be returned by a leaver: %s", fencedList(o.ToReturn))
	}
	for _, u := range o.Unavailable {
		l.add("not read: %s: %s %s", u.Section, u.Reason, u.Next)
	}
	more(&l, o.Part, "deviceId")
	return l.String()
}

// Shrink drops the second half of the rows.
func (o *ListUserDevicesOut) Shrink() bool { return shrinkRows(&o.Devices, &o.Part) }

var listUserDevices = Read(Tool{
	Name: "cipp_list_user_devices", Title: "A user's devices", Toolset: "users", Aliases: userAliases,
	Description: "Lists a user's devices from Entra ID, Intune and Exchange as one list, with ownership (company devices to return) and compliance.",
	Needs:       Needs{App: []string{"User.Read.All", "Device.Read.All", "DeviceManagementManagedDevices.Read.All"}, AppRoles: []string{"Exchange Administrator"}, GDAPRoles: []string{"Global Reader", "Exchange Administrator"}},
	Example:     `{"tenantFilter":"contoso.onmicrosoft.com","userId":"anna@contoso.com"}`,
}, func(ctx context.Context, c *Call, in ListUserDevicesIn) (ListUserDevicesOut, error) {
	out := ListUserDevicesOut{TenantID: c.Tenant.ID, Tenant: c.Tenant.DefaultDomain, UserID: c.User.ID, User: c.User.UserPrincipalName}
	rows, missing := deviceRows(ctx, c)
	out.Unavailable, out.ToReturn = missing, []string{}
	if in.DeviceID != "" {
		rows = slices.DeleteFunc(rows, func(r DeviceRow) bool {
			return !strings.EqualFold(r.ID, in.DeviceID) && !strings.EqualFold(r.DeviceID, in.DeviceID) && !strings.EqualFold(r.Name, in.DeviceID)
		})
		if len(rows) == 0 && len(missing) == 0 {
			return out, &Problem{Code: "not_found", Message: fmt.Sprintf("%s has no device %q.", c.User.UserPrincipalName, Clean(in.DeviceID, 80)), Next: "Call without deviceId for all of the user's devices."}
		}
	}
	for i := range rows {
		if rows[i].Ownership == "company" {
			out.ToReturn = append(out.ToReturn, rows[i].Name)
		}
		if in.DeviceID == "" {
			rows[i].Detail = nil
		} else if d := rows[i].Detail; d != nil {
			if u, err := c.Graph.PrimaryUser(ctx, c.Tenant.ID, d.ManagedDeviceID); err == nil && u != nil {
				d.PrimaryUser = u.UserPrincipalName
			}
		}
	}
	var err error
	out.Devices, out.Part, err = slicePage(c, "cipp_list_user_devices", rows, in.PageArgs)
	return out, err
})

// deviceRows reads the four lists at once and joins what is one device. A list that cannot be read is
// named; without Intune or a mailbox the others still count.
func deviceRows(ctx context.Context, c *Call) ([]DeviceRow, []Unavailable) {
	var registered, owned []graphclient.Device
	var managed []graphclient.ManagedDevice
	var mobile []graphclient.MobileDevice
	var missing []Unavailable
	s := newSections(&missing)
	tid, id := c.Tenant.ID, c.User.ID
	s.run(true, "registered", func() (err error) {
		registered, err = c.Graph.RegisteredDevices(ctx, tid, id)
		return err
	})
	s.run(true, "owned", func() (err error) {
		owned, err = c.Graph.OwnedDevices(ctx, tid, id)
		return err
	})
	s.run(true, "intune", func() (err error) {
		managed, err = c.Graph.ManagedDevices(ctx, tid, id)
		return err
	})
	s.run(true, "exchange", func() (err error) {
		mobile, err = c.Graph.MobileDevices(ctx, tid, c.Mailbox())
		if graphclient.KindOf(err) == graphclient.NoMailbox {
			return nil
		}
		return err
	})
	s.wait()
	rows := []DeviceRow{}
	index := map[string]int{}
	entra := func(list []graphclient.Device, source string) {
		for _, d := range list {
			if i, ok := index[d.ID]; ok {
				rows[i].Sources = append(rows[i].Sources, source)
				continue
			}
			index[d.ID], index[d.DeviceID] = len(rows), len(rows)
			rows = append(rows, DeviceRow{ID: d.ID, DeviceID: d.DeviceID, Name: d.DisplayName, Sources: []string{source}, System: strings.TrimSpace(d.OperatingSystem + " " + d.OperatingSystemVersion), Model: d.Model, TrustType: d.TrustType, Enabled: d.AccountEnabled, Registered: d.RegistrationDateTime, LastSeen: d.ApproximateLastSignInDateTime})
		}
	}
	entra(registered, "registered")
	entra(owned, "owned")
	for _, m := range managed {
		i, ok := index[m.AzureADDeviceID]
		if !ok || m.AzureADDeviceID == "" {
			i = len(rows)
			rows = append(rows, DeviceRow{ID: m.ID, DeviceID: m.AzureADDeviceID, Name: m.DeviceName, System: strings.TrimSpace(m.OperatingSystem + " " + m.OSVersion)})
		}
		r := &rows[i]
		r.Sources = append(r.Sources, "intune")
		r.Model, r.SerialNumber, r.Ownership, r.Compliance, r.LastSeen = m.Model, m.SerialNumber, m.ManagedDeviceOwnerType, m.ComplianceState, m.LastSyncDateTime
		r.Detail = &DeviceDetail{ManagedDeviceID: m.ID, Manufacturer: m.Manufacturer, Enrolled: m.EnrolledDateTime, Agent: m.ManagementAgent, Encrypted: m.IsEncrypted, JailBroken: m.JailBroken}
	}
	for _, m := range mobile {
		rows = append(rows, DeviceRow{ID: m.GUID, DeviceID: m.DeviceID, Name: strings.TrimSpace(m.FriendlyName + " " + m.DeviceModel), Sources: []string{"exchange"}, System: m.DeviceOS, Model: m.DeviceModel, Compliance: m.DeviceAccessState, Registered: m.FirstSyncTime, LastSeen: m.WhenChanged})
	}
	return rows, missing
}
