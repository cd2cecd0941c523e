package graphclient

// service is one of the services this package talks to.
type service string

const (
	graphService      service = "graph"
	exchangeService   service = "exchange"
	sharePointService service = "sharepoint"
	signinService     service = "signin"
)

// name is the service as people know it.
func (s service) name() string {
	switch s {
	case exchangeService:
		return "Exchange Online"
	case signinService:
		return "Microsoft's sign-in service"
	case sharePointService:
		return "SharePoint"
	case graphService:
	}
	return "Microsoft Graph"
}
