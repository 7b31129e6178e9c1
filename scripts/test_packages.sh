#!/bin/sh
# What the tests need from Debian: installed when root and missing, else what will be skipped is named.
set -eu

packages=""
if ! command -v chromium >/dev/null 2>&1 && ! command -v chromium-browser >/dev/null 2>&1 &&
    ! command -v google-chrome >/dev/null 2>&1; then
    packages="chromium"
fi
has_font() { find /usr/share/fonts /usr/local/share/fonts "${HOME:-/nonexistent}/.fonts" -iname "$1" 2>/dev/null | grep -q .; }
has_font 'NotoSansCJK*' || packages="$packages fonts-noto-cjk"
has_font 'NotoColorEmoji*' || packages="$packages fonts-noto-color-emoji"

# The test of the distributed set-up starts its own servers from these; Debian keeps initdb out of PATH.
if ! command -v initdb >/dev/null 2>&1 && ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then
    packages="$packages postgresql"
fi
command -v redis-server >/dev/null 2>&1 || packages="$packages redis-server"
command -v ffmpeg >/dev/null 2>&1 || packages="$packages ffmpeg"

[ -n "$packages" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing for the tests:$(printf ' %s' $packages)"
    # shellcheck disable=SC2086 -- one word a package
    if { apt-get update -qq && apt-get install -y -qq --no-install-recommends $packages; } >/dev/null 2>&1 </dev/null; then
        exit 0
    fi
    echo "apt-get could not install them."
fi
echo "Missing here:$(printf ' %s' $packages). Where chromium is missing the browser tests are skipped; where only"
echo "fonts are, those that look at Chinese text or emoji; without postgresql or redis-server the one of the"
echo "distributed set-up; without ffmpeg those of frames and rare sounds. With CI=true a skipped test is a failure."
