package cgroup

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Limits bound what a group, with all groups below it, may use of the machine. A
// zero is no limit. They need the controllers of the same names in cgroup v2,
// and a parent that may hand these on: see [Parent.Check].
type Limits struct {
	Memory int64   // bytes, rounded down to whole pages: memory.max; swap is not counted
	CPU    float64 // cores, 0.01 or more: cpu.max, with a period of 100 ms
	PIDs   int     // processes and threads: pids.max
}

// setting is one limit in the kernel's words.
type setting struct{ controller, file, value string }

func (l Limits) settings() ([]setting, error) {
	const period = 100_000 // microseconds; a quota is at least 1 ms
	var s []setting
	switch {
	case l.Memory < 0:
		return nil, fmt.Errorf("memory limit of %d bytes: it must be positive, or 0 for none", l.Memory)
	case l.Memory > 0:
		s = append(s, setting{"memory", "memory.max", strconv.FormatInt(l.Memory, 10)})
	}
	switch {
	case l.CPU == 0:
	case l.CPU >= 0.01 && l.CPU <= 1e6: // NaN is neither
		s = append(s, setting{"cpu", "cpu.max", fmt.Sprintf("%d %d", int64(l.CPU*period+0.5), period)})
	default:
		return nil, fmt.Errorf("CPU limit of %v cores: it must be 0.01 to 1000000, or 0 for none", l.CPU)
	}
	switch {
	case l.PIDs < 0:
		return nil, fmt.Errorf("limit of %d processes: it must be positive, or 0 for none", l.PIDs)
	case l.PIDs > 0:
		s = append(s, setting{"pids", "pids.max", strconv.Itoa(l.PIDs)})
	}
	return s, nil
}

// apply writes the settings of a group.
func apply(dir string, settings []setting) error {
	for _, s := range settings {
		if err := write(dir+"/"+s.file, s.value); err != nil {
			return fmt.Errorf("limit %s to %s: %w", s.file, s.value, err)
		}
	}
	return nil
}

// delegateHint is how systemd (254 or later) makes a cgroup that can be used
// with limits: the service's own processes are in a subgroup of it.
const delegateHint = "systemd-run --user --pty -p Delegate=yes -p DelegateSubgroup=supervisor PROGRAM; in a unit Delegate=yes and DelegateSubgroup=supervisor"

// Check finds out, without making anything, whether groups can have these
// limits. The error names the controllers that are missing and what to do. It wraps
// [errors.ErrUnsupported] if the machine does not offer them, [unix.EBUSY] if
// processes in the parent are in the way: the kernel hands controllers only to
// the children of cgroups without processes, the root excepted (cgroups(7), no
// internal processes). No process is moved for that.
func (p *Parent) Check(l Limits) error {
	settings, err := l.settings()
	if err != nil {
		return err
	}
	_, err = missing(p.dir, settings)
	return err
}

// enable hands the controllers of the settings on to the children of a cgroup.
func enable(dir string, settings []setting) error {
	names, err := missing(dir, settings)
	if err != nil || len(names) == 0 {
		return err
	}
	err = write(dir+"/cgroup.subtree_control", "+"+strings.Join(names, " +"))
	if errors.Is(err, unix.EBUSY) {
		return errInternal(dir, names)
	}
	if err != nil {
		return fmt.Errorf("enable the cgroup controllers %s: %w", strings.Join(names, ", "), err)
	}
	return nil
}

// missing returns the controllers that the children of a cgroup do not have and
// could be given, and an error if one could not.
func missing(dir string, settings []setting) (names []string, err error) {
	enabled, err := words(dir + "/cgroup.subtree_control")
	if err != nil {
		return nil, err
	}
	available, err := words(dir + "/cgroup.controllers")
	if err != nil {
		return nil, err
	}
	var unavailable []string
	for _, s := range settings {
		switch {
		case slices.Contains(enabled, s.controller):
		case slices.Contains(available, s.controller):
			names = append(names, s.controller)
		default:
			unavailable = append(unavailable, s.controller)
		}
	}
	if len(unavailable) > 0 {
		return nil, errUnavailable(dir, unavailable)
	}
	if len(names) == 0 {
		return nil, nil
	}
	// The kernel would permit some controllers where there are processes, and make
	// the cgroup the root of a threaded subtree: its children could then
	// hold no processes at all. So its permission says nothing.
	if inner, err := internal(dir); err != nil {
		return nil, err
	} else if inner {
		return nil, errInternal(dir, names)
	}
	if err := unix.Access(dir+"/cgroup.subtree_control", unix.W_OK); err != nil {
		return nil, fmt.Errorf("enable the cgroup controllers %s in %s/cgroup.subtree_control: the cgroup is not delegated to this user, see systemd's Delegate= (%w)",
			strings.Join(names, ", "), dir, err)
	}
	return names, nil
}

// internal reports whether a cgroup other than the root holds processes itself.
func internal(dir string) (bool, error) {
	if unix.Access(dir+"/cgroup.type", unix.F_OK) == unix.ENOENT {
		return false, nil // only the root has none
	}
	procs, err := words(dir + "/cgroup.procs")
	return len(procs) > 0, err
}

func errInternal(dir string, names []string) error {
	return fmt.Errorf("the cgroup controllers %s cannot be enabled below %s while processes are in it: "+
		"run this program in a subgroup of a delegated cgroup (%s), or name a parent cgroup without processes by %s: %w",
		strings.Join(names, ", "), dir, delegateHint, Env, unix.EBUSY)
}

func errUnavailable(dir string, names []string) error {
	why := "the cgroups above do not hand them on: enable them in their cgroup.subtree_control, under systemd by Delegate=" + strings.Join(names, " ")
	if table, err := os.ReadFile("/proc/cgroups"); err == nil {
		if reason := explainUnavailable(string(table), names); reason != "" {
			why = reason
		}
	}
	return fmt.Errorf("limits need the cgroup controllers %s, which %s does not have: %s: %w",
		strings.Join(names, ", "), dir, why, errors.ErrUnsupported)
}

// explainUnavailable looks into /proc/cgroups (cgroups(7)) for what keeps a
// controller out of cgroup v2 on the whole machine:
//
//	#subsys_name	hierarchy	num_cgroups	enabled
//	memory	4	49	1
func explainUnavailable(table string, names []string) string {
	for line := range strings.Lines(table) {
		f := strings.Fields(line)
		if len(f) != 4 || !slices.Contains(names, f[0]) {
			continue
		}
		switch {
		case f[3] == "0":
			return f[0] + " is disabled: remove cgroup_disable from the kernel's command line"
		case f[1] != "0":
			return f[0] + " is in use by cgroup v1: boot with systemd.unified_cgroup_hierarchy=1, or do not mount it as v1"
		}
	}
	return ""
}

func words(path string) ([]string, error) {
	data, err := os.ReadFile(path)
	return strings.Fields(string(data)), err
}
