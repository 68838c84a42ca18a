#!/bin/sh
# LUNA16's ten-fold cross-validation of 3D-AG: ten trainings on nine subsets each, and what each marks in the tenth.
# luna16_folds.sh LUNA16 OUT [options of lungmtl train]; scans are prepared once, by the first fold.
set -e
data=$1 out=$2
shift 2
from=$data
for fold in 0 1 2 3 4 5 6 7 8 9; do
    mkdir -p "$out/$fold"
    printf '[training]\ntest_folds = [%s]\n' "$fold" > "$out/$fold/settings.toml"
    lungmtl train ag3d --data "$from" --out "$out/$fold" --config "$out/$fold/settings.toml" "$@"
    lungmtl evaluate ag3d --data "$data" --weights "$out/$fold/ag3d.safetensors" --json "$out/$fold/marks.json"
    from=$out/0/prepared
done
