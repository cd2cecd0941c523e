package sandbox

import (
	"compress/gzip"
	"net/http"
	"strings"

	"cipp-mcp/sandbox/signin"
)

// handler is everything the sandbox answers, from the outside in: bodies are unpacked first, so that what
// comes behind sees plain text.
func (s *Server) handler() http.Handler {
	return unpack(s.route())
}

// route sends a request to its service by the path: the real services live on hosts of their own, and
// their paths do not overlap.
func (s *Server) route() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch p := r.URL.Path; {
		case strings.HasPrefix(p, "/_sandbox/"):
			s.control(w, r)
		case strings.HasPrefix(p, "/v1.0/"), strings.HasPrefix(p, "/beta/"):
			s.graph.ServeHTTP(w, r)
		case signin.Handles(p):
			s.signin.ServeHTTP(w, r)
		default:
			s.noteUnknown(r.Method, p)
			http.NotFound(w, r)
		}
	})
}

// unpack decodes request bodies that come with Content-Encoding: gzip.
func unpack(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch enc := strings.ToLower(r.Header.Get("Content-Encoding")); enc {
		case "", "identity":
		case "gzip":
			z, err := gzip.NewReader(r.Body)
			if err != nil {
				http.Error(w, "the body is no gzip stream", http.StatusBadRequest)
				return
			}
			r.Body = http.MaxBytesReader(w, z, 64<<20)
			r.Header.Del("Content-Encoding")
			r.ContentLength = -1
		default:
			http.Error(w, "unsupported Content-Encoding: "+enc, http.StatusUnsupportedMediaType)
			return
		}
		next.ServeHTTP(w, r)
	})
}
