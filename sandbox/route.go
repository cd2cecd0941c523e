package sandbox

import (
	"net/http"
	"strings"

	"cipp-mcp/sandbox/pusher"
	"cipp-mcp/sandbox/sharepoint"
	"cipp-mcp/sandbox/signin"
)

// handler is everything the sandbox answers. Control paths and what is no service of Microsoft's stay
// outside of what is counted, recorded and spoilt.
func (s *Server) handler() http.Handler {
	services := s.wire.around(s.route())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/_sandbox/"):
			s.control(w, r)
		case strings.HasPrefix(r.URL.Path, pusher.Prefix+"/"):
			s.pusher.ServeHTTP(w, r)
		case r.URL.Path == signin.DevicePage: // what a person does in a browser is no client's request
			s.signin.ServeDevicePage(w, r)
		default:
			services.ServeHTTP(w, r)
		}
	})
}

// route sends a request to its service by the path: the real services live on hosts of their own, and their
// paths do not overlap.
func (s *Server) route() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch p := r.URL.Path; {
		case strings.HasPrefix(p, "/v1.0/"), strings.HasPrefix(p, "/beta/"):
			s.graph.ServeHTTP(w, r)
		case strings.HasPrefix(p, "/adminapi/"):
			s.exchange.ServeHTTP(w, r)
		case strings.EqualFold(p, sharepoint.Path), sharepoint.IsREST(p):
			s.sharepoint.ServeHTTP(w, r)
		case signin.Handles(p):
			s.signin.ServeHTTP(w, r)
		default:
			s.noteUnknown(r.Method, p)
			http.NotFound(w, r)
		}
	})
}
