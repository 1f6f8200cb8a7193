package offline

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/coppice-go/coppice/strategies"
)

// printable keeps what a file says from commanding the terminal: characters that
// are not to be seen are written as Go writes them.
func printable(s string) string {
	if !strings.ContainsFunc(s, hidden) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if hidden(r) {
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func hidden(r rune) bool { return !unicode.IsGraphic(r) }

// joined lists paths.
func joined(paths []string) string { return printable(strings.Join(paths, ", ")) }

// counted is a number with its noun: "1 restart", "2 restarts".
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// allowed tells the limit on restarts, which has its defaults.
func allowed(i strategies.Intensity) string {
	if i.Max == 0 {
		return "no restarts"
	}
	return fmt.Sprintf("at most %s within %v", counted(i.Max, "restart"), i.Within)
}

// strategy tells what a supervisor does, as far as it is not the default.
func strategy(c *strategies.Config) string {
	s := c.Strategy.String() + ", " + allowed(c.Intensity.OrDefault())
	if c.AutoShutdown != strategies.Never {
		s += ", auto_shutdown " + c.AutoShutdown.String()
	}
	if c.Parallel > 1 {
		s += fmt.Sprintf(", parallel %d", c.Parallel)
	}
	return s
}

// shell writes a command so that it could be given to a shell.
func shell(argv []string) string {
	quoted := make([]string, len(argv))
	for i, arg := range argv {
		quoted[i] = quote(arg)
	}
	return strings.Join(quoted, " ")
}

func quote(arg string) string {
	switch {
	case arg == "":
		return "''"
	case strings.ContainsFunc(arg, hidden):
		escaped := strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(arg)
		return "$'" + printable(escaped) + "'" // as bash and ksh have it
	case !strings.ContainsFunc(arg, special):
		return arg
	}
	return "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
}

// special reports whether a character may mean something to a shell.
func special(r rune) bool {
	return r < unicode.MaxASCII && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_./:=,@%+", r) || unicode.IsSpace(r)
}
