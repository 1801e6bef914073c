#!/bin/sh
# sh get_debian.sh PACKAGE COMMAND... installs a Debian package, as root, unless one of the commands
# is there. Elsewhere the tests that need it say in one line that they were skipped.
package=$1
shift
for name in "$@"; do
    command -v "$name" >/dev/null 2>&1 && exit 0
done
[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 || exit 0
echo "Installing Debian's $package for the tests (once) …"
log=$(mktemp)
{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$package"; } >"$log" 2>&1 ||
    { tail -n 5 "$log"; echo "$package could not be installed: tests that need it will be skipped"; }
