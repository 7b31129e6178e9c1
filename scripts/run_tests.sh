#!/bin/sh
# Every test, in four parts at once: what runs the house for real (workers, browsers) mostly waits, the rest computes.
# With arguments, one plain pytest run with them. Usage: scripts/run_tests.sh PYTHON [ARGUMENT...]
set -u
python=$1
shift
if [ $# -gt 0 ]; then
    exec "$python" -m pytest "$@"
fi
said=$(mktemp -d)
"$python" -m pytest --ignore=tests/worker --ignore=tests/browser --ignore=tests/faults >"$said/rest" 2>&1 &
rest=$!
"$python" -m pytest tests/browser >"$said/browser" 2>&1 &
browser=$!
"$python" -m pytest tests/worker/test_[n-z]*.py >"$said/worker" 2>&1 &
worker=$!
trap 'kill "$rest" "$browser" "$worker" 2>/dev/null; rm -rf "$said"; exit 130' INT TERM
# The one that is seen while it runs.
"$python" -m pytest tests/faults tests/worker/test_[a-m]*.py
failed=$?
for part in "$worker" "$browser" "$rest"; do
    wait "$part" || failed=1
done
cat "$said/worker" "$said/browser" "$said/rest"
rm -rf "$said"
exit "$failed"
