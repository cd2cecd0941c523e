package secrets

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
)

// reason says in a word why a connection failed; the error's own text is long and holds addresses.
func reason(err error) string {
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	var dns *net.DNSError
	var timeout interface{ Timeout() bool }
	switch {
	case errors.As(err, &unknown), errors.As(err, &host), errors.As(err, &invalid):
		return "its certificate is not trusted"
	case errors.As(err, &record):
		return "it does not speak TLS"
	case errors.As(err, &dns):
		return "its name is not known"
	case errors.Is(err, context.Canceled):
		return "the call was given up"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "it took too long"
	default:
		return "the connection failed"
	}
}
