package load

import (
	"regexp"
	"strconv"

	"github.com/coppice-go/coppice/worker"
)

// identityKeys are the keys of a program that say as whom it runs.
var identityKeys = []key[worker.Identity]{
	field("user", users, func(i *worker.Identity) *string { return &i.User },
		"as whom it runs, name or number; with its groups, and USER, LOGNAME and HOME", defaultTo("coppice's own"), alsoKnownAs("uid", "run_as")),
	field("group", groups, func(i *worker.Identity) *string { return &i.Group },
		"name or number", defaultTo("the user's"), alsoKnownAs("gid")),
	field("groups", lists(groups, "a list of groups", 0), func(i *worker.Identity) *[]string { return &i.Groups },
		"supplementary groups, names or numbers", defaultTo("the user's"), writtenAs("list of names and numbers")),
	field("umask", as(umasks, pointer[int]), func(i *worker.Identity) **int { return &i.Umask },
		"file mode creation mask; its digits are octal, whether with leading zeros, in quotes or not: 022, 0022, \"0022\", 0o22 and 22 are the same", defaultTo("coppice's own")),
	field("nice", as(integers(-20, 19), pointer[int]), func(i *worker.Identity) **int { return &i.Nice },
		"niceness, -20 (most favoured) to 19; no increment", defaultTo("coppice's own"), alsoKnownAs("priority")),
	field("oom_score_adj", as(integers(-1000, 1000), pointer[int]), func(i *worker.Identity) **int { return &i.OOMScoreAdj },
		"-1000 (never killed for memory) to 1000 (first)", defaultTo("coppice's own")),
	field("no_new_privs", booleans, func(i *worker.Identity) *bool { return &i.NoNewPrivs },
		"no program that it runs gets rights by a set-uid bit", defaultTo("false")),
}

var (
	users  = accounts("the name or number of a user")
	groups = checked(accounts("the name or number of a group"), func(s string) error {
		return refused(worker.Command{Identity: worker.Identity{Group: s}}, "Identity")
	}, "")
)

// accounts are names or numbers of users or groups.
func accounts(expected string) value[string] {
	return value[string]{
		what: "name or number", expected: expected,
		schema: schema{"type": []string{"string", "integer"}, "minLength": 1},
		read: func(d *decoder, n *node, expected string) (string, bool) {
			s, ok := d.scalar(n, expected, text, number)
			if ok && s == "" {
				d.problem(n.pos, "", "expected %s, found an empty text", expected)
			}
			return s, ok && s != ""
		},
	}
}

var umaskText = regexp.MustCompile(`^(0o)?([0-7]{1,4})$`)

// umasks are octal, whatever YAML takes them for: 022 is 22 in YAML 1.2 and 18 in
// YAML 1.1, and nobody means either.
var umasks = value[int]{
	what: "octal number", expected: `an octal number from 0 to 0777, as in "0022"`,
	schema: orVariable(anyOf(schema{"type": "string", "pattern": `^(0o)?0?[0-7]{1,3}$`},
		schema{"type": "integer", "minimum": 0, "maximum": 777})),
	read: func(d *decoder, n *node, expected string) (int, bool) {
		s, ok := d.scalar(n, expected, number, text)
		if !ok {
			return 0, false
		}
		if m := umaskText.FindStringSubmatch(s); m != nil {
			if v, err := strconv.ParseUint(m[2], 8, 16); err == nil && v <= 0o777 {
				return int(v), true
			}
		}
		d.problem(n.pos, "", "expected %s, found %s", expected, n.describe())
		return 0, false
	},
}

// checkUser is for what is not seen before all keys are read: a number that is no
// user's needs a group.
func (d *decoder) checkUser(n *node, user string) {
	group := ""
	if n.find("group") != nil {
		group = "0" // it was checked, or told to be wrong
	}
	if err := refused(worker.Command{Identity: worker.Identity{User: user, Group: group}}, "Identity"); err != nil {
		d.problem(n.valueAt("user"), "", "%v", err)
	}
}
