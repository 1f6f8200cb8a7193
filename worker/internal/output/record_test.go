package output

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-hclog"
)

func TestRecord(t *testing.T) {
	type fields []any
	for _, tt := range []struct {
		name, line string
		want       record
	}{
		{"hclog", `{"@level":"warn","@message":"slow","@module":"web","@timestamp":"2006-01-02T15:04:05.000000Z","took":"2s"}`,
			record{hclog.Warn, "slow", fields{"module", "web", "took", "2s"}}},
		{"zap", `{"level":"error","ts":1700000000.123,"caller":"main.go:12","msg":"no","stacktrace":"main.main\n\t/main.go:12"}`,
			record{hclog.Error, "no", fields{"caller", "main.go:12", "stacktrace", "main.main\n\t/main.go:12"}}},
		{"zerolog", `{"level":"debug","time":"2006-01-02T15:04:05Z","n":12345678901234567890,"message":"x"}`,
			record{hclog.Debug, "x", fields{"n", json.Number("12345678901234567890")}}},
		{"slog", `{"time":"2006-01-02T15:04:05Z","level":"ERROR+4","msg":"no","req":{"method": "GET", "tags": [1, "a"]}}`,
			record{hclog.Error, "no", fields{"req", `{"method":"GET","tags":[1,"a"]}`}}},
		{"pino", `{"level":30,"time":1700000000000,"pid":7,"hostname":"h","msg":"hello"}`,
			record{hclog.Info, "hello", fields{"pid", json.Number("7"), "hostname", "h"}}},
		{"pino fatal", `{"level":60,"msg":"no"}`, record{hclog.Error, "no", nil}},
		{"bunyan", `{"name":"app","level":20,"msg":"x","time":"2006-01-02T15:04:05Z","v":0}`,
			record{hclog.Debug, "x", fields{"name", "app", "v", json.Number("0")}}},
		{"logrus", `{"level":"warning","msg":"hm","time":"2006-01-02T15:04:05Z","ok":true,"none":null}`,
			record{hclog.Warn, "hm", fields{"ok", true, "none", nil}}},
		{"severity", `{"severity":"CRITICAL","message":"no"}`, record{hclog.Error, "no", nil}},
		{"spaces", ` {"msg":"x"}`, record{}},
		{"spaces inside", `{ "msg" :	"x" , "a" : [ ] , "b" : 1 }`, record{0, "x", fields{"a", "[]", "b", json.Number("1")}}},
		{"level only", `{"level":"error","code":1}`, record{hclog.Error, "", fields{"code", json.Number("1")}}},
		{"unknown level", `{"level":"loud","msg":"x"}`, record{0, "x", fields{"level", "loud"}}},
		{"syslog number", `{"level":3,"msg":"x"}`, record{0, "x", fields{"level", json.Number("3")}}},
		{"first message counts", `{"msg":"a","message":"b"}`, record{0, "a", fields{"message", "b"}}},
		{"message is no string", `{"level":"info","msg":{"a":1}}`, record{hclog.Info, "", fields{"msg", `{"a":1}`}}},
		{"time is no time", `{"msg":"x","time":{"zone":"Z"}}`, record{0, "x", fields{"time", `{"zone":"Z"}`}}},
		{"escapes", `{"msg":"a\u001b[31m\n[ERROR] b\u00e4\ud83d\ude00","k\u0007":"\u009b\r"}`,
			record{0, `a\x1b[31m\x0a[ERROR] bä😀`, fields{`k\x07`, `\u009b\x0d`}}},
		{"quotes and braces in strings", `{"msg":"}\"{\\","a":{"b":"}]\\\""},"c":1}`,
			record{0, `}"{\`, fields{"a", `{"b":"}]\\\""}`, "c", json.Number("1")}}},
		{"no log record", `{"a":1}`, record{}},
		{"empty", `{}`, record{}},
		{"no JSON", `{hello}`, record{}},
		{"cut", `{"msg":"hello…`, record{}},
		{"array", `[{"msg":"x"}]`, record{}},
		{"two", `{"msg":"x"}{"msg":"y"}`, record{}},
	} {
		got, ok := parseRecord(tt.line)
		if isRecord := tt.want.level != 0 || tt.want.message != "" || tt.want.fields != nil; ok != isRecord {
			t.Errorf("%s: is a record: %v", tt.name, ok)
			continue
		}
		if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(record{})); ok && diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

// Of any JSON object each member is there, in order, and harmless.
func FuzzRecord(f *testing.F) {
	f.Add(`{"msg":"x","a":{"b":[1,2,"}"]},"c":null,"d":-1e5,"e":"\\\"\u001b"}`)
	f.Add(`{"@level":"warn","@message":"slow","@timestamp":"x"}`)
	f.Add(`{ }`)
	f.Fuzz(func(t *testing.T, line string) {
		line = string(appendHarmless(nil, []byte(line))) // as the cutter makes them
		r, ok := parseRecord(line)
		if !ok {
			return
		}
		dec := json.NewDecoder(strings.NewReader(line))
		dec.UseNumber()
		_, _ = dec.Token()
		at := 0
		for dec.More() {
			token, err := dec.Token()
			if err != nil {
				t.Fatalf("%q is taken for JSON: %v", line, err)
			}
			key := string(appendHarmless(nil, []byte(token.(string))))
			var value any
			if err := dec.Decode(&value); err != nil {
				t.Fatalf("%q is taken for JSON: %v", line, err)
			}
			if at < len(r.fields) && r.fields[at] == strings.TrimLeft(key, "@") && same(r.fields[at+1], value) {
				at += 2
				continue
			}
			switch key {
			case "@message", "msg", "message", "@level", "level", "severity", "@timestamp", "timestamp", "time", "ts":
			default:
				t.Errorf("%q: member %q is lost: %q", line, key, r.fields)
			}
		}
		if at != len(r.fields) {
			t.Errorf("%q: fields %q, %d of them known", line, r.fields, at)
		}
		for _, v := range append([]any{r.message}, r.fields...) {
			if s, ok := v.(string); ok && strings.ContainsFunc(s, func(c rune) bool { return c != '\n' && isControl(c) }) {
				t.Errorf("%q: %q is not harmless", line, s)
			}
		}
	})
}

// same compares a field with the value that encoding/json found.
func same(field, value any) bool {
	switch v := value.(type) {
	case string:
		var lines []string
		for _, line := range strings.Split(v, "\n") {
			lines = append(lines, string(appendHarmless(nil, []byte(line))))
		}
		return field == strings.Join(lines, "\n")
	case map[string]any, []any:
		var again any
		dec := json.NewDecoder(strings.NewReader(field.(string)))
		dec.UseNumber()
		return dec.Decode(&again) == nil && fmt.Sprint(again) == fmt.Sprint(value)
	}
	return field == value
}
