package importer

import (
	"maps"
	"slices"
	"time"
)

// restarts are decided by autorestart and stop_exit_codes, and limited by the rest.
func (a *pm2App) restarts() {
	again, given := a.flag(a.app.get("autorestart"), "autorestart")
	if given && !again {
		a.restart = "temporary"
		for _, key := range []string{"stop_exit_codes", "max_restarts", "min_uptime", "restart_delay", "exp_backoff_restart_delay"} {
			if n := a.app.get(key); n != nil {
				a.lost(key+": "+n.shown(), "with autorestart: false there is no restart")
			}
		}
		return
	}
	a.stopCodes()
	a.backoff = backoff{100 * time.Millisecond, 15 * time.Second, 1.5, 30 * time.Second}
	if d, ok := a.milliseconds("exp_backoff_restart_delay"); ok && d > 0 {
		a.backoff.min = d
		a.backoff.max = max(d, a.backoff.max)
	}
	if d, ok := a.milliseconds("restart_delay"); ok && d > 0 {
		if a.app.get("exp_backoff_restart_delay") != nil {
			a.lost("restart_delay: "+a.app.get("restart_delay").shown(), "exp_backoff_restart_delay is in its place")
		} else {
			a.backoff = backoff{min: d}
		}
	}
	most, limited := a.count(a.app.get("max_restarts"), "max_restarts")
	uptime, also := a.milliseconds("min_uptime")
	if !limited && !also {
		return
	}
	if !limited {
		most = 16
	}
	if !also {
		uptime = time.Second
	}
	if a.app.get("exp_backoff_restart_delay") == nil && a.app.get("restart_delay") == nil {
		a.backoff = backoff{}
	}
	a.limit = a.backoff.limited(most, uptime)
	a.note("max_restarts and min_uptime: pm2 counts only runs that were shorter than %s; coppice counts all within the time that so many of them take.", duration(uptime))
}

// stopCodes are those after which pm2 does not restart. With 0 among them a success is
// final, which is what transient means.
func (a *pm2App) stopCodes() {
	n := a.app.get("stop_exit_codes")
	if n == nil {
		return
	}
	items := n.items
	if n.kind != list {
		items = []*node{n}
	}
	codes := map[int]bool{}
	for _, item := range items {
		if code, ok := a.count(item, "stop_exit_codes"); ok && code < 256 {
			codes[code] = true
		}
	}
	key := "fatal_codes"
	if codes[0] {
		a.restart, key = "transient", "success_codes"
		delete(codes, 0)
	}
	if len(codes) > 0 {
		a.set(key, slices.Sorted(maps.Keys(codes)))
	}
}
