package judge

import (
	"net/url"
	"slices"
	"strings"

	"cipp-mcp/workflows/bec"
)

// linkSteps proposes to take away, by their ids, the rights that acts of sharing gave. What others may do with the same
// file by an older right is left to them, and so is a file of the same name elsewhere.
func (q *inquiry) linkSteps(f *finding, acts []*event) {
	for _, r := range q.state["driveItemPermission"] {
		if slices.Contains(f.refs, r.ref()) || slices.Contains(r.o.list("roles"), "owner") || !slices.ContainsFunc(acts, func(e *event) bool { return sharedFile(r, e.target) && madeBy(r, e) }) {
			continue
		}
		id := r.o.str("id")
		parent := r.o.obj("item")
		if i := r.o.str("itemId"); i != "" {
			id = i + "|" + id
		} else if i := parent.str("id"); i != "" {
			id = i + "|" + id
		}
		f.refs = append(f.refs, r.ref())
		f.alive = true
		f.Status = "active"
		f.Remediation = append(f.Remediation, bec.Remediation{Action: "removeSharingLink", TargetID: id, Reversible: true, NeedsApproval: true})
	}
}

// sharedFile tells whether a right is on the file or folder that an audit record names by its address. Where the way to it
// is known the whole of it has to fit, else its name.
func sharedFile(r *row, target string) bool {
	if at, err := url.PathUnescape(target); err == nil {
		target = at
	}
	target = strings.TrimSuffix(target, "/")
	if p := r.o.str("itemPath"); p != "" {
		return len(target) > len(p) && strings.EqualFold(target[len(target)-len(p):], p) && target[len(target)-len(p)-1] == '/' && !deeper(target, p)
	}
	name := r.o.str("itemName", "name", "webUrl")
	if name == "" {
		item := r.o.obj("item")
		name = item.str("name", "webUrl")
	}
	return name != "" && strings.EqualFold(tail(name), tail(target))
}

// deeper tells whether an address of a OneDrive has more folders above a path than the library itself.
func deeper(target, path string) bool {
	above := target[:len(target)-len(path)-1]
	if i := strings.Index(strings.ToLower(above), "/personal/"); i >= 0 {
		return strings.Count(above[i+len("/personal/"):], "/") > 1
	}
	return false // another kind of address: the end of it has to do
}

// madeBy tells whether an act of sharing can have given a right: an anonymous link is made by no invitation, and a right of
// one person by none of another. Where the evidence does not say what a right is, it may have been.
func madeBy(r *row, e *event) bool {
	link := r.o.obj("link")
	to := strings.TrimPrefix(strings.ToLower(e.params["targetuserorgroupname"]), "i:0#.f|membership|")
	switch scope := link.lower("scope"); {
	case scope == "anonymous":
		return strings.HasPrefix(e.op, "AnonymousLink")
	case scope == "organization":
		return e.op == "CompanyLinkCreated"
	case scope != "":
		return e.op == "SecureLinkCreated" || e.op == "AddedToSecureLink" || e.op == "SharingSet" || e.op == "SharingInvitationCreated"
	}
	v2, invitation := r.o.obj("grantedToV2"), r.o.obj("invitation")
	who := []string{invitation.str("email")}
	for _, kind := range []string{"user", "siteUser"} {
		u := v2.obj(kind)
		who = append(who, u.str("email"), u.str("userPrincipalName"), strings.TrimPrefix(u.lower("loginName"), "i:0#.f|membership|"))
	}
	if who = slices.DeleteFunc(who, func(s string) bool { return s == "" }); len(who) > 0 {
		return slices.ContainsFunc(who, func(s string) bool { return same(s, to) })
	}
	return len(v2.keys) == 0 && len(invitation.keys) == 0
}
