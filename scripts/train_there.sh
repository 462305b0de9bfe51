#!/bin/sh
# Train on a machine without a network, in the folder that `pack_training.py pack` made:
#
#     [NAME=VALUE…] sh train_there.sh [OPTION of retouch train…]
#
# It takes in what the pack brought, trains, and puts into OUT what should travel back. Several packs add up: what
# they bring stays in WORK, outside the pack, so a pack needs to bring only what is new. These can be set:
#
#     CONFIG   settings to start with: the name of a configuration of the pack, a file of the pack or a path (default
#              contextual-attention-paper); a run that goes on keeps its own, and --set changes them
#     MINUTES  train for so long, start-up included (default 60); the last validation, export and splitting come on top.
#              0: take in what was brought, put into OUT what is there, and do not train
#     RUN      name of the run (default run)
#     WORK     folder that stays (default ~/retouch-training): data/, masks/, site/, parts/, runs/
#     OUT      folder that travels back (default out, in the pack): weights, metrics.csv, newest grid
#     PARTS    parts of the newest checkpoint to put into OUT as well: all, 2 or 1-3 (default none)
#     PYTHON   Python 3.11 or newer with torch, numpy, opencv, safetensors, lightning, rich, typer and yaml
#
# Told to stop (SIGTERM, Ctrl-C), it lets training write its checkpoint and still fills OUT. It ends with the exit
# code of the training.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
: "${CONFIG:=contextual-attention-paper}" "${MINUTES:=60}" "${RUN:=run}" "${PARTS:=none}"
: "${WORK:=$HOME/retouch-training}" "${OUT:=$here/out}" "${PYTHON:=python3}"
run=$WORK/runs/$RUN
mkdir -p "$WORK/data" "$WORK/masks" "$WORK/site" "$WORK/parts/$RUN" "$run" "$OUT"
export PYTHONPATH="$here/code:$WORK/site${PYTHONPATH:+:$PYTHONPATH}" PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1

say() { echo "train_there.sh: $*" >&2; }
tool() { "$PYTHON" "$here/pack_training.py" "$@"; }
newest() { # the file of such a name that sorts last
    last=
    for each in "$@"; do if [ -f "$each" ]; then last=$each; fi; done
    echo "$last"
}
take() { # FOLDER FILE…: an interruption leaves no half file under its name
    folder=$1
    shift
    for file in "$@"; do
        if [ -f "$file" ]; then
            cp "$file" "$folder/.unfinished"
            mv "$folder/.unfinished" "$folder/${file##*/}"
        fi
    done
}

# What the pack brought.
for wheel in "$here"/wheels/*.whl; do
    [ -f "$wheel" ] || continue
    "$PYTHON" -m pip install --quiet --disable-pip-version-check --no-index --no-deps --upgrade \
        --target "$WORK/site" "$here"/wheels/*.whl
    break
done
take "$WORK/data" "$here"/data/*
take "$WORK/masks" "$here"/masks/*
take "$WORK/parts/$RUN" "$here"/run/*

# A checkpoint, once all its parts are here and the run has none as new.
manifest=$(newest "$WORK/parts/$RUN"/*.parts.json)
if [ -n "$manifest" ]; then
    brought=${manifest##*/}
    brought=${brought%.parts.json}
    own=$(newest "$run"/checkpoint-*.pt)
    if [ "$(printf '%s\n%s\n' "$brought" "${own##*/}" | LC_ALL=C sort | tail -n 1)" = "${own##*/}" ]; then
        say "the run is at ${own##*/} already; the checkpoint that was brought is left aside"
        rm -f "$WORK/parts/$RUN"/*
    elif tool join "$manifest" -o "$run"; then
        take "$run" "$WORK/parts/$RUN/config.yaml" "$WORK/parts/$RUN/metrics.csv"
        rm -f "$WORK/parts/$RUN"/*
    elif [ "$MINUTES" != 0 ]; then
        exit 2 # else training would begin anew without a word
    fi
fi

# Training.
code=0
if [ "$MINUTES" != 0 ]; then
    for file in "$here/configs/$CONFIG.yaml" "$here/$CONFIG"; do
        if [ -f "$file" ]; then
            CONFIG=$file
            break
        fi
    done
    resume=
    if [ -n "$(newest "$run"/checkpoint-*.pt)" ]; then
        resume=--resume
        if [ -f "$run/config.yaml" ]; then CONFIG=$run/config.yaml; fi
    fi
    masks=
    if [ -f "$CONFIG" ] && grep -q 'kind: objects' "$CONFIG"; then masks=--masks; fi
    case "$*" in *data.masks=*) masks= ;; esac # whoever changes the masks says whether they need silhouettes
    # In a process group of its own: training obeys a second signal at once, and is to get just one.
    own_group='import os, sys; os.setpgid(0, 0); os.execv(sys.executable, [sys.executable, *sys.argv[1:]])'
    "$PYTHON" -c "$own_group" -m retouch train "$CONFIG" --data "$WORK/data" ${masks:+--masks "$WORK/masks"} \
        --out "$run" $resume --minutes "$MINUTES" "$@" &
    child=$!
    trap 'trap "" TERM INT HUP; kill -TERM "$child" 2>/dev/null || :' TERM INT HUP
    wait "$child" || code=$?
    # A signal ends the first wait; the second one gets the exit code.
    while kill -0 "$child" 2>/dev/null; do
        code=0
        wait "$child" || code=$?
    done
    trap - TERM INT HUP
fi

# What travels back, in few files and without folders.
if [ -n "$(newest "$run"/checkpoint-*.pt)" ]; then
    rm -f "$OUT/$RUN".safetensors* "$OUT"/checkpoint-*.pt.part* "$OUT"/step-*.png
    if [ "$PARTS" != none ]; then
        tool split "$(newest "$run"/checkpoint-*.pt)" -o "$OUT" --parts "$PARTS"
    fi
    take "$OUT" "$run/config.yaml" "$run/metrics.csv" "$(newest "$run"/grids/step-*.png)"
    weights=$WORK/$RUN.safetensors
    if ! "$PYTHON" -m retouch export "$run" -o "$weights" --overwrite; then
        code=2
    elif [ "$(wc -c <"$weights")" -gt 15728640 ]; then
        tool split "$weights" -o "$OUT"
    else
        take "$OUT" "$weights"
    fi
else
    say "there is no checkpoint yet, so nothing travels back"
fi
exit "$code"
