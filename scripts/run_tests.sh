#!/bin/sh
# Every test, in three parts at once: what runs the house for real (workers, browsers) mostly waits, the rest computes.
# With arguments, one plain pytest run with them. Usage: scripts/run_tests.sh PYTHON [ARGUMENT...]
set -u
python=$1
shift
if [ $# -gt 0 ]; then
    exec "$python" -m pytest "$@"
fi
said=$(mktemp -d)
"$python" -m pytest --ignore=tests/worker --ignore=tests/browser >"$said/rest" 2>&1 &
rest=$!
"$python" -m pytest tests/browser >"$said/browser" 2>&1 &
browser=$!
trap 'kill "$rest" "$browser" 2>/dev/null; rm -rf "$said"; exit 130' INT TERM
"$python" -m pytest tests/worker
failed=$?
for part in "$browser" "$rest"; do
    wait "$part" || failed=1
done
cat "$said/browser" "$said/rest"
rm -rf "$said"
exit "$failed"
