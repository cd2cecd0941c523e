// Package pgtest gives tests a real PostgreSQL of their own: made in a directory for the purpose, on a
// free port of this machine, and gone when the test binary is, however that ends.
package pgtest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"cipp-mcp/internal/clock"
)

// ErrNone says that this machine has no PostgreSQL to start.
var ErrNone = errors.New("no PostgreSQL here: neither on PATH nor under /usr/lib/postgresql is there an initdb beside a postgres")

// Server is one PostgreSQL.
type Server struct {
	port    int
	in      io.WriteCloser
	out     *bufio.Reader
	keeper  *exec.Cmd
	schemas atomic.Int64
}

// keeper starts the server and ends it, by its own pid, when told so or when nobody is left to tell.
const keeper = `
bin=$1 dir=$2 port=$3; shift 3
start() {
	"$bin/postgres" -D "$dir/data" -p "$port" -h 127.0.0.1 -c unix_socket_directories= "$@" >>"$dir/log" 2>&1 </dev/null &
	pid=$!
}
start "$@"
while read -r word; do
	case $word in
	crash) kill -QUIT $pid; wait $pid; echo crashed ;;
	start) start "$@"; echo started ;;
	esac
done
kill -INT $pid 2>/dev/null; wait $pid
rm -rf "$dir"`

// Start makes a server and waits until it answers. fsync is off unless settings say otherwise: the
// tests kill processes, not the machine.
func Start(ctx context.Context, settings ...string) (*Server, error) {
	return StartIn(ctx, "", settings...)
}

// StartIn is Start with the server's directory below another, "" for the usual temporary one.
func StartIn(ctx context.Context, parent string, settings ...string) (*Server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(parent, "pgtest-")
	if err != nil {
		return nil, err
	}
	s, err := start(ctx, bin, dir, settings)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start PostgreSQL in %s: %w", dir, err), os.RemoveAll(dir))
	}
	return s, nil
}

// binaries is the directory of initdb and postgres.
func binaries() (string, error) {
	dirs := filepath.SplitList(os.Getenv("PATH"))
	packaged, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // the pattern is well-formed
	for i := range packaged {
		dirs = append(dirs, packaged[len(packaged)-1-i]) // the newest first
	}
	for _, d := range dirs {
		_, ierr := os.Stat(filepath.Join(d, "initdb"))
		_, perr := os.Stat(filepath.Join(d, "postgres"))
		if ierr == nil && perr == nil {
			return d, nil
		}
	}
	return "", ErrNone
}

func start(ctx context.Context, bin, dir string, settings []string) (*Server, error) {
	attributes, err := unprivileged(dir)
	if err != nil {
		return nil, err
	}
	command := func(name string, args ...string) *exec.Cmd {
		c := exec.Command(name, args...)
		c.Dir, c.Env = dir, []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "HOME=" + dir}
		c.SysProcAttr = attributes
		return c
	}
	out, err := command(filepath.Join(bin, "initdb"), "-D", filepath.Join(dir, "data"), "-U", "test", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, out)
	}
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	args := []string{"-c", keeper, "keeper", bin, dir, strconv.Itoa(port)}
	for _, set := range append([]string{"fsync=off", "max_connections=200", "shared_buffers=64MB"}, settings...) {
		args = append(args, "-c", set)
	}
	s := &Server{port: port, keeper: command("sh", args...)}
	in, ierr := s.keeper.StdinPipe()
	stdout, oerr := s.keeper.StdoutPipe()
	if err := errors.Join(ierr, oerr); err != nil {
		return nil, err
	}
	s.in, s.out = in, bufio.NewReader(stdout)
	if err := s.keeper.Start(); err != nil {
		return nil, err
	}
	if err := s.answers(ctx); err != nil {
		log, _ := os.ReadFile(filepath.Join(dir, "log")) // the error without it says enough
		return nil, errors.Join(err, errors.New(string(log)), s.Stop())
	}
	return s, nil
}

func freePort(ctx context.Context) (int, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

// answers waits until the server takes connections.
func (s *Server) answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		c, err := pgx.Connect(ctx, s.url("public"))
		if err == nil {
			return c.Close(ctx)
		}
		if serr := (clock.System{}).Sleep(ctx, 10*time.Millisecond); serr != nil {
			return err
		}
	}
}

func (s *Server) url(schema string) string {
	u := url.URL{Scheme: "postgres", User: url.User("test"), Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)), Path: "/postgres",
		RawQuery: url.Values{"search_path": {schema}, "sslmode": {"disable"}}.Encode()}
	return u.String()
}

// Schema makes a new schema and returns the URL that leads to it.
func (s *Server) Schema(ctx context.Context) (string, error) {
	name := fmt.Sprintf("t%d", s.schemas.Add(1))
	c, err := pgx.Connect(ctx, s.url("public"))
	if err != nil {
		return "", err
	}
	_, err = c.Exec(ctx, "CREATE SCHEMA "+name)
	return s.url(name), errors.Join(err, c.Close(ctx))
}

func (s *Server) tell(word, want string) error {
	if _, err := io.WriteString(s.in, word+"\n"); err != nil {
		return err
	}
	if said, err := s.out.ReadString('\n'); err != nil || strings.TrimSpace(said) != want {
		return fmt.Errorf("the server's keeper said %q to %s: %w", said, word, err)
	}
	return nil
}

// Crash ends the server as pg_ctl stop -m immediate does.
func (s *Server) Crash() error { return s.tell("crash", "crashed") }

// Restart starts the server again after a Crash, and waits until it answers.
func (s *Server) Restart(ctx context.Context) error {
	return errors.Join(s.tell("start", "started"), s.answers(ctx))
}

// Stop ends the server and removes what it left.
func (s *Server) Stop() error { return errors.Join(s.in.Close(), s.keeper.Wait()) }
