package graphclient

// service is one of the three services this package talks to.
type service string

const (
	graphService    service = "graph"
	exchangeService service = "exchange"
	signinService   service = "signin"
)
