package workflows

import (
	"context"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

// Sealer puts a generated password where no model sees it, and takes it away again when Microsoft
// refused it.
type Sealer interface {
	// Seal keeps the secret for whom and returns its handle.
	Seal(ctx context.Context, kind, whom, secret string) (handle string, err error)
	Discard(ctx context.Context, handle string)
	// Ready says why nothing could be sealed now.
	Ready() error
	// Generate makes a password.
	Generate() (string, error)
}

// SecretHandle is where a run keeps the handle of the secret it sealed.
const SecretHandle = "secretHandle"

// SecretHandles is where a run keeps the handles of secrets that hold the passwords of many.
const SecretHandles = "secretHandles"

// SecretStep is where a run keeps the name of the step that sets that secret.
const SecretStep = "secretStep"

// secret is a password on its way to Microsoft.
type secret struct {
	sealer   Sealer
	password string
	handle   string // "" where the caller chose the password
	earlier  string // handle of what an earlier attempt sent, of which nobody knew whether it came into force
}

// newSecret is the password to set. One that is generated is sealed, and its handle is in the ledger, before
// Microsoft is called, so that it can neither be lost nor seen.
func newSecret(ctx context.Context, s Sealer, step, given, whom string, run *jobs.Run) (*secret, error) {
	if given != "" {
		return &secret{password: given}, nil
	}
	n := &secret{sealer: s}
	run.Get(SecretHandle, &n.earlier)
	var err error
	if n.password, err = s.Generate(); err != nil {
		return nil, err
	}
	if n.handle, err = s.Seal(ctx, "password", whom, n.password); err != nil {
		return nil, err
	}
	if err := run.Put(SecretStep, step); err != nil {
		return nil, err
	}
	return n, run.Keep(ctx, SecretHandle, n.handle)
}

// settle keeps, after the call, only what may be in force: a password that Microsoft refused is not, and one
// that it took replaces what was sent before.
func (n *secret) settle(ctx context.Context, run *jobs.Run, err error) error {
	switch {
	case n.handle == "" || graphclient.IsAmbiguous(err):
		return nil
	case err == nil:
		if n.earlier != "" {
			n.sealer.Discard(ctx, n.earlier)
		}
		return nil
	default:
		n.sealer.Discard(ctx, n.handle)
		return run.Put(SecretHandle, n.earlier)
	}
}
