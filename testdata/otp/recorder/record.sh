#!/usr/bin/env bash
# Compiles the recorder to a temporary directory, runs it and leaves nothing behind.
# usage: record.sh [--write] [--runs N] DIR|FILE...    (see recorder.erl)
set -euo pipefail

if ! command -v erl >/dev/null || ! command -v erlc >/dev/null; then
	echo "Recording needs Erlang/OTP, and there is no erl or erlc here. On Debian:" >&2
	echo "    apt-get install -y --no-install-recommends erlang-base" >&2
	exit 1
fi

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tmp=$(mktemp -d)
pid=
cleanup() {
	if [ -n "$pid" ]; then
		kill -KILL "$pid"
		wait "$pid" || true
	fi 2>/dev/null
	rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

erlc -o "$tmp" "$here/scenario.erl" "$here/recorder.erl"

# Two schedulers, so that processes do run at the same time. A crash dump goes where
# it is removed. In the background, because bash takes signals only while it waits.
ERL_CRASH_DUMP=$tmp/erl_crash.dump \
	erl +S 2:2 +sbwt none +Bd -noinput -pa "$tmp" -run recorder main -extra "$@" &
pid=$!
status=0
wait "$pid" || status=$?
pid=
exit "$status"
