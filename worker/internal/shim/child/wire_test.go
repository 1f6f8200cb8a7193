//go:build linux

package child

import (
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var orders = []Order{
	{Argv: []string{}, Env: []string{}, Steps: []Step{}},
	{
		Path: "/bin/\xff\n", Argv: []string{"a", "", "\xfe"}, Env: []string{"A=", "=", ""},
		Steps: []Step{
			{Op: Umask, Nums: []uint64{0o22}},
			{Op: Nice, Nums: []uint64{^uint64(6)}},
			{Op: Limit, Nums: []uint64{7, 0, ^uint64(0)}},
			{Op: Groups, Nums: []uint64{}},
			{Op: Groups, Nums: []uint64{1, 2, 3}},
			{Op: Chdir, Nums: []uint64{}, Text: "/a b"},
		},
	},
}

func TestOrder(t *testing.T) {
	for _, want := range orders {
		b := want.Encode()
		if n := binary.NativeEndian.Uint32(b); int(n) != len(b)-lengthSize {
			t.Errorf("the length says %d, of %d", n, len(b)-lengthSize)
		}
		got, err := decode(b[lengthSize:])
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, *got); diff != "" {
			t.Error(diff)
		}
		for n := range len(b) - lengthSize {
			if _, err := decode(b[lengthSize : lengthSize+n]); err == nil {
				t.Errorf("decode accepts the first %d bytes of %q", n, b)
			}
		}
		if _, err := decode(append(b[lengthSize:], 0)); err == nil {
			t.Errorf("decode accepts more than %q", b)
		}
	}
	for _, bad := range []string{
		"p\x00" + "18446744073709551615\x00" + "0\x00" + "0\x00",      // arguments
		"p\x000\x000\x00" + "1\x00" + "99\x00" + "0\x00" + "\x00",     // no such Op
		"p\x000\x000\x00" + "1\x00" + "2\x00" + "0\x00" + "\x00",      // Umask without one
		"p\x000\x000\x00" + "1\x00" + "2\x00" + "1\x00x\x00" + "\x00", // no number
	} {
		if o, err := decode([]byte(bad)); err == nil {
			t.Errorf("decode makes %+v of %q", o, bad)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, o := range orders {
		f.Add(o.Encode()[lengthSize:])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := decode(b)
		if err != nil {
			return
		}
		again, err := decode(o.Encode()[lengthSize:])
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(o, again); diff != "" {
			t.Error(diff)
		}
	})
}
