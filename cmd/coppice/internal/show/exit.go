package show

import (
	"context"
	"regexp"

	"github.com/coppice-go/coppice/strategies"
)

// ofProcess is how errors of processes begin: with the program and its pid,
// which a view of a child shows elsewhere.
var ofProcess = regexp.MustCompile(`^\S+ \(pid \d+\): `)

// how tells in a few words how a child ended.
func how(class strategies.Class, reason string) string {
	reason = oneLine(reason)
	program := ofProcess.FindString(reason)
	switch {
	case reason == context.Canceled.Error() && class.Clean():
		return "stopped as told"
	case class == strategies.Shutdown && program != "": // no process ends so unless it is told to
		return "stopped: " + reason[len(program):]
	case reason != "":
		return reason[len(program):]
	case class == strategies.Normal:
		return "finished without error"
	case class == strategies.Crash:
		return "failed without a reason"
	case class == strategies.Killed:
		return "killed"
	}
	return "stopped as told"
}

// howExit is how of the exit that an event or a status tells.
func howExit(e strategies.Exit) string {
	if e.Err == nil {
		return how(e.Class, "")
	}
	return how(e.Class, e.Err.Error())
}
