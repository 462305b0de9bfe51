#!/usr/bin/env bash
# Tries the storage in darktable 5.0 from Debian trixie, on a virtual screen: scripts/hosts/darktable.sh FOLDER. A photo
# is exported by darktable's own format, filled in a real `retouch edit`, and imported again. What is clicked in the
# export module is not tried, only what it calls.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=${1:?name a folder outside of the clone}
trap 'umount -l "$root/proc" "$root/dev"' EXIT # or who removes the folder would remove devices
"$here/trixie.sh" "$root"
cat >"$root/tmp/darktable.sh" <<'INSIDE'
set -eu
trap 'trap "" TERM; kill 0' EXIT # all that was started here, this included
export HOME=/root XDG_RUNTIME_DIR=/tmp DISPLAY=:78 NO_AT_BRIDGE=1 BROWSER=true
export RETOUCH_SESSIONS=/tmp/sessions RETOUCH_TRY=/tmp/photos
scripts=/opt/clone/scripts/hosts
rm -rf ~/.config/darktable $RETOUCH_TRY && mkdir -p ~/.config/darktable $RETOUCH_TRY
cp /opt/clone/examples/photo.jpg $RETOUCH_TRY/
luac5.4 -p /opt/clone/src/retouch/integrations/darktable/retouch.lua
/opt/retouch/bin/python -m retouch install-plugin darktable
Xvfb :78 -screen 0 1280x800x24 >/dev/null 2>&1 &
sleep 2
openbox >/dev/null 2>&1 &
darktable --library :memory: --conf opencl=FALSE --luacmd "dofile('$scripts/darktable_case.lua')" \
    >/tmp/darktable.log 2>&1 &
for _ in $(seq 90); do grep -q "at http\|^END" /tmp/darktable.log && break || sleep 1; done
/opt/retouch/bin/python $scripts/press_done.py "$(grep -o 'http://127.0.0.1:[0-9]*' /tmp/darktable.log | head -1)"
for _ in $(seq 30); do grep -q "^END" /tmp/darktable.log && break || sleep 1; done
scrot -o /tmp/darktable.png
grep "^right\|^WRONG" /tmp/darktable.log
test "$(grep -c ^right /tmp/darktable.log)" = 4
INSIDE
chroot "$root" setsid --wait bash /tmp/darktable.sh
