package load

import (
	"reflect"
	"testing"

	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/worker"
)

// incomparable are the fields that Compare leaves to others, and why.
var incomparable = map[string]string{
	"Child.ID":       "by it a child is found in the other file",
	"Spec.Children":  "they are compared, each for itself",
	"Child.Start":    beyond["Child.Start"],
	"Spec.Dynamic":   beyond["Spec.Dynamic"],
	"Spec.Logger":    beyond["Spec.Logger"],
	"Spec.Sink":      beyond["Spec.Sink"],
	"Command.OnLine": beyond["Command.OnLine"],
}

// A field that is added to what a file describes is compared: a change of any is
// noticed.
func TestCompareKnowsEveryField(t *testing.T) {
	type everything struct {
		Spec    tree.Spec
		Child   tree.Child
		Command worker.Command
	}
	file := func(e *everything) *File {
		f := &File{Name: "t", Spec: e.Spec, Commands: map[string]worker.Command{"t/a": e.Command}}
		f.Spec.Children = []tree.Child{e.Child}
		f.Spec.Children[0].ID, f.Spec.Children[0].Start = "a", tree.Of(e.Command.Process)
		return f
	}
	var old, changed everything
	fill(t, reflect.ValueOf(&old).Elem())
	fill(t, reflect.ValueOf(&changed).Elem())
	before := file(&old)
	fields := 0
	leaves(reflect.ValueOf(&changed).Elem(), "", func(name string, leaf reflect.Value) {
		if incomparable[name] != "" {
			return
		}
		fields++
		was := reflect.ValueOf(leaf.Interface())
		leaf.Set(another(leaf))
		if Compare(before, file(&changed)) == nil {
			t.Errorf("a change of %s is not noticed: give it an aspect, or say in incomparable why it needs none", name)
		}
		leaf.Set(was)
		if got := Compare(before, file(&changed)); got != nil {
			t.Fatalf("after %s the test has left %v", name, got)
		}
	})
	if fields < 50 {
		t.Errorf("%d fields were changed", fields)
	}
}

// A check differs from all others, as what it is and in each field.
func TestCompareKnowsEveryCheck(t *testing.T) {
	checks := []worker.Check{nil, worker.TCP("x"), worker.TCP("y"), worker.Run{"x"}, worker.Run{"x", "y"}, worker.Line("x"), worker.Line("y"),
		worker.Notify{}, worker.NodeReady{}, worker.HTTP{URL: "x"}, worker.HTTP{URL: "y"}}
	for i := range reflect.TypeFor[worker.HTTP]().NumField() {
		get := worker.HTTP{URL: "z"}
		fill(t, reflect.ValueOf(&get).Elem().Field(i))
		if get.URL == "z" {
			checks = append(checks, get)
		}
	}
	for i, a := range checks {
		for j, b := range checks {
			for name, cmd := range map[string]func(worker.Check) worker.Command{
				"ready": func(c worker.Check) worker.Command { return worker.Command{Ready: c} },
				"alive": func(c worker.Check) worker.Command { return worker.Command{Alive: worker.Liveness{Check: c}} },
			} {
				one, other := cmd(a), cmd(b)
				if same := fingerprintOf(&one) == fingerprintOf(&other); same != (i == j) {
					t.Errorf("%s: %#v and %#v are the same: %v", name, a, b, same)
				}
			}
		}
	}
}

// fill sets every field below v.
func fill(t *testing.T, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if name := v.Type().Name() + "." + v.Type().Field(i).Name; incomparable[name] == "" {
				fill(t, v.Field(i))
			}
		}
		if limit, ok := v.Addr().Interface().(*worker.Rlimit); ok {
			limit.Resource = "nofile"
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(t, v.Index(0))
	case reflect.Interface:
		v.Set(reflect.ValueOf(worker.TCP("x")))
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Uint8:
		v.SetUint(1)
	case reflect.Uint64:
		v.SetUint(7)
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	case reflect.Float64:
		v.SetFloat(7)
	default:
		t.Fatalf("the test does not know how to fill a %v", v.Type())
	}
}

// leaves visits what has no fields below v, named by the type that it is a field of.
func leaves(v reflect.Value, name string, visit func(name string, leaf reflect.Value)) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			leaves(v.Field(i), v.Type().Name()+"."+v.Type().Field(i).Name, visit)
		}
	case reflect.Pointer:
		if v.IsNil() {
			visit(name, v)
			return
		}
		leaves(v.Elem(), name, visit)
	case reflect.Slice:
		if v.Type().Elem().Kind() != reflect.Struct || v.Len() == 0 {
			visit(name, v)
			return
		}
		leaves(v.Index(0), name, visit)
	default:
		visit(name, v)
	}
}

// another is a value that differs from that of fill.
func another(v reflect.Value) reflect.Value {
	switch v.Interface().(type) {
	case string:
		return reflect.ValueOf(map[string]string{"x": "y", "nofile": "nproc"}[v.String()])
	case []string:
		return reflect.ValueOf([]string{"x", "y"})
	}
	to := reflect.New(v.Type()).Elem()
	if v.CanInt() {
		to.SetInt(8) // its zero may stand for a default
	}
	return to
}
