package worker

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/coppice-go/coppice/worker/internal/shim"
)

// explain makes a SpawnError of what went wrong. execve(2) and chdir(2) share
// one errno, so what it means is found out by looking at the files again.
func explain(cmd *Command, prog *program, err error) error {
	if errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	errno, bare := err.(syscall.Errno)
	if step, ok := err.(*shim.StepError); ok && (step.Step == shim.Chdir || step.Step == shim.Execve) &&
		!(step.Err == unix.EACCES && cmd.Identity.User != "") { // what we may see says nothing of what that user may
		errno, bare, err = step.Err, true, step.Err
	}
	if !bare { // it says itself what it is about
		errno, _ = errors.AsType[syscall.Errno](err)
		return &SpawnError{Path: cmd.Path, Dir: cmd.Dir, Err: err, why: explainResource(errno)}
	}
	why := explainResource(errno)
	if why == "" {
		why = explainDir(prog.dir)
	}
	if why == "" {
		why = explainProgram(prog, errno)
	}
	return &SpawnError{Path: cmd.Path, Dir: cmd.Dir, Err: err, why: why}
}

func explainLookUp(name string, err error) string {
	switch {
	case errors.Is(err, exec.ErrDot):
		return "it was found only in the current directory, where it is not looked for: write ./" + name + " if that is meant"
	case errors.Is(err, exec.ErrNotFound):
		return "no such program in PATH: install it, or give its full path"
	}
	return ""
}

// explainResource names the limit that was hit.
func explainResource(errno syscall.Errno) string {
	switch errno {
	case unix.EMFILE:
		var lim unix.Rlimit
		_ = unix.Getrlimit(unix.RLIMIT_NOFILE, &lim)
		return fmt.Sprintf("this process has reached its limit of %d open files: raise RLIMIT_NOFILE (ulimit -n)", lim.Cur)
	case unix.ENFILE:
		return "the system has reached its limit of open files: raise fs.file-max (sysctl)"
	case unix.EAGAIN:
		return "no more processes are allowed: raise RLIMIT_NPROC (ulimit -u), the cgroup's pids.max, or kernel.pid_max and kernel.threads-max (sysctl)"
	case unix.ENOMEM:
		return "the system has no memory for another process: free some, or see vm.overcommit_memory and the cgroup's memory limit"
	case unix.E2BIG:
		return "its arguments and environment are too long together: shorten them, or raise RLIMIT_STACK (ulimit -s), of which they may fill a quarter"
	case unix.ENOSPC:
		return "no more descriptors can be watched: raise fs.epoll.max_user_watches (sysctl)"
	}
	return ""
}

func explainDir(dir string) string {
	if dir == "" {
		return ""
	}
	switch info, err := os.Stat(dir); {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Sprintf("its working directory %s does not exist: create it, or correct Dir", dir)
	case err != nil:
		return fmt.Sprintf("its working directory %s cannot be entered: correct its permissions, or Dir", dir)
	case !info.IsDir():
		return fmt.Sprintf("its working directory %s is not a directory: correct Dir", dir)
	case unix.Access(dir, unix.X_OK) != nil:
		return fmt.Sprintf("its working directory %s cannot be entered: correct its permissions, or Dir", dir)
	}
	return ""
}

func explainProgram(prog *program, err error) string {
	path := prog.path
	if !filepath.IsAbs(path) {
		path = filepath.Join(prog.dir, path)
	}
	info, statErr := os.Stat(path)
	switch {
	case err == unix.ETXTBSY:
		return "it is open for writing: try again when its writer is done, and replace programs by renaming a new file over them"
	case errors.Is(statErr, os.ErrNotExist):
		return fmt.Sprintf("there is no file %s: correct Path", path)
	case statErr != nil:
		return fmt.Sprintf("%s cannot be reached: correct Path, or the permissions on the way to it", path)
	case info.IsDir():
		return fmt.Sprintf("%s is a directory: name the program in it", path)
	case err == unix.EACCES && unix.Access(path, unix.X_OK) != nil:
		return fmt.Sprintf("%s is not executable: chmod +x it", path)
	case err == unix.ENOEXEC:
		return fmt.Sprintf("%s is neither a program for this machine nor a script that begins with #!", path)
	}
	return explainInterpreter(path, prog.dir, err)
}

// explainInterpreter tells why a file that is there and executable is not
// executed: what it names to run it is missing.
func explainInterpreter(path, dir string, err error) string {
	interp, isScript := interpreter(path)
	if !isScript {
		if err == unix.ENOENT {
			return fmt.Sprintf("%s is there, but the loader it was linked for is not: was it built for another C library?", path)
		}
		return ""
	}
	at := interp
	if !filepath.IsAbs(at) {
		at = filepath.Join(dir, at)
	}
	switch info, statErr := os.Stat(at); {
	case statErr != nil:
		return fmt.Sprintf("the interpreter %q in the first line of %s does not exist: install it, or correct the line", interp, path)
	case info.IsDir(), unix.Access(at, unix.X_OK) != nil:
		return fmt.Sprintf("the interpreter %q in the first line of %s is not executable: correct the line", interp, path)
	}
	return ""
}

// interpreter reads a script's #! line as the kernel does (execve(2)).
func interpreter(path string) (name string, isScript bool) {
	f, err := os.Open(path)
	if err != nil {
		return "", false
	}
	defer f.Close()
	var buf [256]byte
	n, _ := f.Read(buf[:])
	line, isScript := bytes.CutPrefix(buf[:n], []byte("#!"))
	if !isScript {
		return "", false
	}
	line, _, _ = bytes.Cut(line, []byte("\n"))
	line = bytes.TrimLeft(line, " \t")
	if i := bytes.IndexAny(line, " \t"); i >= 0 {
		line = line[:i]
	}
	return string(line), true
}
