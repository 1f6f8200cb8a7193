package main

import (
	"context"
	_ "embed"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/coppice-go/coppice/cmd/coppice/internal/demo"
	"github.com/coppice-go/coppice/cmd/coppice/internal/exit"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/control/client"
)

// completionFlag is what a shell puts last, after the word that is to be
// completed: urfave/cli then completes, and runs nothing.
const completionFlag = "--generate-bash-completion"

// completionLimit bounds how long a shell waits for a tree.
const completionLimit = time.Second

//go:embed completion.bash
var bashCompletion string

//go:embed completion.zsh
var zshCompletion string

//go:embed completion.fish
var fishCompletion string

// shells are those for which there is a script.
var shells = map[string]string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}

func completionCommand() *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Usage:     "print the script that has a shell complete what is typed",
		ArgsUsage: "SHELL",
		Description: "SHELL is bash, zsh or fish. Paths and names are those of the trees that run.\n\n" +
			"bash: source <(coppice completion bash)\n" +
			"zsh:  source <(coppice completion zsh)\n" +
			"fish: coppice completion fish | source",
		OnUsageError: usageError,
		Action: func(c *cli.Context) error {
			script, ok := shells[c.Args().First()]
			if !ok || c.NArg() != 1 {
				return exit.Usagef("completion: give one shell: bash, zsh or fish")
			}
			_, err := fmt.Fprint(c.App.Writer, script)
			return err
		},
	}
}

// completes makes an app complete words. An offer is a line, with what it is
// behind a tab.
func completes(app *cli.App) *cli.App {
	app.EnableBashCompletion = true
	app.BashComplete = complete
	for _, cmd := range app.Commands {
		cmd.BashComplete = complete
	}
	return app
}

// offer is a word that may be meant, and what it is.
type offer struct{ word, about string }

// complete prints the words that the last one may become.
func complete(c *cli.Context) {
	lineage := c.Lineage()
	words := lineage[max(0, len(lineage)-2)].Args().Slice() // those of the root: as they were typed
	if len(words) == 0 {
		words = []string{""}
	}
	last := words[len(words)-1]
	for _, o := range offers(c.App, words) {
		if !strings.HasPrefix(o.word, last) {
			continue
		}
		line := o.word
		if o.about != "" {
			line += "\t" + o.about
		}
		fmt.Fprintln(c.App.Writer, line)
	}
}

// offers returns what may stand in the place of the last word.
func offers(app *cli.App, words []string) []offer {
	if len(words) == 1 {
		var all []offer
		for _, cmd := range app.VisibleCommands() {
			all = append(all, offer{cmd.Name, cmd.Usage})
		}
		return all
	}
	cmd := app.Command(words[0])
	if cmd == nil {
		return nil
	}
	last := words[len(words)-1]
	args, options, open := read(cmd, words[1:len(words)-1])
	option, _, joined := strings.Cut(last, "=")
	switch {
	case open != "":
		return values(open, "")
	case strings.HasPrefix(last, "-") && joined:
		return values(strings.TrimLeft(option, "-"), option+"=")
	case strings.HasPrefix(last, "-"):
		return flagOffers(cmd)
	}
	if usage := strings.Fields(cmd.ArgsUsage); args < len(usage) {
		return arguments(strings.Trim(usage[args], "[]"), options["name"])
	}
	return nil
}

// read counts the arguments among words, and finds the options with their
// values. open is the option whose value is missing at the end.
func read(cmd *cli.Command, words []string) (args int, options map[string]string, open string) {
	known, options := knownFlags(cmd), map[string]string{}
	for _, w := range words {
		name, value, joined := strings.Cut(strings.TrimLeft(w, "-"), "=")
		switch {
		case open != "":
			options[open], open = w, ""
		case len(w) < 2 || w[0] != '-':
			args++
		case joined:
			options[name] = value
		case takesValue(known, w):
			open = name
		}
	}
	return args, options, open
}

func flagOffers(cmd *cli.Command) []offer {
	var all []offer
	for _, f := range cmd.VisibleFlags() {
		about := ""
		if d, ok := f.(cli.DocGenerationFlag); ok {
			about = strings.ReplaceAll(d.GetUsage(), "`", "")
		}
		for _, name := range f.Names() {
			if len(name) > 1 {
				all = append(all, offer{"--" + name, about})
			}
		}
	}
	return all
}

// values are those of an option, each behind prefix. What is none of these is
// left to the shell.
func values(option, prefix string) []offer {
	var all []offer
	switch option {
	case "name":
		all = runningNames()
	case "output", "o":
		all = offered("table", "json")
	}
	for i := range all {
		all[i].word = prefix + all[i].word
	}
	return all
}

func offered(all ...string) []offer {
	var offers []offer
	for _, w := range all {
		offers = append(offers, offer{word: w})
	}
	return offers
}

// arguments are those of which the usage of a command says what they are. A FILE
// is left to the shell.
func arguments(what, name string) []offer {
	switch what {
	case "PATH":
		return paths(name)
	case "SIGNAL":
		return offered("SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGTERM", "SIGKILL", "SIGSTOP", "SIGCONT")
	case "SHELL":
		return offered("bash", "fish", "zsh")
	case "SCENE":
		var scenes []offer
		for _, s := range demo.Scenes() {
			scenes = append(scenes, offer{s.Name, s.Title})
		}
		return scenes
	}
	return nil
}

func runningNames() []offer {
	ctx, cancel := context.WithTimeout(context.Background(), completionLimit)
	defer cancel()
	trees, err := client.List(ctx, "")
	if err != nil {
		return nil // a completion has nobody to complain to
	}
	var names []offer
	for _, t := range trees {
		names = append(names, offer{word: t.Name})
	}
	return names
}

// paths are those of the running tree of that name.
func paths(name string) []offer {
	ctx, cancel := context.WithTimeout(context.Background(), completionLimit)
	defer cancel()
	c, err := client.Dial(ctx, "", name)
	if err != nil {
		return nil
	}
	defer c.Close()
	s, err := c.Snapshot(ctx)
	if err != nil {
		return nil
	}
	var all []offer
	var add func(*tree.Status)
	add = func(st *tree.Status) {
		all = append(all, offer{st.Path, st.State.String()})
		if st.Supervisor == nil {
			return
		}
		for i := range st.Supervisor.Children {
			add(&st.Supervisor.Children[i])
		}
	}
	add(&s.Root)
	return all
}
