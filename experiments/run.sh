#!/usr/bin/env bash
# Train every variant of the characterisers under experiments/ (finished folds are kept) and write the report: experiments/run.sh DATA RUNS OUT
set -euo pipefail
cd "$(dirname "$0")/.."
data=$1 runs=$2 out=$3
for config in experiments/mtmr/*.toml experiments/mtcnn/*.toml; do
    network=$(basename "$(dirname "$config")")
    variant=$(basename "$config" .toml)
    [ -f "$runs/$network/$variant/oof.csv" ] && continue
    echo "$network/$variant"
    resume=()
    [ -f "$runs/$network/$variant/fold0.npz" ] && resume=(--resume)
    lungmtl train "$network" --data "$data" --out "$runs/$network/$variant" --config "$config" "${resume[@]}"
done
python experiments/characterisation/shipped.py --data "$data" --runs "$runs"
lungmtl report --data "$data" --runs "$runs" --out "$out"
