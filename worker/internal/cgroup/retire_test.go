//go:build linux

package cgroup

import (
	"os"
	"testing"
	"time"
)

// A retired group is gone at once, and what held it a second after, unless
// another group is made.
func TestRetire(t *testing.T) {
	p := parent(t)
	for range 3 {
		g, err := p.New("a", Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if err := g.Retire(); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(g.dir); !os.IsNotExist(err) {
			t.Errorf("the group is there: %v", err)
		}
		if _, err := os.Stat(p.run); err != nil {
			t.Errorf("what holds it is gone: %v", err)
		}
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(p.run); os.IsNotExist(err) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("what held it stays")
		}
	}
	g, err := p.New("b", Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Remove(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(p.run); !os.IsNotExist(err) {
		t.Errorf("after the last one was removed: %v", err)
	}
}

// A group that could not be removed is when another one is made.
func TestAbandon(t *testing.T) {
	p := parent(t)
	g, err := p.New("a", Limits{})
	if err != nil {
		t.Fatal(err)
	}
	g.Abandon()
	other, err := p.New("b", Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(g.dir); !os.IsNotExist(err) {
		t.Errorf("it is there: %v", err)
	}
	if err := other.Remove(); err != nil {
		t.Fatal(err)
	}
}
