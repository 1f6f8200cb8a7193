// Command coppice runs trees of supervised processes, and shows how they
// recover. This file is wiring: each subcommand has a file of its own.
package main

import (
	"fmt"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/coppice-go/coppice/cmd/coppice/internal/demo"
	"github.com/coppice-go/coppice/cmd/coppice/internal/exit"
	"github.com/coppice-go/coppice/worker"
)

func main() {
	status := run(newApp(demo.Scenes()), os.Args)
	worker.CloseIdle()
	os.Exit(status)
}

func newApp(scenes []demo.Scene) *cli.App {
	return completes(&cli.App{
		Name:            "coppice",
		Usage:           "supervision trees whose leaves can be processes",
		HideVersion:     true,
		HideHelpCommand: true,
		Commands: []*cli.Command{
			runCommand(),
			psCommand(),
			topCommand(),
			whyCommand(),
			eventsCommand(),
			logsCommand(),
			waitCommand(),
			startCommand(),
			stopCommand(),
			restartCommand(),
			signalCommand(),
			reloadCommand(),
			checkCommand(),
			explainCommand(),
			simulateCommand(),
			graphCommand(),
			schemaCommand(),
			importCommand(),
			chaosCommand(),
			demoCommand(scenes),
			completionCommand(),
			demoChildCommand(),
			misbehaveCommand(),
			versionCommand(),
		},
		Action:         noCommand,
		OnUsageError:   usageError,
		ExitErrHandler: func(*cli.Context, error) {}, // run decides
	})
}

// run runs the app and tells what went wrong; it returns the exit status.
func run(app *cli.App, args []string) int {
	err := app.Run(flagsFirst(app, args))
	if err != nil {
		fmt.Fprintf(os.Stderr, "coppice: %v\n", err)
	}
	return exit.Status(err)
}
