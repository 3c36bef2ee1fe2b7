#!/usr/bin/env bash
# A hunt in shards under GNU parallel: on this machine, or on others with SSHLOGIN.
#
#   gnu-parallel.sh SCENARIO.toml A..B SHARDS WORKERS DIR
#
# The merged report is DIR/report.json. The same call goes on where an earlier one was ended: shards that
# are through are not run again.
set -euo pipefail

if [ $# -ne 5 ]; then
    echo "usage: $0 SCENARIO.toml A..B SHARDS WORKERS DIR" >&2
    exit 2
fi
export SCENARIO=$1 SEEDS=$2 SHARDS=$3 DIR=$5
export FENCEPOST=${FENCEPOST:-fencepost}
workers=$4

shard() {
    status=0
    "$FENCEPOST" hunt "$SCENARIO" --seeds "$SEEDS" --shard "$1/$SHARDS" --jobs 1 \
        --out "$DIR/shard-$1" > /dev/null || status=$?
    # 1 says that a shard by itself is not what the scenario expects: that is asked of the whole.
    [ "$status" -le 1 ]
}
export -f shard

# Without SSHLOGIN, `:` is this machine. On others, scenario, program and DIR must be at the same paths.
seq "$SHARDS" | parallel --will-cite --jobs "$workers" --halt soon,fail=1 --line-buffer \
    --sshlogin "${SSHLOGIN:-:}" --env shard --env SCENARIO --env SEEDS --env SHARDS --env DIR \
    --env FENCEPOST shard

shards=()
for number in $(seq "$SHARDS"); do
    shards+=("$DIR/shard-$number")
done
status=0
"$FENCEPOST" merge "${shards[@]}" --format json --out "$DIR/report.json" || status=$?
if [ "$status" -le 1 ]; then
    "$FENCEPOST" merge "$DIR/report.json" || true
fi
exit "$status"
