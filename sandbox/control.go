package sandbox

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// control answers the paths that steer the sandbox. They exist only where Options.Control says so, and
// only for a client on the same machine.
func (s *Server) control(w http.ResponseWriter, r *http.Request) {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if ip := net.ParseIP(host); !s.options.Control || err != nil || ip == nil || !ip.IsLoopback() {
		http.NotFound(w, r)
		return
	}
	switch r.Method + " " + strings.TrimPrefix(r.URL.Path, "/_sandbox/") {
	case "GET state":
		out, err := s.State()
		if err != nil {
			controlError(w, http.StatusInternalServerError, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(out)
	case "GET clock":
		s.clock(w)
	case "POST clock":
		s.setClock(w, r)
	case "POST reset":
		if err := s.Reset(); err != nil {
			controlError(w, http.StatusInternalServerError, err)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	case "GET metrics":
		controlReply(w, http.StatusOK, s.Metrics())
	case "GET faults":
		controlReply(w, http.StatusOK, map[string]int{"hits": s.FaultsHit()})
	case "POST faults":
		text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 8<<20))
		if err == nil {
			err = s.SetFaults(text)
		}
		if err != nil {
			controlError(w, http.StatusBadRequest, err)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	case "GET pushes":
		controlReply(w, http.StatusOK, s.Pushes())
	case "GET unknown":
		controlReply(w, http.StatusOK, map[string]any{"unknown": s.Unknown()})
	default:
		http.NotFound(w, r)
	}
}

func (s *Server) clock(w http.ResponseWriter) {
	controlReply(w, http.StatusOK, map[string]any{"now": s.Now().Format(time.RFC3339Nano), "frozen": s.cloud.Clock.Frozen()})
}

func (s *Server) setClock(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Advance string `json:"advance"`
		Set     string `json:"set"`
		Frozen  *bool  `json:"frozen"`
	}
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		controlError(w, http.StatusBadRequest, err)
		return
	}
	now, frozen := s.Now(), s.cloud.Clock.Frozen()
	if in.Set != "" {
		t, err := time.Parse(time.RFC3339, in.Set)
		if err != nil {
			controlError(w, http.StatusBadRequest, err)
			return
		}
		now = t
	}
	if in.Advance != "" {
		d, err := time.ParseDuration(in.Advance)
		if err != nil {
			controlError(w, http.StatusBadRequest, err)
			return
		}
		now = now.Add(d)
	}
	if in.Frozen != nil {
		frozen = *in.Frozen
	}
	s.cloud.Clock.Set(now, frozen)
	s.clock(w)
}

func controlReply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client may be gone
}

func controlError(w http.ResponseWriter, status int, err error) {
	controlReply(w, status, map[string]string{"error": err.Error()})
}
