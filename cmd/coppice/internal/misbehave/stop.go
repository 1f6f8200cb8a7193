package misbehave

import (
	"os"
	"os/signal"
	"syscall"
	"time"
)

func ignoreTerm(o *Options) error {
	ignoreStops()
	return o.settleAndLinger()
}

// awaitTerm is ready, and returns when SIGTERM came.
func (o *Options) awaitTerm() (<-chan os.Signal, error) {
	terms := make(chan os.Signal, 2)
	signal.Notify(terms, syscall.SIGTERM)
	if err := o.settled(); err != nil {
		return nil, err
	}
	<-terms
	return terms, nil
}

func lateExit(o *Options) error {
	if _, err := o.awaitTerm(); err != nil {
		return err
	}
	time.Sleep(o.For)
	return nil
}

func failStop(o *Options) error {
	if _, err := o.awaitTerm(); err != nil {
		return err
	}
	os.Exit(o.Code)
	return nil
}

func secondTerm(o *Options) error {
	terms, err := o.awaitTerm()
	if err != nil {
		return err
	}
	<-terms
	return nil
}

// extendStop: an extension must come before the deadline that it extends
// (sd_notify(3)), hence twice in each.
func extendStop(o *Options) error {
	if err := notifiable(); err != nil {
		return err
	}
	if _, err := o.awaitTerm(); err != nil {
		return err
	}
	if err := notify("STOPPING=1"); err != nil {
		return err
	}
	for end := time.Now().Add(o.For); ; {
		left := time.Until(end)
		if left <= 0 {
			return nil
		}
		if err := notify("EXTEND_TIMEOUT_USEC=1000000"); err != nil {
			return err
		}
		time.Sleep(min(left, time.Second/2))
	}
}
