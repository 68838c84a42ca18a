"""What a worker does with one study: look whether it is done, read it, run the networks, write.

A worker has two threads and one turn at the networks: while one study is in them, the next is read and the last one written.
"""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from threading import Lock

from ..error_boundary import STOPS, foreseen, sentence
from ..findings import Findings
from ..findings.formats.json_file import write_findings
from ..imaging.errors import NoLungFoundError, UnreadableFileError
from ..imaging.image import Image
from ..imaging.read import moved, read_series
from ..imaging.series import Series
from ..inference import registry
from ..inference.chain import choose
from ..inference.predictor import finish
from ..log_file import keep_log, log_error
from ..storage.address import is_remote
from ..storage.files import is_there
from .content import content_hash, file_states, image_hash, key_of, result_file
from .rows import finding_rows, study_row
from .task import ALREADY, DONE, FAILED, PASSED_OVER, ClusterError, Options, Outcome, Study

_turn = Lock()
"""Held by the thread whose study is in the networks: they use memory and processor of one study at a time."""


def predict_study(study: Study, options: Options, image: Image | None = None) -> Outcome:
    """Predict a study and write its findings, unless that was done before; whatever goes wrong is told in the outcome.

    Parameters
    ----------
    study, options
        What, and how.
    image
        Where it was read already: of a store on a server.
    """
    seconds: dict[str, float] = {}
    key = ""
    try:
        with _timed(seconds, "hash_seconds"):
            check_version(options)
            series = study.series if image is not None else study.with_files()
            states = file_states(series) if image is None else ()
            content = content_hash(series) if image is None else image_hash(image)
            key = key_of(content, series, options)
        file = result_file(series, key)
        path = options.out / file
        if not is_there(path):
            with claimed(path):
                if not is_there(path):
                    with _timed(seconds, "read_seconds"):
                        image = image or _read(study, series, states)
                    return _predict(study, image, options, key, file, seconds)
        return Outcome(study.label, ALREADY, key=key, file=file, row={"path": study.place})
    except STOPS:
        raise
    except BaseException as error:  # codecs in Rust panic with errors that are no Exception
        said = study.told(sentence(error, study.label))
        if study.among > 1 and isinstance(error, NoLungFoundError):  # a head or a knee beside the chest
            return Outcome(study.label, PASSED_OVER, said, key)
        if not foreseen(error):
            keep_log(terminal=False)
            log_error(error, study.label)
        row = {**study.row, **seconds}
        return Outcome(study.label, FAILED, said, key, row=row, full=disk_is_full(error))


def _read(study: Study, series: Series, states: tuple[tuple[int, int, int], ...]) -> Image:
    """Read what was hashed: findings of a study that is still being sent would count as those of its former bytes for ever."""
    image = read_series(series.path, series)
    if file_states(series) != states:
        raise UnreadableFileError(
            f"{study.label} was written to while it was read: give the same command again when it is complete."
        )
    return image if study.original is None else moved(image, *study.original)


def _predict(
    study: Study, image: Image, options: Options, key: str, file: str, seconds: dict[str, float]
) -> Outcome:
    with _turn, _timed(seconds, "network_seconds"):
        findings = _run(image, options)
    with _timed(seconds, "write_seconds"):
        write_findings(findings, options.out / file)
    row = {
        **study_row(findings),
        **seconds,
        "path": study.place,
        "warnings": " ".join(image.warnings),
        "machine": socket.gethostname(),
    }
    return Outcome(study.label, DONE, "", key, file, row, finding_rows(findings, key, file))


def _run(image: Image, options: Options) -> Findings:
    with registry.using_weights(options.weights):
        _check_weights(options)
        return finish(choose(image, options.models, options.device).run(image))


def check_version(options: Options) -> None:
    """See that the client has the same version of this package."""
    here = version("napari-lungmtl")
    if here != options.version:
        raise ClusterError(
            f"The worker on {socket.gethostname()} has napari-lungmtl {here}, the client {options.version}: install "
            "the same on both."
        )


def _check_weights(options: Options) -> None:
    """See that the weights here are those by which the study is named: files may change, or differ between machines."""
    for info, sha in options.networks:
        card = registry.card_of(info)
        if (card.version, card.sha256) != (
            info.version,
            sha,
        ):  # of another make, the version names its configuration too
            raise ClusterError(
                f"The weights of {info.title} on {socket.gethostname()} are not those that this run began with: see that all "
                "machines have the same, and give the same command again."
            )


@contextmanager
def _timed(seconds: dict[str, float], name: str) -> Iterator[None]:
    start = time.perf_counter()
    try:
        yield
    finally:
        seconds[name] = round(time.perf_counter() - start, 4)


@contextmanager
def claimed(path: Path) -> Iterator[None]:
    """Hold a study for this process: what a client that died had begun is waited for and not done a second time.

    The system lets go of the lock when the process dies. Where there are no locks, as on a server, the work goes on without.
    """
    if is_remote(path):
        yield
        return
    import locket

    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.with_name(f".{path.name}.lock")
    held = locket.lock_file(str(lock))
    try:
        held.acquire()
    except OSError:
        held = None
    try:
        yield
    finally:
        if held is not None:
            with suppress(OSError):  # while it is held: whoever comes next finds the findings, or starts anew
                lock.unlink()
            held.release()


def disk_is_full(error: BaseException | None) -> bool:
    """Whether it, or what it came from, says that there is no room."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        error = error.__cause__
    return False
