"""The rows of 3D-AG's comparisons: their settings' files, what each has, and what the paper prints for it."""

from __future__ import annotations

import dataclasses

YES = "✓"


@dataclasses.dataclass(frozen=True)
class Row:
    """A line of a table: the settings' file, what it has, and what the paper prints for it."""

    name: str
    label: str
    ticks: tuple[str, ...] = ()
    paper: tuple[str, ...] = ()


TABLE_II = (
    Row("II_a", "a. anchor1", ("", YES, "", ""), ("0.839 / 0.896",)),
    Row("II_b", "b. anchor1", ("", "", YES, ""), ("0.868 / 0.941",)),
    Row("II_c", "c. anchor1", (YES, YES, "", ""), ("0.898 / 0.956",)),
    Row("II_d", "d. anchor1", (YES, "", YES, ""), ("0.910 / 0.982",)),
    Row("II_e", "e. anchor2", (YES, "", YES, ""), ("0.899 / 0.970",)),
    Row("II_f", "f. anchor1", (YES, "", YES, YES), ("0.917 / 0.977",)),
)
TABLE_III = (
    Row("III_96", "crop 96", (YES, "", YES, ""), ("0.911 / 0.970", "0.889 / 0.946", "0.917 / 0.970")),
    Row(
        "III_96_magnify", "crop 96", (YES, YES, YES, ""), ("0.916 / 0.977", "0.902 / 0.963", "0.919 / 0.976")
    ),
    Row(
        "III_96_alternating",
        "crop 96",
        (YES, YES, "", YES),
        ("0.908 / 0.972", "0.894 / 0.962", "0.912 / 0.972"),
    ),
    Row("III_128", "crop 128", (YES, "", YES, ""), ("0.923 / 0.976", "0.889 / 0.944", "0.926 / 0.976")),
    Row(
        "III_128_magnify",
        "crop 128",
        (YES, YES, YES, ""),
        ("0.925 / 0.983", "0.905 / 0.957", "0.930 / 0.981"),
    ),
    Row(
        "III_128_sampled_no_da",
        "crop 128 †",
        ("", "", YES, ""),
        ("0.920 / 0.972", "0.895 / 0.955", "0.926 / 0.964"),
    ),
    Row(
        "III_128_sampled",
        "crop 128 †",
        (YES, "", YES, ""),
        ("0.930 / 0.983", "0.908 / 0.963", "0.939 / 0.985"),
    ),
    Row(
        "III_128_sampled_magnify",
        "crop 128 †",
        (YES, YES, YES, ""),
        ("0.928 / 0.984", "0.914 / 0.968", "0.935 / 0.983"),
    ),
)
MERGED = ("III_128_sampled", "III_128_sampled_magnify")
MERGED_ROWS = (
    Row("intersection", "merged (intersection)", (YES, YES, YES, ""), ("-", "-", "0.943 / 0.979")),
    Row("union", "merged (union)", (YES, YES, YES, ""), ("-", "-", "0.942 / 0.991")),
)
OTHERS = (
    Row("shipped", "as shipped: γ 2, IoU+ 0.35"),
    Row("printed", "as printed: γ 5, IoU+ 0.5"),
    Row("printed_gamma", "γ 5"),
    Row("printed_iou", "IoU+ 0.5"),
    Row("deeplesion", "anchors for DeepLesion"),
    Row("anchor_32", "a 32 mm anchor"),
    Row("overlap", "a 32 mm anchor, overlap term"),
)
EVERY = (*TABLE_II, *TABLE_III, *OTHERS)
