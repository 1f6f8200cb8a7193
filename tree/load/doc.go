// Package load reads a supervision tree from a YAML file. Programs in other
// languages are run by such a file and the command coppice; this package is for Go
// programs that want the same.
//
//	f, err := load.Read("shop.yaml", load.Options{})
//	if err != nil {
//		log.Fatal(err) // all problems, each with its line; nothing was started
//	}
//	root, err := tree.New(f.Name, f.Spec)
//
// # The file
//
// The top level is a supervisor, and has a list of children. A child with children
// of its own is a supervisor, too; any other is a program:
//
//	name: shop
//	strategy: rest_for_one              # who is restarted with a child that died
//	intensity: {max: 3, within: 5s}     # one restart more, and the tree ends
//	children:
//	  - id: db
//	    command: [postgres, -D, data]   # the program and its arguments, without a shell
//	    env: {PGPORT: 5433}
//	    ready: {tcp: "127.0.0.1:5433", timeout: 30s}
//	    stop: {signal: SIGINT, timeout: 10s}
//	    backoff: {min: 100ms, max: 10s}
//	    log: {file: log/db.log}
//	  - id: web
//	    strategy: one_for_all
//	    children:
//	      - {id: api, command: [node, api.js], node_ipc: true}
//	      - {id: cache, shell: "exec ./cache 2>&1 | tee cache.txt", copies: 2}
//
// FORMAT.md, beside this file, lists all keys with their defaults. [Schema] is a
// JSON Schema of it, for editors.
//
// Durations have units (500ms, 1m30s), and so have sizes (10MiB, 1GB), but for a
// plain number of bytes. Of the environment variables of a child, those of coppice
// itself (see inherit) count least, then the env_file and the env of the tree, of
// each supervisor on the way down, and of the child. An env file has lines of
// KEY=VALUE, with # before comments; a value may be in single quotes, as it is, or
// in double quotes, with \n, \t, \r, \", \\ and \$.
//
// Paths are relative to the directory of the file, which is also where programs run
// unless dir says otherwise: dir, env_file, the file of a log, and a program that is
// named with a slash, in command and in exec as well. A program without a slash is
// looked up in PATH.
//
// With copies: 3 the child worker becomes worker-1, worker-2 and worker-3, and each
// finds its number in COPPICE_COPY. Needs: [worker] means all three.
//
// # Variables
//
// In every text that is a value, ${NAME} is replaced by what the environment of
// coppice says, and ${NAME:-default} by the default where that says nothing or an
// empty text. A variable that is not set, and has no default, is a problem. What the
// file itself says in env is not looked at. The replacement comes after the YAML
// was read: a value with a colon or a line break in it stays one text. Numbers,
// durations and the like may be variables in quotes: "${PORT}".
//
// $$ stands for $; any other $ is left alone. In shell, then, $HOME is the shell's
// affair and needs nothing, ${HOME} is replaced before the shell sees it, and
// $${HOME} and $$$$ are what a shell is to see as ${HOME} and $$.
//
// # YAML
//
// The file is YAML 1.2, where yes, no, on and off are texts, and true and false the
// only booleans; 1:30 and 1_000 are texts, too. Numbers are decimal. The digits of a
// umask are octal however they are written: 022, "0022", 0o22 and 22 are the same.
// Numbers and booleans that are given to a program (arguments, values of
// variables) are given as they are written: 1.10 stays 1.10.
//
// Anchors, aliases and merge keys (<<) work. Keys at the top level that begin with
// x- are ignored, as a place for anchors.
//
// # A file that changes
//
// A tree that runs can be given what its file says now. Programs of which it says the
// same keep their process:
//
//	next, err := load.Read("shop.yaml", load.Options{Previous: f})
//	if err != nil {
//		log.Fatal(err) // and nothing was changed
//	}
//	var renew []string
//	for _, d := range load.Compare(f, next) {
//		if d.Restart {
//			renew = append(renew, d.Path)
//		}
//	}
//	changes, err := root.Reconfigure(ctx, next.Spec, renew...)
//
// # Problems
//
// Everything is looked at before anything is started, and all problems are told at
// once: keys that are not known, with the nearest that is; values of another kind or
// out of range; ids that are there twice; needs in a circle; users, groups and
// cgroup controllers that the machine does not have. Each has its file, line and
// column, and shows the line:
//
//	shop.yaml:12:5: unknown key "comand"; did you mean "command"?
//	   12 |     comand: [node, api.js]
//	      |     ^^^^^^
//
// What is not looked at is whether programs and directories exist: they may come
// later.
package load
