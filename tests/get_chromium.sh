#!/bin/sh
# Browser tests use the Chromium or Chrome that is there. On Debian, as root, install it where it
# is missing; elsewhere the tests say in one line that they were skipped.
for name in chromium chromium-browser google-chrome chrome; do
    command -v "$name" >/dev/null 2>&1 && exit 0
done
[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 || exit 0
echo "Installing Debian's chromium for the browser tests (once) …"
log=$(mktemp)
{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium; } >"$log" 2>&1 ||
    { tail -n 5 "$log"; echo "chromium could not be installed: the browser tests will be skipped"; }
