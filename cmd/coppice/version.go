package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/urfave/cli/v2"

	"github.com/coppice-go/coppice/cmd/coppice/internal/exit"
)

func versionCommand() *cli.Command {
	return &cli.Command{
		Name:         "version",
		Usage:        "print the version of coppice and what it was built from",
		Flags:        []cli.Flag{outputFlag()},
		OnUsageError: usageError,
		Action: func(c *cli.Context) error {
			asJSON, err := wantsJSON(c)
			if err != nil {
				return err
			}
			if c.Args().Present() {
				return exit.Usagef("version: takes no arguments, but got %q", c.Args().First())
			}
			v := buildVersion()
			if asJSON {
				return json.NewEncoder(c.App.Writer).Encode(v)
			}
			_, err = fmt.Fprint(c.App.Writer, v)
			return err
		},
	}
}

// version is what the build recorded of itself.
type version struct {
	Version  string `json:"version"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
	Revision string `json:"revision,omitempty"` // empty if not built from a checkout
	Time     string `json:"time,omitempty"`     // of the revision
	Modified bool   `json:"modified"`           // the checkout differed from the revision
}

func buildVersion() version {
	v := version{Version: "(unknown)", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if info.Main.Version != "" {
		v.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Revision = s.Value
		case "vcs.time":
			v.Time = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}

func (v version) String() string {
	s := fmt.Sprintf("coppice %s\ngo       %s %s\n", v.Version, v.Go, v.Platform)
	switch {
	case v.Revision == "":
		s += "revision none recorded (not built from a checkout)\n"
	case v.Modified:
		s += fmt.Sprintf("revision %s of %s, with changes\n", v.Revision, v.Time)
	default:
		s += fmt.Sprintf("revision %s of %s\n", v.Revision, v.Time)
	}
	return s
}
