//go:build linux

package worker

import (
	"os"
	"os/user"
	"strings"
	"testing"
)

func TestInherit(t *testing.T) {
	t.Setenv("SECRET", "x")
	t.Setenv("LC_TIME", "C")
	t.Setenv("NOTIFY_SOCKET", "/host's")
	t.Setenv("COPPICE_CGROUP", os.Getenv("COPPICE_CGROUP"))
	for _, tt := range []struct {
		inherit Inherit
		want    string
	}{
		{InheritAll, "x,C,,b"},
		{InheritSafe, ",C,,b"},
		{InheritNone, ",,,b"},
	} {
		c := Shell("echo $SECRET,$LC_TIME,$NOTIFY_SOCKET,$A")
		c.Inherit, c.Env = tt.inherit, []string{"A=a", "A=b"}
		r, err := Exec(t.Context(), c)
		if got := strings.TrimSpace(string(r.Stdout)); err != nil || got != tt.want {
			t.Errorf("%v: %q, want %q, %v", tt.inherit, got, tt.want, err)
		}
	}
}

// The program is started through the shim, or by credentials alone, and is all
// the same a child like any other.
func TestIdentity(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root may become another user")
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Skip(err)
	}
	for _, tt := range []struct {
		name string
		id   Identity
		want string
	}{
		{"user", Identity{User: "nobody"}, nobody.Uid + " " + nobody.Gid + " 0022"},
		{"user and mask", Identity{User: nobody.Uid, Group: "0", Umask: new(0o27)}, nobody.Uid + " 0 0027"},
		{"home", Identity{User: nobody.Uid}, "nobody nobody " + nobody.HomeDir},
		{"limit", Identity{Rlimits: []Rlimit{{"nofile", 77, 88}}}, "77"},
		{"nice", Identity{Nice: new(7), NoNewPrivs: true}, "7 1"},
	} {
		script := map[string]string{
			"home":  "echo $USER $LOGNAME $HOME",
			"limit": "ulimit -n",
			"nice":  "echo $(nice) $(sed -n 's/NoNewPrivs:.//p' /proc/self/status)",
		}[tt.name]
		if script == "" {
			script = "echo $(id -u) $(id -g) $(umask)"
		}
		c := Shell("umask 0022; " + script)
		if tt.id.Umask != nil {
			c = Shell(script)
		}
		c.Identity = tt.id
		r, err := Exec(t.Context(), c)
		if got := strings.TrimSpace(string(r.Stdout)); err != nil || got != tt.want {
			t.Errorf("%s: %q, want %q, %v %s", tt.name, got, tt.want, err, r.Stderr)
		}
	}

	// Readiness reaches the host from another user, too.
	r := start(t, with(self("tell", "READY=1"), func(c *Command) {
		c.Ready, c.Identity = Notify{}, Identity{User: "nobody", Umask: new(0o77)}
	}))
	r.stop()
	_ = r.end()
}

func TestIdentityErrors(t *testing.T) {
	for _, tt := range []struct {
		id   Identity
		want string
	}{
		{Identity{User: "no such user"}, "Identity: "},
		{Identity{Nice: new(20)}, "niceness 20: give -20 to 19"},
		{Identity{Rlimits: []Rlimit{{"beer", 1, 1}}}, "beer"},
	} {
		_, err := Command{Path: "true", Identity: tt.id}.Process()
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v", tt.id, err)
		}
	}
	before := openFiles(t)
	c := self("exit", 0)
	c.Path, c.Identity = "/no/such/program", Identity{Umask: new(0)}
	p, err := c.Process()
	if err != nil {
		t.Fatal(err)
	}
	err = p.Init(quiet())
	if want := "cannot start /no/such/program: there is no file /no/such/program: correct Path (no such file or directory)"; err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
	if now := openFiles(t); now != before {
		t.Errorf("%d open files, before %d", now, before)
	}
}
