package shim

import (
	"errors"
	"fmt"
	"math"
	"os"
	"os/user"
	"strconv"
	"strings"
)

// credentials are an Identity's user and groups as numbers; those of the host
// where nothing is asked for.
type credentials struct {
	uid, gid  uint32
	groups    []uint32
	setGroups bool // groups replace the host's
}

// lookUp asks the user database. All that cannot be found is said at once.
func (id *Identity) lookUp() (credentials, error) {
	c := credentials{uid: uint32(os.Geteuid()), gid: uint32(os.Getegid())}
	var errs []error
	group := func(field, name string) uint32 {
		gid, err := findGroup(field, name)
		errs = append(errs, err)
		return gid
	}
	if id.Group != "" {
		c.gid = group("Group", id.Group)
	}
	if id.Groups != nil {
		c.setGroups = true
		for _, name := range id.Groups {
			c.groups = append(c.groups, group("Groups", name))
		}
	}
	if id.User != "" {
		errs = append(errs, id.lookUpUser(&c))
	}
	return c, errors.Join(errs...)
}

// lookUpUser adds the user, and those groups that are not given.
func (id *Identity) lookUpUser(c *credentials) error {
	entry, err := findUser(id.User)
	if err != nil {
		return err
	}
	if c.uid, err = parseID(entry.Uid); err != nil {
		return fmt.Errorf("user %s: %w", id.User, err)
	}
	if id.Group == "" {
		if entry.Gid == "" {
			return fmt.Errorf("user %s is not in the user database and so has no group: give Group too", id.User)
		}
		if c.gid, err = parseID(entry.Gid); err != nil {
			return fmt.Errorf("the group of user %s is %s: %w", id.User, entry.Gid, err)
		}
	}
	if id.Groups == nil {
		c.setGroups = true
		c.groups, err = groupsOf(entry, c.gid)
	}
	return err
}

// groupsOf returns what initgroups(3) sets: the groups of which the user is a
// member, and gid.
func groupsOf(entry *user.User, gid uint32) (groups []uint32, err error) {
	if entry.Username == "" {
		return nil, nil
	}
	member := *entry
	member.Gid = strconv.FormatUint(uint64(gid), 10)
	list, err := member.GroupIds()
	if err != nil {
		return nil, fmt.Errorf("look up the groups of user %s: %w", entry.Username, err)
	}
	for _, text := range list {
		g, err := parseID(text)
		if err != nil {
			return nil, fmt.Errorf("user %s has group %s: %w", entry.Username, text, err)
		}
		groups = append(groups, g)
	}
	return groups, nil
}

// findUser returns an entry with nothing but Uid for a number which is not in
// the database.
func findUser(name string) (*user.User, error) {
	var entry *user.User
	var err error
	if isNumber(name) {
		// os/user would cut a number that is too large down to another one.
		uid, numErr := parseID(name)
		if numErr != nil {
			return nil, fmt.Errorf("user %s: %w", name, numErr)
		}
		canonical := strconv.FormatUint(uint64(uid), 10)
		entry, err = user.LookupId(canonical)
		if errors.As(err, new(user.UnknownUserIdError)) {
			return &user.User{Uid: canonical}, nil
		}
	} else {
		entry, err = user.Lookup(name)
	}
	switch {
	case errors.As(err, new(user.UnknownUserError)):
		return nil, fmt.Errorf("there is no user %q: create it, or correct User", name)
	case err != nil:
		return nil, fmt.Errorf("look up user %s: %w", name, err)
	}
	return entry, nil
}

func findGroup(field, name string) (uint32, error) {
	gid := name
	if !isNumber(name) {
		entry, err := user.LookupGroup(name)
		switch {
		case errors.As(err, new(user.UnknownGroupError)):
			return 0, fmt.Errorf("there is no group %q: create it, or correct %s", name, field)
		case err != nil:
			return 0, fmt.Errorf("look up group %s: %w", name, err)
		}
		gid = entry.Gid
	}
	n, err := parseID(gid)
	if err != nil {
		return 0, fmt.Errorf("group %s: %w", name, err)
	}
	return n, nil
}

func isNumber(name string) bool { return name != "" && strings.Trim(name, "0123456789") == "" }

// parseID excludes the number that setuid(2) and its like take for "unchanged".
func parseID(text string) (uint32, error) {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil || n == math.MaxUint32 {
		return 0, fmt.Errorf("numbers of users and groups are 0 to %d", uint32(math.MaxUint32-1))
	}
	return uint32(n), nil
}
