package nodeipc

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
)

func TestInternal(t *testing.T) {
	for message, want := range map[string]string{
		`"NODE_HANDLE"`:                          "",
		`["cmd","NODE_HANDLE"]`:                  "",
		`{"cmd":"NODE_HANDLE"}`:                  "NODE_HANDLE",
		` { "x" : 1, "cmd" : "NODE_CLUSTER" } `:  "NODE_CLUSTER",
		`{"cmd":"NODE_"}`:                        "",
		`{"cmd":"NODE"}`:                         "",
		`{"cmd":"XNODE_A"}`:                      "",
		`{"CMD":"NODE_HANDLE"}`:                  "",
		`{"cmd":["NODE_HANDLE"]}`:                "",
		`{"cmd":null,"x":"NODE_HANDLE"}`:         "",
		`{"msg":{"cmd":"NODE_HANDLE"}}`:          "",
		`{"cmd":"NODE_A","cmd":"b"}`:             "", // as JSON.parse: the last counts
		`{"cmd":"b","cmd":"NODE_A"}`:             "NODE_A",
		`{"\u0063md":"\u004eODE\u005fX"}`:        "NODE_X",
		`{"cmd":"\u0062","text":"NODE_HANDLE "}`: "",
		`null`:                                   "",
	} {
		if got := internal(json.RawMessage(message)); got != want {
			t.Errorf("internal(%s) = %q, want %q", message, got, want)
		}
	}
}

func TestEncode(t *testing.T) {
	for _, test := range []struct {
		v    any
		want string
	}{
		{"ready", `"ready"`},
		{map[string]any{"a": "x\ny"}, `{"a":"x\ny"}`},
		{json.RawMessage("{\n \"a\": 1\n}"), `{"a":1}`},
		{false, "false"},
		{0, "0"},
	} {
		got, err := encode(test.v)
		if err != nil || string(got) != test.want+"\n" {
			t.Errorf("encode(%v) = %q, %v; want %q and a newline", test.v, got, err, test.want)
		}
	}
	for _, v := range []any{nil, (*int)(nil), math.NaN(), make(chan int), json.RawMessage("{")} {
		if got, err := encode(v); err == nil {
			t.Errorf("encode(%v) = %q, want an error", v, got)
		}
	}
	if _, err := encode(strings.Repeat("x", MaxMessage-2)); err != nil {
		t.Errorf("the longest message: %v", err)
	}
	if _, err := encode(strings.Repeat("x", MaxMessage-1)); !errors.Is(err, ErrTooLong) {
		t.Errorf("a longer message: error is %v, want ErrTooLong", err)
	}
}

func TestCheckEnv(t *testing.T) {
	if err := CheckEnv([]string{"A=1", "NODE_CHANNEL_SERIALIZATION_MODE=json"}); err != nil {
		t.Errorf("json: %v", err)
	}
	if err := CheckEnv([]string{"NODE_CHANNEL_SERIALIZATION_MODE=advanced"}); !errors.Is(err, ErrAdvanced) {
		t.Errorf("advanced: error is %v, want ErrAdvanced", err)
	}
	for _, kv := range []string{"NODE_CHANNEL_SERIALIZATION_MODE=xml", "NODE_CHANNEL_FD=3"} {
		if err := CheckEnv([]string{kv}); err == nil || !strings.Contains(err.Error(), kv) {
			t.Errorf("%s: error is %v, want one that quotes it", kv, err)
		}
	}
}
