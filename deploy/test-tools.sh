#!/bin/sh
# Brings what the tests drive from outside Python: Chromium and Redis. Says plainly what will be skipped without them.
set -eu
has() { command -v "$1" >/dev/null 2>&1; }
browser() { has chromium || has chromium-browser || has google-chrome || [ -x "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" ]; }

missing=""
browser || missing="$missing chromium chromium-driver"
has redis-server || missing="$missing redis-server"
[ -z "$missing" ] && exit 0

if has apt-get; then
  root=""
  [ "$(id -u)" = 0 ] || root="sudo -n"
  echo "Installing$missing with apt …"
  # shellcheck disable=SC2086
  ( $root apt-get update -qq && DEBIAN_FRONTEND=noninteractive $root apt-get install -y -qq $missing ) >/dev/null 2>&1 || true
fi
browser || echo "SKIPPED: browser tests, because no Chromium or Chrome is on this machine and it could not be installed."
has redis-server || echo "SKIPPED: tests of the shared frame cache, because redis-server is not on this machine and could not be installed."
exit 0
