package main

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

//go:embed otp/bench_otp.erl
var erlang []byte

// burst is how many crashes OTP is given in a row. It keeps each restart of its
// period in a list, which it goes through at each restart: a long row would
// measure that.
const burst = 100

// otp is the peer in Erlang.
type otp struct{ dir, release string }

// newOTP compiles the peer, if Erlang is installed.
func newOTP() (*otp, error) {
	for _, tool := range []string{"erl", "erlc"} {
		if _, err := exec.LookPath(tool); err != nil {
			return &otp{}, nil
		}
	}
	dir, err := os.MkdirTemp("", "bench-otp")
	if err != nil {
		return nil, err
	}
	o := &otp{dir: dir}
	if err := o.compile(); err != nil {
		o.remove()
		return nil, err
	}
	return o, nil
}

func (o *otp) compile() error {
	source := filepath.Join(o.dir, "bench_otp.erl")
	if err := os.WriteFile(source, erlang, 0o600); err != nil {
		return err
	}
	if out, err := exec.Command("erlc", "-o", o.dir, source).CombinedOutput(); err != nil {
		return fmt.Errorf("erlc: %w: %s", err, out)
	}
	release, err := exec.Command("erl", "-noshell", "-noinput", "-eval", "io:put_chars(erlang:system_info(otp_release)), halt().").Output()
	o.release = strings.TrimSpace(string(release))
	return err
}

func (o *otp) there() bool { return o.dir != "" }

func (o *otp) remove() {
	if o.there() {
		_ = os.RemoveAll(o.dir)
	}
}

func (o *otp) String() string {
	if !o.there() {
		return "OTP is left out, erl and erlc are not installed"
	}
	return "OTP " + o.release
}

// command is the process of one measurement.
func (o *otp) command(ctx context.Context, m measurement) *exec.Cmd {
	crashes := map[string]int{"restart": burst, "all": groupCrashes, "million": manyCrashes}[m.Topic]
	args := []string{"+P", "4000000", "-noshell", "-noinput", "-pa", o.dir, "-run", "bench_otp", "main", m.Topic, strconv.Itoa(m.N), strconv.Itoa(crashes)}
	return exec.CommandContext(ctx, "erl", append(args, m.Labels...)...)
}
