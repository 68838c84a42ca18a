"""Miniature sets in the published layouts, with pictures whose bright squares are the nodules."""

import json
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from PIL import Image

SIZE = (96, 128)
"""Height and width of the pictures, where a set does not prescribe it."""


def picture(boxes=(), size=SIZE, seed=0) -> np.ndarray:
    """uint8 noise of 60 to 100 with squares of 250 where the boxes (x, y, width, height) are."""
    values = np.random.default_rng(seed).integers(60, 100, size).astype(np.uint8)
    for x, y, w, h in boxes:
        values[int(y) : int(y + h), int(x) : int(x + w)] = 250
    return values


def save(values: np.ndarray, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".mha":
        sitk.WriteImage(sitk.GetImageFromArray(values), str(path))
    else:
        Image.fromarray(values).save(path)


def write_node21(folder: Path, suffix=".mha", radiographs=40) -> dict[str, list[tuple[int, int, int, int]]]:
    """Every second radiograph has a nodule, every fourth two; columns in pandas' order with its index."""
    truth = {}
    rows = [",height,img_name,label,width,x,y"]
    for i in range(radiographs):
        boxes = [(20 + i % 7, 30, 16, 12), (80, 50 + i % 5, 10, 20)][: 0 if i % 2 else 1 + (i % 4 == 0)]
        name = f"{'n' if boxes else 'c'}{i:04}{suffix}"
        save(picture(boxes, seed=i), folder / "images" / name)
        rows += [f"{len(rows) - 1},{h},{name},1,{w},{x},{y}" for x, y, w, h in boxes]
        if not boxes:
            rows.append(f"{len(rows) - 1},0,{name},0,0,0,0")
        truth[name] = boxes
    (folder / "metadata.csv").write_text("\n".join(rows) + "\n")
    return truth


def write_simulated(folder: Path) -> None:
    """Two radiographs on one background, one with a nodule, both with a sham and lung masks."""
    rows = ["img_name,height,width,x,y,label,background,diameter_mm,lungs"]
    for name, box in (("a_0.png", (20, 30, 16, 12)), ("a_1.png", None)):
        save(picture([box] if box else []), folder / "images" / name)
        lungs = np.zeros(SIZE, np.uint8)
        lungs[10:80, 10:50], lungs[10:80, 70:110] = 1, 2
        save(lungs, folder / "masks" / name)
        cells = (box[3], box[2], box[0], box[1], 1) if box else (0, 0, 0, 0, 0)
        rows.append(f"{name},{','.join(map(str, cells))},a,{'12.5' if box else ''},{name}")
    (folder / "metadata.csv").write_text("\n".join(rows) + "\n")
    (folder / "shams.csv").write_text("img_name,x,y,width,height\na_0.png,80,20,10,10\na_1.png,30,40,8,8\n")


NIH_HEADER = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
    "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y],"
)


def write_nih(folder: Path, side=64) -> None:
    """Four radiographs of three patients in two folders; one nodule with a box, one without, one other finding with a box."""
    rows = [
        ("images_001/images", "00000001_000.png", "Nodule|Effusion", 1),
        ("images_001/images", "00000001_001.png", "No Finding", 1),
        ("images_002/images", "00000002_000.png", "Mass", 2),
        ("images_002/images", "00000003_000.png", "Cardiomegaly", 3),
    ]
    for i, (place, name, _, _) in enumerate(rows):
        save(picture([(16, 32, 8, 4)] if i == 0 else [], (side, side), i), folder / place / name)
    lines = [f"{name},{labels},0,{p},058Y,M,PA,2682,2749,0.143,0.143," for _, name, labels, p in rows]
    lines.append(
        "00000009_000.png,Nodule,0,9,058Y,M,PA,2682,2749,0.143,0.143,"
    )  # a radiograph that is not there
    (folder / "Data_Entry_2017.csv").write_text("\r\n".join([NIH_HEADER, *lines]) + "\r\n")
    (folder / "BBox_List_2017.csv").write_text(
        "Image Index,Finding Label,Bbox [x,y,w,h],,,\n"
        "00000001_000.png,Nodule,256,512,128,64,,,\n"
        "00000001_000.png,Effusion,1,2,3,4,,,\n"
        "00000003_000.png,Cardiomegaly,5,6,7,8,,,\n"
        "00000009_000.png,Nodule,1,2,3,4,,,\n"
    )


JSRT_ROWS = (
    "JPCLN001.IMG\t5\t15\t53\tMale\t1634\t692\tmalignant\tl.upper lobe\tlung cancer\r"
    "JPCLN002.IMG\t1\t?\t?\tFemale\t1614\t1090\tbenign\tl.upper lobe(S5)\tpulmonary hæmatoma\r"
    "JPCLN003.IMG\t4\t21\t?\tFemale\t512\t600\tmalignant\tr.lower lobe\t?\r"
)


def write_jsrt(folder: Path, side=256, masks=True) -> None:
    """Three radiographs with a nodule and one without, as PNG copies of `side` pixels, with SCR's masks of half of that."""
    for i, name in enumerate(("JPCLN001", "JPCLN002", "JPCLN003", "JPCNN001")):
        save(picture((), (side, side), i), folder / "All247images" / f"{name}.png")
        if masks:
            half, fold = side // 2, f"fold{2 - i % 2}"
            for lung, columns in (
                ("right lung", slice(10, half // 2 - 4)),
                ("left lung", slice(half // 2 + 4, -10)),
            ):
                mask = np.zeros((half, half), np.uint8)
                mask[20:-20, columns] = 255
                save(mask, folder / "scratch" / fold / "masks" / lung / f"{name}.gif")
    clinical = folder / "Clinical_Information"
    clinical.mkdir(parents=True, exist_ok=True)
    (clinical / "CLNDAT_EN.txt").write_bytes(JSRT_ROWS.encode("latin-1"))


def write_coco_set(folder: Path) -> None:
    """Two radiographs, one with a nodule; the json in ``annotations``, a radiograph in a folder of its own."""
    save(picture([(20, 30, 16, 12)]), folder / "images" / "sub" / "a.png")
    save(picture(), folder / "images" / "b.png")
    document = {
        "images": [
            {"id": 1, "file_name": "sub/a.png", "height": SIZE[0], "width": SIZE[1]},
            {"id": 2, "file_name": "b.png", "height": SIZE[0], "width": SIZE[1]},
        ],
        "categories": [{"id": 4, "name": "Nodule/Mass"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 4, "bbox": [20, 30, 16, 12]}],
    }
    (folder / "annotations").mkdir()
    (folder / "annotations" / "instances.json").write_text(json.dumps(document))


def write_jsrt_rows(folder: Path, side=128) -> None:
    """Four radiographs of two folds in NODE21's columns, as copies of JSRT are published: two with a nodule of 14 mm, lungs."""
    rows = ["img_name,height,width,x,y,label,diameter_mm,lungs,fold,subtlety,malignancy"]
    size = 14 / (0.175 * 2048 / side)
    for i, subtlety in enumerate((5, 2, None, None)):
        name = f"JPCL{'N' if subtlety else 'C'}{i:03}"
        box = (30 + i, 40, size, size) if subtlety else None
        save(picture([box] if box else [], (side, side), i), folder / "images" / f"{name}.jpg")
        lungs = np.zeros((side, side), np.uint8)
        lungs[20:100, 12:56], lungs[20:100, 72:116] = 1, 2
        save(lungs, folder / "lungs" / f"{name}.png")
        cells = f"{size},{size},{30 + i},40,1,14" if box else "0,0,0,0,0,"
        rows.append(
            f"{name}.jpg,{cells},{name}.png,{i % 2},{subtlety or ''},{'benign' if box else 'non-nodule'}"
        )
    (folder / "metadata.csv").write_text("\n".join(rows) + "\n")


def write_nih_films(parent: Path, side=128) -> Path:
    """A selection with boxes, its controls in ``nih_clear``, one of its radiographs on its side in ``nih``; gives its folder."""
    boxed = parent / "nih_boxed"
    films = ["img_name,patient,fold,view,read_by,folder"]
    boxes = ["img_name,label,x,y,width,height,source"]
    unit = 1024 // side
    for i, (read_by, place) in enumerate(
        (("bbox2017", "nih_boxed"), ("chestxdet10", "nih_boxed"), ("bbox2017+chestxdet10", "nih"))
    ):
        name = f"0000000{i}_000"
        upright = picture([(24 + i, 40, 16, 12)], (side, side), i)
        if place == "nih":
            # On its side the head lies at the left.
            save(np.rot90(upright, 1), parent / place / f"{name}.png")
            (parent / place / "labels.csv").write_text(
                f"file,finding_labels,patient,rotated_90\n{name}.png,Mass,{i},1\n"
            )
        else:
            save(upright, boxed / "images" / f"{name}.jpg")
        films.append(f"{name}.jpg,0000000{i},{i % 2},PA,{read_by},{place}")
        boxes.append(
            f"{name}.jpg,Nodule,{(24 + i) * unit},{40 * unit},{16 * unit},{12 * unit},{read_by.split('+')[0]}"
        )
    (boxed / "films.csv").write_text("\n".join(films) + "\n")
    (boxed / "boxes.csv").write_text("\n".join(boxes) + "\n")
    clear = ["img_name,patient,fold,view,read_by,kind"]
    for i, kind in enumerate(("read", "read", "no finding", "other disease")):
        name = f"0000010{i}_000.jpg"
        save(picture([], (side, side), 10 + i), parent / "nih_clear" / "images" / name)
        clear.append(f"{name},0000010{i},{i % 2},PA,{'chestxdet10' if kind == 'read' else ''},{kind}")
    (parent / "nih_clear" / "films.csv").write_text("\n".join(clear) + "\n")
    return boxed
