// Package chaos does harm to a supervision tree on purpose, and says afterwards
// whether the tree behaved as it should: not only whether it came back, but
// whether it restarted those whom its strategy names, in order, no more often than
// its intensity allows, never two incarnations of a child side by side, and left
// nothing behind. What is to be done is told by a plan and a seed; what was done
// and seen is kept in a journal; package check judges it, from the events of the
// tree and from /proc, without a line of code in common with the supervisor.
//
// In a Go test of one's own tree:
//
//	func TestRecovery(t *testing.T) {
//		var in chaos.Injector // reaches the leaves that are goroutines
//		root, err := tree.New("shop", in.Spec(spec()))
//		if err != nil {
//			t.Fatal(err)
//		}
//		ctx, cancel := context.WithCancel(t.Context())
//		go root.Serve(ctx)
//		plan := &chaos.Plan{
//			Seed:   4711,
//			Steady: []chaos.Steady{chaos.AllReady{}, chaos.Availability{Child: "shop/web", AtLeast: 0.9}},
//			Method: []chaos.Step{
//				chaos.Storm{Over: 5 * time.Second, Rate: 4, Target: chaos.Target{Path: "shop/web/*"}},
//			},
//		}
//		journal, err := chaos.Run(ctx, chaos.Local(root), plan, chaos.Options{Injector: &in, Stop: cancel})
//		if err != nil {
//			t.Fatal(err)
//		}
//		if journal.Deviated {
//			journal.Summary(os.Stderr)
//			t.Error(journal.Invariants.Err())
//		}
//	}
//
// A tree of goroutines can be tested in a bubble of testing/synctest, where hours
// take no time. A tree in another process is a [Subject], too.
//
// # A run
//
// [Run] waits until the tree is up, makes of the plan and its seed a list of
// faults ([Plan.Expand]), and does them one after the other. Then, whatever has
// happened meanwhile, it heals: processes that were stopped go on, children that
// were stopped by request are started, limits are as before. It waits until the
// tree is quiet, ends it if that is wanted, and checks.
//
// [Classes] is the table of all faults. Signals are sent by pidfd, to the
// incarnation that is meant or to nobody. A fault that comes too late, or takes a
// right that is missing, is missed: the journal says so, and why.
//
// # What can be repeated
//
// The list of faults is the same for the same plan, seed and children, bit for
// bit, and a journal carries it: [Journal.Replay] does the same again. What real
// processes make of it is not: when the kernel runs whom, how long a start takes,
// which of two deaths is seen first. Two runs of one list differ in their events,
// and a fault may hit another incarnation. [Sim] is what can be repeated
// altogether: random trees in virtual time, without processes.
package chaos
