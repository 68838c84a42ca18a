"""Runs on a server in another process, over TLS: the same findings, lost connections, dead workers, cancelled runs."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import napari_lungmtl as lm
from napari_lungmtl.training.findings import Finding, Findings, ImageReference, Provenance, Sphere
from napari_lungmtl.training.imaging.streamed import StreamedImage
from napari_lungmtl.training.inference.chain import chain_of, choose
from napari_lungmtl.training.inference.predictor import finish
from napari_lungmtl.training.remote.client import chain as client
from napari_lungmtl.training.remote.client.chain import RemoteChain, shared_path
from napari_lungmtl.training.remote.key_file import Key, RemoteError

from ...stand_ins.cut_line import CutLine
from ...stand_ins.linear_series import stack, write
from ...stand_ins.remote_worker import FAILS, INFO, KILLS, KILLS_ONCE, WAITS, volume

CHAIN = chain_of([INFO])


def steps_of(run, until=lambda step: False):
    """The steps of a run and its result; it is left open where a step is the last one that is wanted."""
    steps = []
    while True:
        try:
            steps.append(next(run))
        except StopIteration as end:
            return steps, end.value
        if until(steps[-1]):
            return steps, None


def wait_for(what):
    end = time.monotonic() + 60
    while not what():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_networks_say_the_same_there_as_here(server):
    """One nodule of the sample CT, judged by both characterisers."""
    ct = lm.read_image(lm.datasets.sample_ct())
    place = lm.read_findings(lm.datasets.sample_ct().with_name("ct_truth.lungmtl.json"))[0].geometry
    z = int(ct.to_index(place.center)[0])
    slab = replace(
        ct, voxels=ct.voxels[z - 12 : z + 12], origin=(ct.to_world((z - 12, 0, 0))[0], *ct.origin[1:])
    )
    mine = Finding(place, provenance=Provenance(person="Dr Müller"), note="grows", id="m")
    asked = Findings((mine,), ImageReference.of(slab), done_by="Dr Müller")
    here = choose(slab, ["mtmr", "mtcnn"], "cpu")
    local = finish(here.characterise(slab, asked))
    steps, remote = steps_of(RemoteChain(here, server.key).characterise(slab, asked))
    assert any(step.stage.startswith("sending") for step in steps)
    assert remote.with_items(()) == local.with_items(())
    a, b = remote["m"], local["m"]
    assert a.malignancy == pytest.approx(b.malignancy, abs=1e-4)
    assert a.attributes == pytest.approx(dict(b.attributes), abs=1e-3)
    assert a.unlike == pytest.approx(b.unlike, abs=1e-4)
    assert [o.model for o in a.opinions] == [o.model for o in b.opinions] == ["mtmr", "mtcnn"]
    assert (a.geometry, a.note, a.provenance, a.votes.keys()) == (
        place,
        "grows",
        mine.provenance,
        b.votes.keys(),
    )


def test_what_comes_back_belongs_to_the_image_and_names_it(server, tmp_path):
    """Also where a name has what JSON must escape."""
    image = volume(1000, series_uid="1.2.3", source=tmp_path / 'Möller "A" \\.nii')
    steps, found = steps_of(RemoteChain(CHAIN, server.key).run(image))
    fractions = [step.fraction for step in steps]
    assert fractions == sorted(fractions)
    assert found.image == ImageReference.of(image)
    assert (found[0].score, found[0].geometry) == (0.1, Sphere((-98.0, 12.0, 23.0), 9.0))
    assert found.notes == ('Möller "A" \\.nii is bright.',)
    assert [step.note for step in steps if step.note] == list(found.notes)
    assert found.models[0]["doubt"] == 'Möller "A" \\.nii is doubtful.'
    with pytest.raises(RemoteError, match=r"^Möller fails\.$"):
        finish(RemoteChain(CHAIN, server.key).run(volume(FAILS, source=tmp_path / "Möller")))


def test_an_image_that_both_see_is_not_sent(server):
    """It is read there, unless what lies there is another one."""
    folder = Path(server.key.shared[0]) / "case"
    write(stack(), folder)
    image = lm.read_image(folder)
    steps, found = steps_of(RemoteChain(CHAIN, server.key).run(image))
    assert not any(step.stage.startswith("sending") for step in steps)
    assert found.image == ImageReference.of(image)
    other = replace(image, voxels=image.voxels + np.int16(1))
    steps, found = steps_of(RemoteChain(CHAIN, server.key).run(other))
    assert any(step.stage.startswith("sending") for step in steps)
    assert found[0].score == pytest.approx((int(image.voxels.max()) + 1) / 10_000)


def test_cancel_stops_the_run_there(server):
    run = RemoteChain(CHAIN, server.key).run(volume(WAITS))
    steps_of(run, until=lambda step: step.stage == "detecting" and step.fraction > 0.5)
    before = server.log().count(f"ended {WAITS}")
    run.close()
    wait_for(lambda: server.log().count(f"ended {WAITS}") == before + 1)
    assert f"done {WAITS}" not in server.log()


def test_a_second_run_waits_for_the_first_and_a_lost_connection_is_resumed(server):
    line = CutLine(server.key.place[1])
    first = RemoteChain(CHAIN, replace(server.key, address=f"tls://127.0.0.1:{line.port}")).run(volume(WAITS))
    begun = server.log().count(f"begun {WAITS}")
    try:
        steps_of(first, until=lambda step: step.stage == "detecting" and step.fraction > 0.5)
        second = RemoteChain(CHAIN, server.key).run(volume(1001))
        steps_of(second, until=lambda step: step.stage == "waiting for 1 before it")
        line.cut()
        steps, _ = steps_of(first, until=lambda step: bool(step.note))
        assert steps[-1].note == f"The connection to {server.key.name} is lost: trying again."
        (server.toy / "go").touch()
        assert steps_of(second)[1][0].score == pytest.approx(0.1001)
        line.mend()
        steps, found = steps_of(first)
        assert f"The connection to {server.key.name} is back." in [step.note for step in steps]
        assert found[0].score == pytest.approx(WAITS / 10_000)
        assert server.log().count(f"begun {WAITS}") == begun + 1, "it went on while nobody listened"
    finally:
        (server.toy / "go").unlink(missing_ok=True)
        line.close()


def test_a_connection_that_does_not_come_back_is_given_up(server):
    line = CutLine(server.key.place[1])
    key = replace(server.key, address=f"tls://127.0.0.1:{line.port}")
    run = RemoteChain(CHAIN, key, lost=1.0).run(volume(WAITS))
    steps_of(run, until=lambda step: step.stage == "detecting" and step.fraction > 0.5)
    line.close()
    (server.toy / "go").touch()
    with pytest.raises(RemoteError, match="was lost and did not come back"):
        finish(run)
    with pytest.raises(RemoteError, match=r"No networks answer at 127\.0\.0\.1"):
        finish(RemoteChain(CHAIN, key).run(volume(1000)))


def test_a_dead_process_is_replaced_and_the_run_begun_again(server, monkeypatch):
    steps, found = steps_of(RemoteChain(CHAIN, server.key).run(volume(KILLS_ONCE)))
    died = f"The process with the networks on {server.key.name} has died: it was begun again."
    assert died in [step.note for step in steps]
    assert found[0].score == pytest.approx(KILLS_ONCE / 10_000)
    monkeypatch.setattr(client, "TRIES", 1)
    with pytest.raises(RemoteError, match="has died 1 times with this image"):
        finish(RemoteChain(CHAIN, server.key).run(volume(KILLS)))


NOWHERE = Key("m", "tls://127.0.0.1:1", "", "", "", shared=(str(Path.cwd()), "/archive"))


class _Coming:
    """A study on a server, of which a part comes with each step."""

    fraction, is_whole = 0.0, False

    def read(self):
        for self.fraction in (0.0, 0.5, 1.0):
            yield self.fraction
        self.is_whole = True


@pytest.mark.parametrize("begin", [CHAIN.run, RemoteChain(CHAIN, NOWHERE).run])
def test_every_run_waits_for_a_study_on_a_server_in_steps(begin):
    """One that asked for the voxels at once would say nothing and could not be stopped until all have come."""
    image, coming = volume(1000), _Coming()
    steps = begin(StreamedImage(image.voxels, image.modality, image.spacing, image.origin, stream=coming))
    stages = [next(steps).stage for _ in range(3)]
    assert stages == [f"reading from the server, {part}%" for part in (0, 50, 100)]
    assert not coming.is_whole
    steps.close()


def test_only_what_lies_in_a_shared_folder_is_told_by_its_path():
    paths = ("s3://bucket/Müller", "https://host/Müller.nii", "/archive/../home/Müller")
    assert [shared_path(volume(1000, source=Path(path)), NOWHERE) for path in paths] == ["", "", ""]
    assert shared_path(volume(1000, source=Path("/archive/a/../b")), NOWHERE) == str(
        Path("/archive/b").absolute()
    )
