package sandbox

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

// Many clients at once, on a running clock, while the cloud is saved: what each of them is told holds
// together, and nothing is lost.
func TestConcurrentUse(t *testing.T) {
	x := start(t, Options{State: testState(t), Clock: "2026-03-12T15:00:00Z"})
	if err := x.s.SetFaults([]byte(`[{"match":{"service":"graph","method":"PATCH"},"do":{"lag":"1ms"}}]`)); err != nil {
		t.Fatal(err)
	}
	tok := x.token(contoso, false, graphScope).body["access_token"].(string)
	const workers, rounds = 8, 12
	var wg sync.WaitGroup
	failures := make(chan string, workers*rounds*8)
	for w := range workers {
		wg.Go(func() {
			for i := range rounds {
				name := fmt.Sprintf("w%dr%d", w, i)
				made := x.send("POST", "/v1.0/users", tok, with(newUser, obj{"userPrincipalName": name + "@contoso.com", "mailNickName": "-", "mailNickname": name, "usageLocation": "GB"}))
				id, _ := made.body["id"].(string)
				for _, a := range []answer{
					made,
					x.send("PATCH", "/v1.0/users/"+id, tok, obj{"jobTitle": name}),
					x.send("POST", "/v1.0/groups/"+secGroup+"/members/$ref", tok, ref(id)),
					x.send("GET", "/v1.0/users?$top=999&$select=id,displayName,assignedLicenses", tok, nil),
					x.send("GET", "/v1.0/users/"+id+"/memberOf", tok, nil),
					x.send("GET", "/v1.0/auditLogs/directoryAudits?$top=5", tok, nil),
					x.send("DELETE", "/v1.0/users/"+id, tok, nil),
				} {
					if a.status >= 300 {
						failures <- a.raw
					}
				}
				if _, err := x.s.State(); err != nil {
					failures <- err.Error()
				}
				x.s.Advance(time.Second)
			}
		})
	}
	wg.Wait()
	close(failures)
	for f := range failures {
		t.Error(f)
	}
	if n := len(x.as(contoso, "GET", "/groups/"+secGroup+"/members", nil).rows()); n != 1 {
		t.Error("members left", n)
	}
	if n := len(x.as(contoso, "GET", "/directory/deletedItems/microsoft.graph.user?$top=999", nil).rows()); n != workers*rounds {
		t.Error("deleted users", n)
	}
}
