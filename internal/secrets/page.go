package secrets

import (
	"bytes"
	"crypto/sha256"
	"html/template"
	"io"
	"log"
	"net/http"
	"strings"
	"sync"
)

// quiet: what a server would log of its connections is of no use, and may name the page.
var quiet = log.New(io.Discard, "", 0)

// The page asks before it shows, so that a preview of the address by a chat program or a scanner does
// not use up the one view.
var (
	askPage = framed("ask", `<h1>A password waits</h1>
<p>It is shown once. Make sure that nobody else sees this screen.</p>
<form method="post"><button autofocus>Show it</button></form>`)
	secretPage = framed("secret", `{{range .}}<h1>{{.Kind}} for {{.For}}</h1>
<pre>{{.Secret}}</pre>
{{end}}<p>This was the only view. Close this page when you have noted it.</p>`)
	gonePage = framed("gone", `<h1>Nothing to see here</h1>
<p>The address is wrong, what was here has been seen, or ten minutes have passed. What nobody has seen still waits at the terminal: cipp-mcp secrets list.</p>`)
)

// framed is a page with that body, parsed when it is first shown.
func framed(name, body string) func() *template.Template {
	return sync.OnceValue(func() *template.Template { return template.Must(template.New(name).Parse(frame(body))) })
}

func frame(body string) string {
	return `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="robots" content="noindex"><title>cipp-mcp</title></head><body>` + body + `</body></html>`
}

type shown struct{ Kind, For, Secret string }

// handler answers for one listener. Only requests that name it as it is count: another name that was
// made to point at this machine (DNS rebinding) is refused.
func (l *link) handler(host string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		if r.Host != host {
			http.Error(w, "this is not the host you asked for", http.StatusMisdirectedRequest)
			return
		}
		p := l.page(strings.TrimPrefix(r.URL.Path, "/"))
		switch {
		case p == nil:
			_ = render(w, http.StatusNotFound, gonePage(), nil)
		case r.Method == http.MethodPost:
			l.show(w, p)
		case r.Method == http.MethodGet || r.Method == http.MethodHead:
			_ = render(w, http.StatusOK, askPage(), nil)
		default:
			h.Set("Allow", "GET, HEAD, POST")
			http.Error(w, "only GET and POST", http.StatusMethodNotAllowed)
		}
	})
}

func (l *link) page(token string) *page {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.pages[sha256.Sum256([]byte(token))]
	if p == nil || l.Store.clock.Now().After(p.until) {
		return nil
	}
	return p
}

// show gives the secrets away. They are removed only when the answer is on its way: a connection that
// breaks before loses nothing.
func (l *link) show(w http.ResponseWriter, p *page) {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := l.left(p)
	if len(list) == 0 {
		_ = render(w, http.StatusNotFound, gonePage(), nil)
		return
	}
	if err := render(w, http.StatusOK, secretPage(), list); err != nil {
		return
	}
	p.used = true
	close(p.seen)
	for _, h := range p.handles {
		l.Store.Discard(h)
		l.forget(h)
	}
}

// left is what a page still has to show: what somebody revealed at the terminal meanwhile is gone.
func (l *link) left(p *page) (out []shown) {
	if p.used {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, h := range p.handles {
		if w := l.waiting[h]; w != nil && l.Store.Waits(h) {
			out = append(out, shown{w.Kind, w.For, w.secret})
		}
	}
	return out
}

// render writes a whole page to the connection, or says that it could not.
func render(w http.ResponseWriter, status int, t *template.Template, data any) error {
	var b bytes.Buffer
	if err := t.Execute(&b, data); err != nil {
		return err
	}
	w.WriteHeader(status)
	if _, err := w.Write(b.Bytes()); err != nil {
		return err
	}
	return http.NewResponseController(w).Flush()
}
