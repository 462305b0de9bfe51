#!/usr/bin/env bash
# Tries the GIMP plug-in in GIMP 3.0 from Debian trixie: scripts/hosts/gimp.sh FOLDER. It is installed by
# `retouch install-plugin`, fills by its program and by a server in GIMP's batch interpreter, and shows its dialogue on
# a virtual screen; the pictures lie in FOLDER/tmp then.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=${1:?name a folder outside of the clone}
trap 'umount -l "$root/proc" "$root/dev"' EXIT # or who removes the folder would remove devices
"$here/trixie.sh" "$root"
cat >"$root/tmp/gimp.sh" <<'INSIDE'
set -eu
trap 'trap "" TERM; kill 0' EXIT # all that was started here, this included
export HOME=/root XDG_RUNTIME_DIR=/tmp DISPLAY=:77 NO_AT_BRIDGE=1 RETOUCH_SESSIONS=/tmp/sessions
retouch="/opt/retouch/bin/python -m retouch" scripts=/opt/clone/scripts/hosts
mkdir -p ~/.config/GIMP/3.0
grep -qs welcome ~/.config/GIMP/3.0/gimprc || echo '(show-welcome-dialog no)' >>~/.config/GIMP/3.0/gimprc
cases() {
    $retouch install-plugin gimp "$@"
    gimp-console --quit --batch-interpreter python-fu-eval -b "exec(open('$scripts/gimp_cases.py').read())" \
        2>&1 | tee /tmp/gimp.log | grep -v "^right" || true
    grep -q "^all right" /tmp/gimp.log
}
cases
$retouch serve --port 8931 & server=$!
sleep 5
RETOUCH_CASES="every_kind options" cases --server http://127.0.0.1:8931
kill $server

$retouch install-plugin gimp
Xvfb :77 -screen 0 1280x800x24 >/dev/null 2>&1 &
sleep 2
openbox >/dev/null 2>&1 &
gimp --no-splash /opt/clone/examples/photo.jpg --batch-interpreter python-fu-eval \
    -b "exec(open('$scripts/gimp_dialog.py').read())" >/tmp/dialog.log 2>&1 &
title="Fill selection with retouch"
for _ in $(seq 90); do xdotool search --name "$title" >/dev/null 2>&1 && break || sleep 1; done
dialog=$(xdotool search --name "$title" | tail -1)
xdotool windowmove "$dialog" 0 270 mousemove 1200 780
sleep 3
scrot -o /tmp/dialog.png
xdotool windowactivate --sync "$dialog" key Return
sleep 1
scrot -o /tmp/during.png
for _ in $(seq 60); do grep -q PDB_ /tmp/dialog.log && break || sleep 1; done
grep -q PDB_SUCCESS /tmp/dialog.log
sleep 2
scrot -o /tmp/filled.png
xdotool windowactivate --sync "$(xdotool search --name '– GIMP' | tail -1)" key ctrl+z
sleep 2
scrot -o /tmp/undone.png
$retouch install-plugin gimp --uninstall
INSIDE
chroot "$root" setsid --wait bash /tmp/gimp.sh
