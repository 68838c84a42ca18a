"""``lungmtl predict``: chains of models on many studies, findings as files."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..export_options import ExportOptions, Format, Which
from .common import (
    Engine,
    Failed,
    complain,
    device_on,
    explain,
    explained,
    not_there_yet,
    output_file,
    passes,
    progress,
    remove_empty,
)
from .many.predict import predict_many
from .many.studies import Study, studies_at
from .predict_batch import Batch, alone_in, finish_batch
from .remote.machine import key_for

if TYPE_CHECKING:
    from ..cluster.task import Options
    from ..findings import Findings
    from ..imaging import Image
    from ..inference.chain import Chain
    from ..inference.predictor import ModelInfo
    from ..remote.client.chain import RemoteChain
    from ..remote.key_file import Key


_EXPORT = ExportOptions()
_HELP = {each.name: str(each.metadata["help"]) for each in fields(ExportOptions)}


def predict(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH",
            help="Files, DICOM folders, folders of films, or trees with many series; also s3://, ssh:// and https:// addresses.",
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            metavar="DIR",
            help="Folder for <case>.lungmtl.json, findings.csv and images.csv; also an s3:// or ssh:// address.",
        ),
    ],
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="Which network, may be repeated; default: all that suit the image."
        ),
    ] = None,
    findings: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Judge these spheres (json or csv) instead of looking for nodules."
        ),
    ] = None,
    weights: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="Own weights (safetensors) of the network that their card names, or another network in the place of ours "
            "(MONAI bundle, ONNX, card of a container); may be repeated.",
        ),
    ] = None,
    device: Annotated[str, typer.Option(metavar="DEVICE", help="auto, cpu or cuda:N.")] = "auto",
    engine: Annotated[
        Engine,
        typer.Option(
            help="What runs 3D-AG on a CPU: bfloat16 is PyTorch in less precision, where that is faster here."
        ),
    ] = Engine.torch,
    series: Annotated[
        str | None, typer.Option(metavar="UID", help="Only the series with this identifier.")
    ] = None,
    which: Annotated[Which, typer.Option(help=_HELP["which"])] = _EXPORT.which,
    format: Annotated[Format, typer.Option(help=_HELP["format"])] = _EXPORT.format,
    workers: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Many studies: on so many processes of this machine."),
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS|FILE", help="Many studies: on the Dask cluster of this scheduler."),
    ] = None,
    remote: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="On the machine of this key file ('lungmtl serve' makes it)."),
    ] = None,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", callback=output_file, help="Write a summary here."),
    ] = None,
) -> None:
    """Find nodules in CT and radiographs, characterise those in CT, and write it down.

    Every suitable series in a folder is taken, unless --series names one, and pictures (PNG, JPEG, …) where a folder
    holds nothing else. An input that fails is reported in one line on standard error, the others go on, and the exit
    status is then 1. findings.csv holds everything above a score of 0.05, unless --which says otherwise, and can be
    given to 'lungmtl froc'; of radiographs it has the corners of boxes in pixels (x0, y0, x1, y1). --format writes
    another file in its place; the json files always hold everything, and images.csv has the probability that each shows
    a nodule. --model ag3d only detects, --model ag3d --model mtmr also asks one network about malignancy. With --findings
    a *.lungmtl.json, a findings.csv or LUNA16's annotations.csv says where to look.

    With --remote, the networks of another machine run: what is sent are voxels without names, identifiers and dates.

    With --workers or --cluster, each folder directly below a PATH is a case (on a server each folder with files), what is
    done is not done again when the same command is given again, and DIR holds results/ and an index of Parquet files
    instead of tables.

    Example: lungmtl predict ~/studies --out results --device cpu
    """
    with explained(), ExitStack() as stack:
        from ..inference import registry
        from ..storage.address import is_remote

        device = device_on(engine, device)
        stack.enter_context(registry.using_weights(weights or ()))
        infos = _chosen(registry.models(), model)
        batch = Batch(out, ExportOptions(which, format))
        if not is_remote(out):
            stack.callback(remove_empty, not_there_yet(out))
        _prepare(out, batch.export.format)
        given = None if findings is None else _given(findings)
        if workers is not None or cluster is not None:
            if workers is not None and cluster is not None:
                raise Failed(
                    "--workers are processes of this machine, and --cluster has its own: leave one of them out"
                )
            _refuse_with_many(findings, series, remote, batch.export)
            options = _options(out, infos, model, weights, device)
            if not predict_many(paths, options, infos, workers, cluster, json_file):
                raise typer.Exit(1)
            return
        stack.enter_context(alone_in(out))
        key = key_for(remote, device)
        try:
            with closing(studies_at(paths, series, infos, batch)) as studies:
                for study in studies:
                    _one(study, Task(model, device, given, key), batch)
        finally:
            # Also when interrupted: what is done is done.
            if not batch.cases and not batch.failed:
                for what, reason in batch.passed_over:  # nothing else was there
                    batch.fail(what, reason)
            finish_batch(batch, json_file)
    if batch.failed:
        raise typer.Exit(1)


_WRITTEN_ANYWHERE = frozenset(
    {Format.CSV, Format.JSON, Format.LUNA16, Format.NODE21, Format.COCO, Format.YOLO}
)
"""Formats that are written to a server; others are made by libraries that write to the disk."""


def _prepare(out: Path, format: Format) -> None:
    """Have the folder of the results, before any network runs."""
    from ..storage.address import is_remote, shown
    from ..storage.files import prepare_folder

    if is_remote(out) and format not in _WRITTEN_ANYWHERE:
        raise Failed(
            f"--format {format.value} is written to folders of this machine only: choose another --out, or copy the result"
        )
    try:
        prepare_folder(out)
    except OSError as error:
        raise Failed(
            f"{shown(out)} cannot be made or written to ({error.strerror}): choose another --out"
        ) from error


@dataclass(frozen=True)
class Task:
    """What is done with every image: names of models (None for all that suit), device or machine, and findings by series."""

    models: Sequence[str] | None
    device: str
    given: Mapping[str, Findings] | None
    key: Key | None = None


def _refuse_with_many(
    findings: Path | None,
    series: str | None,
    remote: Path | None,
    export: ExportOptions,
) -> None:
    given = {
        "--findings": findings is not None,
        "--series": series is not None,
        "--remote": remote is not None,
        "--format": export.format != _EXPORT.format,
        "--which": export.which != _EXPORT.which,
    }
    if named := [name for name, is_given in given.items() if is_given]:
        raise Failed(
            f"{' and '.join(named)} cannot be given with --workers or --cluster: leave one of them out"
        )


def _options(
    out: Path,
    infos: Sequence[ModelInfo],
    names: Sequence[str] | None,
    weights: Sequence[Path] | None,
    device: str,
) -> Options:
    """What workers do with every study; the networks are those that would run."""
    from importlib.metadata import version

    from ..cluster.task import Options
    from ..inference import registry
    from ..inference.chain import runs_unasked
    from ..storage.address import is_remote

    networks = tuple((i, registry.card_of(i).sha256) for i in infos if names or runs_unasked(i))
    own = tuple(file.absolute() for file in weights or ())
    return Options(
        out if is_remote(out) else out.absolute(),
        networks,
        tuple(names) if names else None,
        own,
        device,
        version("napari-lungmtl"),
    )


def _given(path: Path) -> dict[str, Findings]:
    """Findings of a file by series."""
    from ..findings.formats.csv_file import read_csv
    from ..findings.formats.json_file import read_findings
    from ..findings.formats.tables import read_text

    if read_text(path).lstrip().startswith("{"):
        findings = read_findings(path)
        return {findings.image.series_uid: findings}
    return read_csv(path)


def _chosen(infos: Sequence[ModelInfo], names: Sequence[str] | None) -> list[ModelInfo]:
    known = {info.name: info for info in infos}
    for name in names or ():
        if name not in known:
            raise Failed(
                f"there is no model {name!r}; 'lungmtl models' lists those at hand: {', '.join(known)}"
            )
    if not known:
        raise Failed("no weights are at hand: install the package again, or train with 'lungmtl train'")
    return [known[name] for name in dict.fromkeys(names)] if names else list(infos)


def _one(study: Study, task: Task, batch: Batch) -> None:
    from ..findings.export import chosen
    from ..findings.formats.json_file import SUFFIX, write_findings
    from ..imaging.errors import NoLungFoundError
    from ..inference.chain import choose
    from ..remote.client.chain import on_machine
    from ..storage.address import shown as told

    start = time.perf_counter()
    try:
        with progress(study.path.name) as on_progress:
            on_progress(0.0, "reading")
            image = study.read(on_progress)
            chain = on_machine(choose(image, task.models or _characterisers(task), task.device), task.key)
            findings, notes = _run(chain, image, task, on_progress)
        for warning in image.warnings:
            complain(f"warning: {study.label}: {warning}")
        name = batch.name(image.series_uid, study.path)
        if batch.is_taken(findings.image):
            findings = replace(findings, image=replace(findings.image, series_uid=name))
        file = batch.out / f"{name}{SUFFIX}"
        write_findings(findings, file)
    except BaseException as error:  # also those of codecs that panic: one bad file must not cost the others
        if study.among > 1 and isinstance(error, NoLungFoundError):  # a head or a knee beside the chest
            batch.pass_over(study.label, error)
            return
        if passes(error):
            raise
        batch.fail(study.label, error if study.original is None else Failed(study.told(explain(error))))
        return
    threshold = chain.info.default_threshold
    own = {info.name: info.default_threshold for info in chain.detectors}
    shown = [f for f in findings if f.score >= own.get(f.provenance.model, threshold)]
    largest = max((f.diameter for f in shown), default=None)
    pixels = image.spacing is None
    batch.findings.append(chosen(findings, batch.export.which, lambda f: f in shown))
    batch.cases.append(
        {
            "case": name,
            "series": findings.image.series_uid,
            "path": study.place,
            "file": told(file),
            "findings": len(findings),
            "threshold": threshold,
            "thresholds": own,
            "above_threshold": len(shown),
            "best_score": max((f.score for f in findings), default=None),
            "largest_mm": None if pixels else largest,
            "largest_px": largest if pixels else None,
            "highest_malignancy": max(
                (f.malignancy for f in shown if f.malignancy is not None), default=None
            ),
            "image_scores": [asdict(s) for s in findings.image_scores],
            "models": [dict(m) for m in findings.models],
            "warnings": list(image.warnings),
            "notes": notes,
            "seconds": round(time.perf_counter() - start, 3),
        }
    )


def _characterisers(task: Task) -> list[str] | None:
    """The characterisers at hand, where findings are given; None leaves the choice to the image."""
    from ..inference.registry import characterisers

    if task.given is None:
        return None
    names = list(characterisers())
    if not names:
        raise Failed(
            "--findings needs a characteriser, and the weights of none are at hand: install the package again"
        )
    return names


def _run(
    chain: Chain | RemoteChain, image: Image, task: Task, on_progress: Any
) -> tuple[Findings, list[str]]:
    """The chain's findings, by descending score where it looked for them, and what it had to say."""
    run = (
        chain.run(image) if task.given is None else chain.characterise(image, _findings_of(image, task.given))
    )
    notes: list[str] = []
    while True:
        try:
            step = next(run)
        except StopIteration as stop:
            return stop.value, notes
        on_progress(step.fraction, step.stage)
        if step.note:
            complain(step.note)
            notes.append(step.note)


def _findings_of(image: Image, given: Mapping[str, Findings]) -> Findings:
    """The given findings of an image; a file that names no series has them for any."""
    from ..findings import ImageReference
    from ..findings.formats.images.image_names import own_name
    from ..findings.formats.images.other_image import is_another

    reference = ImageReference.of(image)
    name = own_name(given, reference, "the --findings file") or ""
    findings = given.get(name)
    if findings is None:
        raise Failed(f"the --findings file has none for series {image.series_uid}")
    if name and is_another(findings.image, reference):
        raise Failed(
            f"the --findings file has none for {reference.source}: it was written for {findings.image.source or name}"
        )
    return replace(findings, image=reference)
