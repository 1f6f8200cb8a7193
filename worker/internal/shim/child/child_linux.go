package child

import (
	"encoding/binary"
	"errors"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// exitFailed is what a shell exits with when it cannot execute a program.
const exitFailed = 127

func init() {
	if len(os.Args) != 1 || os.Args[0] != Name {
		return
	}
	if fd, found := syscall.Getenv(fdVar); found {
		err := run(fd)
		_, _ = os.Stderr.WriteString(Name + ": " + err.Error() + "\n")
		os.Exit(exitFailed)
	}
}

// run returns only if this process is not to be the child, or cannot be.
func run(fdText string) error {
	fd, err := strconv.Atoi(fdText)
	if err != nil {
		return errors.New(fdVar + " is not a number")
	}
	if err := trusted(fd); err != nil {
		return err
	}
	unix.CloseOnExec(fd)
	order, err := receive(fd)
	if err != nil {
		return err
	}
	p := newProgram(fd, order)
	p.run()
	return nil // not reached: run executes the program or exits
}

// trusted makes sure that the socket was made by this process's parent.
func trusted(fd int) error {
	const atSecure = 23 // AT_SECURE, getauxval(3)
	auxv, err := unix.Auxv()
	if err != nil {
		return errors.New("no auxiliary vector: " + err.Error())
	}
	for _, entry := range auxv {
		if entry[0] == atSecure && entry[1] != 0 {
			return errors.New("refused: the host program is set-uid, set-gid or has file capabilities")
		}
	}
	peer, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return errors.New("descriptor " + strconv.Itoa(fd) + " is not its socket: " + err.Error())
	}
	if int(peer.Pid) != unix.Getppid() {
		return errors.New("its parent has ended, or did not start it")
	}
	return nil
}

func receive(fd int) (*Order, error) {
	var length [lengthSize]byte
	if err := readFull(fd, length[:]); err != nil {
		return nil, err
	}
	b := make([]byte, binary.NativeEndian.Uint32(length[:]))
	if err := readFull(fd, b); err != nil {
		return nil, err
	}
	return decode(b)
}

func readFull(fd int, b []byte) error {
	for len(b) > 0 {
		n, err := unix.Read(fd, b)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return errors.New("read the order: " + err.Error())
		case n == 0:
			return errors.New("read the order: the parent has closed its end")
		default:
			b = b[n:]
		}
	}
	return nil
}
