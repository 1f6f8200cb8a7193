package child

import (
	"encoding/binary"
	"errors"
	"strconv"
	"strings"
	"syscall"
)

const (
	// Name is the argument vector of the child, whole.
	Name = "coppice-exec-shim"

	fdVar = "COPPICE_SHIM_FD"
)

// Environ is the environment of the child, whose end of the socket is fd. It is
// not the program's: a GODEBUG or LD_PRELOAD that is meant for that would be
// obeyed here.
func Environ(fd int) []string {
	env := []string{
		fdVar + "=" + strconv.Itoa(fd),
		"GOMAXPROCS=1", "GOGC=off", "GODEBUG=asyncpreemptoff=1", // see program.run
		"GOTRACEBACK=none", // if no thread can be had, one line on stderr says so
	}
	if path, found := syscall.Getenv("LD_LIBRARY_PATH"); found { // the host may need it to start
		env = append(env, "LD_LIBRARY_PATH="+path)
	}
	return env
}

// Order is what the child has to do: the steps, in this order, then the
// execution of Path.
type Order struct {
	Path  string // to be executed; relative to the directory set by a step
	Argv  []string
	Env   []string
	Steps []Step
}

// Op is what a step does.
type Op byte

const (
	Ignore     Op = iota // Nums: a signal to ignore
	ListenPID            // puts the child's pid into each LISTEN_PID of Env
	Umask                // Nums: the mask
	OOMScore             // Nums: the adjustment, as an int64
	Nice                 // Nums: the niceness, as an int64
	Limit                // Nums: resource, soft, hard
	Groups               // Nums: all supplementary groups
	GID                  // Nums: the group
	UID                  // Nums: the user
	Chdir                // Text: the directory
	DeathSig             // Nums: the parent-death signal
	NoNewPrivs           // no numbers
	numOps
)

// Step is one thing to set.
type Step struct {
	Op   Op
	Nums []uint64
	Text string
}

// operands is how many numbers an Op has; -1: any.
var operands = [numOps]int{Ignore: 1, Umask: 1, OOMScore: 1, Nice: 1, Limit: 3, Groups: -1, GID: 1, UID: 1, DeathSig: 1}

// The wire format is text: strings that end with a NUL byte, which no path,
// argument or environment variable contains; a list is preceded by its length.
// The whole is preceded by its length in bytes, of lengthSize bytes.
const lengthSize = 4

// Encode returns o as it is sent.
func (o *Order) Encode() []byte {
	b := make([]byte, lengthSize, 4096)
	str := func(s string) { b = append(append(b, s...), 0) }
	num := func(n uint64) { b = append(strconv.AppendUint(b, n, 10), 0) }
	list := func(l []string) {
		num(uint64(len(l)))
		for _, s := range l {
			str(s)
		}
	}
	str(o.Path)
	list(o.Argv)
	list(o.Env)
	num(uint64(len(o.Steps)))
	for _, s := range o.Steps {
		num(uint64(s.Op))
		num(uint64(len(s.Nums)))
		for _, n := range s.Nums {
			num(n)
		}
		str(s.Text)
	}
	binary.NativeEndian.PutUint32(b, uint32(len(b)-lengthSize))
	return b
}

var errMalformed = errors.New("malformed order")

// decode is the reverse of Encode, without the length.
func decode(b []byte) (*Order, error) {
	rest, ok := string(b), true
	str := func() (s string) {
		if ok {
			s, rest, ok = strings.Cut(rest, "\x00")
		}
		return s
	}
	num := func() uint64 {
		n, err := strconv.ParseUint(str(), 10, 64)
		ok = ok && err == nil
		return n
	}
	length := func() int {
		n := num()
		ok = ok && n <= uint64(len(rest)) // each element has at least its NUL
		if !ok {
			return 0
		}
		return int(n)
	}
	list := func() []string {
		l := make([]string, length())
		for i := range l {
			l[i] = str()
		}
		return l
	}
	o := &Order{Path: str(), Argv: list(), Env: list(), Steps: make([]Step, length())}
	for i := range o.Steps {
		op := Op(num())
		nums := make([]uint64, length())
		for j := range nums {
			nums[j] = num()
		}
		o.Steps[i] = Step{op, nums, str()}
		ok = ok && op < numOps && (operands[op] < 0 || operands[op] == len(nums))
	}
	if !ok || rest != "" {
		return nil, errMalformed
	}
	return o, nil
}

// Report is what the child says before it executes the program (Step is the
// number of the order's steps and Errno is 0) and when something failed: Step is
// the index of that step, or the number of them for the execution itself. It is
// sent as it is in memory.
type Report struct{ Step, Errno uint32 }

// ReportSize is the size of a Report as it is sent.
const ReportSize = 8

// DecodeReport is for the parent; b has ReportSize bytes.
func DecodeReport(b []byte) Report {
	return Report{Step: binary.NativeEndian.Uint32(b), Errno: binary.NativeEndian.Uint32(b[4:])}
}
