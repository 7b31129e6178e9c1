#!/bin/sh
# Every test, in two halves at once: what runs the house for real (workers, browsers) mostly waits, the rest computes.
# With arguments, one plain pytest run with them. Usage: scripts/run_tests.sh PYTHON [ARGUMENT...]
set -u
python=$1
shift
if [ $# -gt 0 ]; then
    exec "$python" -m pytest "$@"
fi
said=$(mktemp)
"$python" -m pytest --ignore=tests/worker --ignore=tests/browser >"$said" 2>&1 &
other=$!
trap 'kill "$other" 2>/dev/null; rm -f "$said"; exit 130' INT TERM
"$python" -m pytest tests/worker tests/browser
house=$?
wait "$other"
rest=$?
cat "$said"
rm -f "$said"
[ "$house" -eq 0 ] && [ "$rest" -eq 0 ]
