package misbehave

// jsonLines writes what the loggers of this world write, and what looks like it.
func jsonLines(o *Options) error {
	return o.lines(
		// hclog, zap, slog, logrus, zerolog
		`{"@level":"warn","@message":"hclog","@module":"app.db","@timestamp":"2026-01-02T03:04:05.678901Z","n":1}`,
		`{"level":"error","ts":1767323045.678,"caller":"app/main.go:12","msg":"zap","n":1}`,
		`{"time":"2026-01-02T03:04:05.678901234Z","level":"DEBUG","msg":"slog","group":{"n":1}}`,
		`{"level":"warning","msg":"logrus","n":1,"time":"2026-01-02T03:04:05Z"}`,
		`{"level":"trace","n":1,"time":1767323045,"message":"zerolog"}`,
		// pino, bunyan, winston
		`{"level":50,"time":1767323045678,"pid":7,"hostname":"h","msg":"pino"}`,
		`{"name":"app","hostname":"h","pid":7,"level":60,"msg":"bunyan","time":"2026-01-02T03:04:05.678Z","v":0}`,
		`{"level":"info","message":"winston","timestamp":"2026-01-02T03:04:05.678Z"}`,
		// python-json-logger, structlog, Logback, Serilog, Elastic, Google Cloud
		`{"asctime":"2026-01-02 03:04:05,678","levelname":"CRITICAL","name":"app","message":"python"}`,
		`{"event":"structlog","level":"warning","timestamp":"2026-01-02T03:04:05.678901Z"}`,
		`{"@timestamp":"2026-01-02T03:04:05.678Z","@version":"1","message":"logback","logger_name":"App","thread_name":"main","level":"WARN","level_value":30000}`,
		`{"@t":"2026-01-02T03:04:05.678Z","@mt":"serilog {N}","@l":"Warning","N":1}`,
		`{"@timestamp":"2026-01-02T03:04:05.678Z","log.level":"ERROR","message":"ecs","ecs.version":"1.2.0"}`,
		`{"severity":"ERROR","message":"google","time":"2026-01-02T03:04:05Z"}`,
		// JSON, but no log record
		`{}`,
		`[1,2,3]`,
		`"a string"`,
		`{"level":{"nested":true},"msg":["not","text"]}`,
		`{"level":"no-such-level","msg":"unknown level"}`,
		`{"level":"info","msg":"twice","msg":"twice, the second"}`,
		`{"level":"info","msg":"with escapes\n\u001b[2J\u0000"}`,
		// no JSON, though it begins like it
		`{"level":"error","msg":"cut off`,
		`{"level":"info","msg":"two"}{"level":"info","msg":"on a line"}`,
		`{level: info, msg: 'no quotes'}`,
		`plain text`,
	)
}
