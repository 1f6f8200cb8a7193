package main

import (
	"flag"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/coppice-go/coppice/cmd/coppice/internal/exit"
)

// flagsFirst moves the flags of a command before its arguments, because
// urfave/cli v2, like package flag, takes for an argument whatever follows the
// first one: `demo storm --plain` becomes `demo --plain storm`. Nothing behind
// a "--" is moved.
func flagsFirst(app *cli.App, args []string) []string {
	if len(args) < 2 {
		return args
	}
	if args[len(args)-1] == completionFlag {
		return completable(args)
	}
	cmd := app.Command(args[1])
	if cmd == nil {
		return args
	}
	head := 2
	if len(args) > 2 {
		for _, sub := range cmd.Subcommands {
			if sub.Name == args[2] {
				cmd, head = sub, 3
			}
		}
	}
	known := knownFlags(cmd)
	var flags, rest []string
	for i := head; i < len(args); i++ {
		a := args[i]
		switch {
		case a == "--":
			rest = append(rest, args[i:]...)
			i = len(args)
		case len(a) < 2 || a[0] != '-':
			rest = append(rest, a)
		case takesValue(known, a) && i+1 < len(args):
			flags = append(flags, a, args[i+1])
			i++
		default:
			flags = append(flags, a)
		}
	}
	return append(append(append([]string{}, args[:head]...), flags...), rest...)
}

// completable is a command line whose last word but one is to be completed:
// nothing is moved, for that is the last one typed. With a "--" in it urfave/cli
// would run the command instead.
func completable(args []string) []string {
	typed := slices.Clone(args[:len(args)-1])
	if last := len(typed) - 1; typed[last] == "--" {
		typed[last] = "-" // begins the same words
	}
	typed = slices.DeleteFunc(typed, func(a string) bool { return a == "--" })
	return append(typed, completionFlag)
}

// knownFlags are the flags of a command.
func knownFlags(cmd *cli.Command) *flag.FlagSet {
	known := flag.NewFlagSet(cmd.Name, flag.ContinueOnError)
	known.SetOutput(io.Discard)
	for _, f := range cmd.Flags {
		_ = f.Apply(known) // a bad default is found again, and told, by the real parse
	}
	return known
}

// takesValue reports whether the value of the flag is the argument after it.
func takesValue(known *flag.FlagSet, arg string) bool {
	name := strings.TrimLeft(arg, "-")
	f := known.Lookup(name)
	if f == nil { // unknown, or of the form --name=value
		return false
	}
	b, ok := f.Value.(interface{ IsBoolFlag() bool })
	return !ok || !b.IsBoolFlag()
}

// usageError turns what package flag finds wrong into our words.
func usageError(c *cli.Context, err error, _ bool) error {
	name := "coppice"
	if c.Command != nil && c.Command.Name != "" && c.Command.Name != name {
		name += " " + c.Command.Name
	}
	return exit.Usagef("%s: %v; `%s --help` lists the options", strings.TrimPrefix(name, "coppice "), longFlag(err.Error()), name)
}

// longFlag writes the flag in a message of package flag as the help does.
func longFlag(msg string) string {
	for _, before := range []string{"not defined: -", "for flag -", "needs an argument: -"} {
		head, tail, ok := strings.Cut(msg, before)
		if ok && !strings.HasPrefix(tail, "-") {
			return head + before + "-" + tail
		}
	}
	return msg
}

// noCommand is what happens when the first argument is no command.
func noCommand(c *cli.Context) error {
	name := c.Args().First()
	if name == "" {
		return cli.ShowAppHelp(c)
	}
	var names []string
	for _, cmd := range c.App.VisibleCommands() {
		names = append(names, cmd.Name)
	}
	return exit.Usagef("there is no command %q; the commands are: %s", name, strings.Join(names, ", "))
}

// outputFlag is the option of every command that prints something to be read
// by people and by programs.
func outputFlag() cli.Flag {
	return &cli.StringFlag{Name: "output", Aliases: []string{"o"}, Value: "table", Usage: "`FORMAT` of what is printed: table or json"}
}

// wantsJSON reads that option.
func wantsJSON(c *cli.Context) (bool, error) {
	switch format := c.String("output"); format {
	case "table":
		return false, nil
	case "json":
		return true, nil
	default:
		return false, exit.Usagef("%s: --output %s: give table or json", c.Command.Name, format)
	}
}
