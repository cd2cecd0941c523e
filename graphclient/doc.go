// Package graphclient is the only code of the project that talks to Microsoft: to Microsoft Graph, to
// Exchange Online's cmdlet endpoint and to the sign-in service.
//
// One Client serves every tenant. Each method names the tenant by its id, which is sent along as part of
// the call, never kept; lists are decoded into lean structs that carry Microsoft's own property names.
// Every failure is an *Error with a Kind from a closed list, so that callers decide by kind and never by
// text. A write whose answer was lost is returned with Ambiguous set and is never sent again unless its
// caller said, by Repeatable, that sending it twice does no harm.
package graphclient
