package probe

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errDown = errors.New("connection refused")

// script is a check whose attempts end as it says, and their times.
type script struct {
	began time.Time
	at    []time.Duration
	play  func(ctx context.Context, n int) error // n counts from 1
}

func newScript(play func(ctx context.Context, n int) error) *script {
	return &script{began: time.Now(), play: play}
}

func (s *script) check(ctx context.Context) error {
	s.at = append(s.at, time.Since(s.began))
	return s.play(ctx, len(s.at))
}

func (s *script) times() string { return strings.Trim(fmt.Sprint(s.at), "[]") }

func hang(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func within(d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), d)
}

func TestAwaitPauses(t *testing.T) {
	for _, tt := range []struct {
		name   string
		policy Policy
		for_   time.Duration
		want   string
	}{
		{"from 10 ms, by half each", Policy{}, 500 * time.Millisecond,
			"0s 10ms 25ms 47.5ms 81.25ms 131.875ms 207.8125ms 321.71875ms 492.578125ms"},
		{"up to Every", Policy{Every: 20 * time.Millisecond}, 100 * time.Millisecond, "0s 10ms 25ms 45ms 65ms 85ms"},
		{"a short Every", Policy{Every: time.Millisecond}, 3500 * time.Microsecond, "0s 1ms 2ms 3ms"},
		{"less than zero is the default", Policy{Every: -1, Timeout: -1, Failures: -1}, 30 * time.Millisecond, "0s 10ms 25ms"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := within(tt.for_)
				defer cancel()
				s := newScript(func(context.Context, int) error { return errDown })
				if err := Await(ctx, s.check, tt.policy); err == nil {
					t.Error("a check that always fails was good")
				}
				if got := s.times(); got != tt.want {
					t.Errorf("tried at %s\nwant     %s", got, tt.want)
				}
				if took := time.Since(s.began); took != tt.for_ {
					t.Errorf("took %v, want %v", took, tt.for_)
				}
			})
		})
	}
}

func TestAwaitPausesNoLongerThanHalfASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := within(time.Minute)
		defer cancel()
		s := newScript(func(context.Context, int) error { return errDown })
		_ = Await(ctx, s.check, Policy{})
		for i := 12; i < len(s.at); i++ {
			if pause := s.at[i] - s.at[i-1]; pause != 500*time.Millisecond {
				t.Errorf("pause %d is %v, want 500ms", i, pause)
			}
		}
		if n := len(s.at); n < 120 || n > 132 {
			t.Errorf("%d attempts in a minute", n)
		}
	})
}

func TestAwaitIsSoon(t *testing.T) {
	for _, start := range []time.Duration{0, time.Microsecond, time.Millisecond, 30 * time.Millisecond, 200 * time.Millisecond, 700 * time.Millisecond, 25 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			s := newScript(nil)
			s.play = func(context.Context, int) error {
				if time.Since(s.began) < start {
					return errDown
				}
				return nil
			}
			if err := Await(context.Background(), s.check, Policy{}); err != nil {
				t.Fatal(err)
			}
			if late, most := time.Since(s.began)-start, min(10*time.Millisecond+start/2, 500*time.Millisecond); late > most {
				t.Errorf("a start that took %v was noticed %v later, want %v at most", start, late, most)
			}
		})
	}
}

func TestAwaitSaysWhy(t *testing.T) {
	gaveUp := errors.New("the program ended")
	for _, tt := range []struct {
		name string
		play func(ctx context.Context, n int) error
		ctx  func() (context.Context, context.CancelFunc)
		want string
		is   []error
	}{
		{"the last failure", func(_ context.Context, n int) error { return fmt.Errorf("failure %d", n) },
			func() (context.Context, context.CancelFunc) { return within(30 * time.Millisecond) },
			"not ready after 30ms, 3 attempts; the last: failure 3", []error{context.DeadlineExceeded}},
		{"why it was ended early", func(context.Context, int) error { return errDown },
			func() (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancelCause(context.Background())
				timer := time.AfterFunc(5*time.Millisecond, func() { cancel(gaveUp) })
				return ctx, func() { timer.Stop() }
			},
			"not ready after 5ms (the program ended), 1 attempt; the last: connection refused", []error{gaveUp, errDown}},
		{"what was before an attempt that was cut short", func(ctx context.Context, n int) error {
			if n == 1 {
				return errDown
			}
			return hang(ctx)
		}, func() (context.Context, context.CancelFunc) { return within(500 * time.Millisecond) },
			"not ready after 500ms, 2 attempts; the last: connection refused", []error{errDown, context.DeadlineExceeded}},
		{"nothing else is known", func(ctx context.Context, _ int) error { return hang(ctx) },
			func() (context.Context, context.CancelFunc) { return within(500 * time.Millisecond) },
			"not ready after 500ms, 1 attempt; the last: context deadline exceeded", []error{context.DeadlineExceeded}},
		{"an attempt is bounded", func(ctx context.Context, _ int) error { return hang(ctx) },
			func() (context.Context, context.CancelFunc) { return within(2500 * time.Millisecond) },
			"not ready after 2.5s, 3 attempts; the last: no answer within 1s: context deadline exceeded", []error{context.DeadlineExceeded}},
		{"nothing was tried", nil,
			func() (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancel(context.Background())
				cancel()
				return ctx, cancel
			},
			"not ready after 0s (context canceled): no attempt was made", []error{context.Canceled}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := tt.ctx()
				defer cancel()
				err := Await(ctx, newScript(tt.play).check, Policy{})
				if err == nil || err.Error() != tt.want {
					t.Errorf("Await: %v\nwant   %s", err, tt.want)
				}
				for _, is := range tt.is {
					if !errors.Is(err, is) {
						t.Errorf("the error is not %v", is)
					}
				}
			})
		})
	}
}

func TestWatch(t *testing.T) {
	bad := func(ns ...int) func(context.Context, int) error { // fails at these attempts
		return func(_ context.Context, n int) error {
			for _, b := range ns {
				if b == n {
					return fmt.Errorf("failure %d", n)
				}
			}
			return nil
		}
	}
	always := func(context.Context, int) error { return errDown }
	for _, tt := range []struct {
		name   string
		policy Policy
		play   func(context.Context, int) error
		times  string
		want   string
	}{
		{"the defaults", Policy{}, bad(2, 3, 4), "10s 20s 30s 40s", "3 attempts failed in a row: failure 2; failure 3; failure 4"},
		{"one good attempt and they count anew", Policy{Every: time.Second}, bad(1, 2, 4, 5, 7, 8, 9), "1s 2s 3s 4s 5s 6s 7s 8s 9s",
			"3 attempts failed in a row: failure 7; failure 8; failure 9"},
		{"one is enough", Policy{Every: time.Second, Failures: 1}, bad(2), "1s 2s", "1 attempt failed in a row: failure 2"},
		{"the same each time", Policy{Every: time.Second}, always, "1s 2s 3s", "3 attempts failed in a row: connection refused"},
		{"the same for a while", Policy{Every: time.Second, Failures: 3}, func(_ context.Context, n int) error {
			if n == 3 {
				return errors.New("reset")
			}
			return errDown
		}, "1s 2s 3s", "3 attempts failed in a row: connection refused (2 times); reset"},
		{"more than can be told", Policy{Every: time.Second, Failures: 7}, bad(1, 2, 3, 4, 5, 6, 7), "1s 2s 3s 4s 5s 6s 7s",
			"7 attempts failed in a row, the last 5 of them: failure 3; failure 4; failure 5; failure 6; failure 7"},
		{"no answer", Policy{Every: 5 * time.Second, Failures: 2}, func(ctx context.Context, _ int) error { return hang(ctx) }, "5s 10s",
			"2 attempts failed in a row: no answer within 1s: context deadline exceeded"},
		{"attempts longer than the interval", Policy{Every: 2 * time.Second, Timeout: 3 * time.Second, Failures: 3},
			func(ctx context.Context, _ int) error { return hang(ctx) }, "2s 5s 8s",
			"3 attempts failed in a row: no answer within 3s: context deadline exceeded"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScript(tt.play)
				err := Watch(context.Background(), s.check, tt.policy)
				if err == nil || err.Error() != tt.want {
					t.Errorf("Watch: %v\nwant   %s", err, tt.want)
				}
				if got := s.times(); got != tt.times {
					t.Errorf("tried at %s\nwant     %s", got, tt.times)
				}
				var watch *WatchError
				if !errors.As(err, &watch) || len(watch.Errs) > maxTold {
					t.Errorf("%T with %d failures kept", err, len(watch.Errs))
				}
			})
		})
	}
}

func TestWatchEndsWithItsContext(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  time.Duration
		want int // attempts
	}{
		{"before the first attempt", 500 * time.Millisecond, 0},
		{"within the attempt that would be too many", 3500 * time.Millisecond, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := within(tt.end)
				defer cancel()
				s := newScript(func(ctx context.Context, n int) error {
					if n == 3 {
						return hang(ctx)
					}
					return errDown
				})
				if err := Watch(ctx, s.check, Policy{Every: time.Second}); err != nil {
					t.Errorf("Watch: %v, want nil", err)
				}
				if len(s.at) != tt.want || time.Since(s.began) != tt.end {
					t.Errorf("%d attempts in %v, want %d in %v", len(s.at), time.Since(s.began), tt.want, tt.end)
				}
			})
		})
	}
}
