package main

import (
	"strings"
	"testing"

	"github.com/coppice-go/coppice/cmd/coppice/internal/exit"
	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree/control/record"
)

// The one whose fault it was, and one that was restarted with it.
func TestWhyOneForAll(t *testing.T) {
	s := startShop(t)
	s.write("shop/web/cache", 1, "warming")
	s.crash(t, s.cache, "out of cheese")
	const rest = `  decision    shop/web restarted shop/web/api, shop/web/cache together: restart 1 of 1 within 5s
  stopped     shop/web/api
  started     shop/web/api, shop/web/cache
`
	const budget = `
shop/web has spent 1 of 1 restarts within 5s; the oldest counts until TIME, SPAN from now; one more failure before that ends it.
`
	diffText(t, `
shop/web/cache  up for SPAN, incarnation 2

AGO, at TIME  out of cheese (incarnation 1)
  because     of itself: no other failure came before
`+rest+`  its last output:
    | warming
`+budget, stable(stdoutOf(t, "why", "shop/web/cache")))
	diffText(t, `
shop/web/api  up for SPAN, incarnation 2

AGO, at TIME  stopped as told (incarnation 1)
  because     shop/web/cache died: out of cheese at TIME, AGO; so it was told to stop
`+rest+`  last output of shop/web/cache:
    | warming
`+budget, stable(stdoutOf(t, "why", "shop/web/api")))
}

// A child that was stopped with its supervisor, because of a failure elsewhere:
// the text and the JSON name that failure.
func TestWhyFromAbove(t *testing.T) {
	s := startShop(t)
	s.crash(t, s.db, "disk full")
	diffText(t, `
shop/web/api  up for SPAN, incarnation 2

AGO, at TIME  stopped as told (incarnation 1)
  because     shop/db died: disk full at TIME, AGO; so it was told to stop
  decision    shop restarted shop/db, shop/web together: restart 1 of 3
  stopped     shop/web, shop/web/cache, shop/web/api
  started     shop/db, shop/web, shop/web/api, shop/web/cache

shop/web has spent 0 of 1 restarts within 5s.
`, stable(stdoutOf(t, "why", "shop/web/api")))
	got := jsonLines[record.Why](t, stdoutOf(t, "why", "-o", "json", "shop/web/api"))
	if len(got) != 1 || len(got[0].Exits) != 1 {
		t.Fatalf("%+v", got)
	}
	if c := got[0].Exits[0].Cascade; c == nil || *c != (strategies.Cascade{Origin: "shop/db", N: 1}) {
		t.Errorf("cascade %v", c)
	}
}

// The second failure is one too many for web, and costs shop a restart.
func TestWhyEscalated(t *testing.T) {
	s := startShop(t)
	s.crash(t, s.cache, "out of cheese")
	s.crash(t, s.cache, "out of milk")
	diffText(t, `
shop/web/cache  up for SPAN, incarnation 3

AGO, at TIME  out of milk (incarnation 2)
  because     of itself: no other failure came before
  decision    not restarted: it would have been restart 2, shop/web allows 1 within 5s, and gave up
  stopped     shop/web/api
  started     shop/web, shop/web/api, shop/web/cache
  escalated   shop/web gave up: shop/web/cache needed restart 2, 1 allowed

Before that:
  AGO, at TIME  out of cheese (incarnation 1), restart 1 of 1

shop/web has spent 0 of 1 restarts within 5s.
`, stable(stdoutOf(t, "why", "shop/web/cache")))
	diffText(t, `
shop/web  up for SPAN, incarnation 2

AGO, at TIME  shop/web gave up: shop/web/cache needed restart 2 within 5s, 1 allowed: out of milk (incarnation 1)
  because     shop/web/cache died: out of milk at TIME, AGO
  decision    shop restarted it alone: restart 1 of 3 within 5s
  stopped     shop/web/api
  started     shop/web, shop/web/api, shop/web/cache
  escalated   shop/web gave up: shop/web/cache needed restart 2, 1 allowed

shop has spent 1 of 3 restarts within 5s; the oldest counts until TIME, SPAN from now.
`, stable(stdoutOf(t, "why", "shop/web")))
}

func TestWhyNothing(t *testing.T) {
	startShop(t)
	diffText(t, "shop/db  up for SPAN, incarnation 1\nIt never ended.\n\nshop has spent 0 of 3 restarts within 5s.\n", stable(stdoutOf(t, "why", "shop/db")))
	diffText(t, "shop  up for SPAN, incarnation 1\nIt never ended.\n", stable(stdoutOf(t, "why", "shop")))
	if got := stdoutOf(t, "why", "shop/once"); !strings.HasPrefix(got, "shop/once  is not in the tree any more\n") || !strings.Contains(got, "finished without error (incarnation 1)") {
		t.Error(got)
	}
	refusedWith(t, exit.Usage, "did you mean shop/db?", "why", "shop/bd")
}

// All ends are told in full if that is wanted, with those that were asked for.
func TestWhyAll(t *testing.T) {
	s := startShop(t)
	s.crash(t, s.db, "disk full")
	stdoutOf(t, "stop", "shop/db")
	diffText(t, `
shop/db  down for SPAN, incarnation 2

AGO, at TIME  stopped as told (incarnation 2)
  because     it was told to stop: no failure came before
  decision    not restarted for this, and nothing was counted

AGO, at TIME  disk full (incarnation 1)
  because     of itself: no other failure came before
  decision    shop restarted shop/db, shop/web together: restart 1 of 3 within 5s
  stopped     shop/web, shop/web/cache, shop/web/api
  started     shop/db, shop/web, shop/web/api, shop/web/cache

shop has spent 1 of 3 restarts within 5s; the oldest counts until TIME, SPAN from now.
`, stable(stdoutOf(t, "why", "--all", "shop/db")))
}
