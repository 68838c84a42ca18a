"""Nothing is open without the secret, and nothing leaves that says whose the image is."""

import errno
import json
import os
import socket
import ssl
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import numpy as np
import psutil
import pytest

from napari_lungmtl.training.findings import Finding, Findings, ImageReference, Provenance, Sphere
from napari_lungmtl.training.findings.change import Change
from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.inference import registry
from napari_lungmtl.training.inference.chain import chain_of
from napari_lungmtl.training.inference.predictor import finish
from napari_lungmtl.training.inference.weights import ModelCard
from napari_lungmtl.training.remote.client import chain as client
from napari_lungmtl.training.remote.client.chain import RemoteChain
from napari_lungmtl.training.remote.client.probe import probe
from napari_lungmtl.training.remote.key_file import RemoteError, read_key, write_key
from napari_lungmtl.training.remote.request import digest_of, packed, request_of, to_values, unpacked
from napari_lungmtl.training.remote.server import certificates as made_here
from napari_lungmtl.training.remote.server.certificates import certificates_in
from napari_lungmtl.training.remote.server.jobs import Jobs
from napari_lungmtl.training.remote.server.serve import Settings, serve

from ...stand_ins.remote_worker import INFO, volume

CHAIN = chain_of([INFO])


def listening(process: psutil.Process) -> set[tuple[str, int]]:
    tree = [process, *process.children(recursive=True)]
    return {tuple(c.laddr) for p in tree for c in p.net_connections() if c.status == psutil.CONN_LISTEN}


def what_answers(port: int, context: ssl.SSLContext | None, says: bytes) -> bytes:
    """The first bytes of an answer, nothing where we are hung up on."""
    try:
        with socket.create_connection(("127.0.0.1", port), 60) as plain:
            plain.settimeout(60)
            with context.wrap_socket(plain) if context is not None else plain as line:
                line.sendall(says)
                return line.recv(100)
    except OSError:
        return b""


def test_every_port_wants_the_certificate(server):
    """On all networks only the scheduler listens; workers, and whatever else Dask opens, on this machine, and none without TLS."""
    assert server.key_file.stem == server.key.name == f"{socket.gethostname()}-{server.key.place[1]}"
    found = listening(psutil.Process(server.process.pid))
    assert {address for address in found if address[0] != "127.0.0.1"} == {("0.0.0.0", server.key.place[1])}
    assert len(found) >= 2
    stranger = ssl.create_default_context(cadata=server.key.authority)
    stranger.check_hostname = False
    ours = server.key.security().get_connection_args("client")["ssl_context"]
    for _, port in found:
        answer = what_answers(port, None, b"GET / HTTP/1.0\r\n\r\n")
        assert answer[:1] in (b"", b"\x15"), "a TLS alert"
        assert what_answers(port, stranger, b"x") == b"", "no certificate"
        assert what_answers(port, ours, b"") != b""


def test_a_key_of_another_server_is_refused_by_both_sides(server, tmp_path):
    other = certificates_in(tmp_path / "other")
    wrong = replace(server.key, certificate=other.client, secret=other.client_secret)
    with pytest.raises(RemoteError, match="does not take this key file"):
        finish(RemoteChain(CHAIN, wrong).run(volume(1000)))
    with pytest.raises(RemoteError, match="is not the machine of this key file"):
        finish(RemoteChain(CHAIN, replace(wrong, authority=other.authority)).run(volume(1000)))


def test_a_port_that_is_taken_is_told(server, tmp_path):
    with pytest.raises(RemoteError, match=rf"127.0.0.1:{server.key.place[1]} cannot be listened on .*in use"):
        serve(Settings(tmp_path, port=server.key.place[1]), print)


def test_two_first_starts_at_once_have_the_same_certificates(tmp_path, monkeypatch):
    both, make = threading.Barrier(2), made_here._make

    def make_beside_another():
        made = make()
        both.wait(60)  # each has found none, and has its own in hand
        return made

    monkeypatch.setattr(made_here, "_make", make_beside_another)
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(certificates_in, [tmp_path] * 2)
    assert first == second == certificates_in(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [made_here.FILE]


def test_certificates_are_made_where_there_are_no_links(tmp_path, monkeypatch):
    def refuse(*_paths):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    assert certificates_in(tmp_path) == certificates_in(tmp_path)
    if os.name == "posix":
        assert stat.S_IMODE((tmp_path / made_here.FILE).stat().st_mode) == 0o600


def test_whoever_holds_a_key_cannot_play_the_server(tmp_path):
    """One of several users on the way between another and the server."""
    certificates = certificates_in(tmp_path)
    assert certificates_in(tmp_path) == certificates
    files = (tmp_path / "c.pem", tmp_path / "k.pem")
    for file, text in zip(files, (certificates.client, certificates.client_secret)):
        file.write_text(text)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*files)
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def play() -> None:
            line, _ = listener.accept()
            with pytest.raises(ssl.SSLError):
                context.wrap_socket(line, server_side=True).recv(1)

        impostor = threading.Thread(target=play)
        impostor.start()
        key = read_key(_written(certificates, listener.getsockname()[1], tmp_path))
        with pytest.raises(RemoteError, match="is not the machine of this key file"):
            probe(key)
        impostor.join(60)


def _written(certificates, port, folder):
    from napari_lungmtl.training.remote.key_file import Key

    file = folder / "Schlüssel 1.key"
    key = Key(
        "m",
        f"tls://127.0.0.1:{port}",
        certificates.authority,
        certificates.client,
        certificates.client_secret,
    )
    write_key(key, file)
    return file


def test_key_files_that_cannot_be_used_are_told(tmp_path, server):
    file = tmp_path / "a b.key"
    write_key(server.key, file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert read_key(file) == server.key
    file.chmod(0o640)
    with pytest.raises(RemoteError, match="others on this machine may read it"):
        read_key(file)
    file.chmod(0o600)
    good = json.loads(file.read_text())
    for change, said in (
        ({"format": "x"}, "no key file"),
        ({"version": 2}, "another version"),
        ({"address": "tcp://a:1"}, "damaged"),
        ({"address": "tls://a"}, "damaged"),
        ({"address": "tls://a:70000"}, "damaged"),
        ({"secret": None}, "damaged"),
        ({"authority": "/etc/passwd"}, "damaged"),
        ({"authority": good["authority"].replace("M", "N")}, "damaged"),
    ):
        file.write_text(json.dumps(good | change))
        with pytest.raises(RemoteError, match=said):
            probe(read_key(file))
    file.write_bytes(b"\xff\x00")
    with pytest.raises(RemoteError, match="no key file"):
        read_key(file)


PRIVATE = (
    "Müller",
    "1970",
    "1.2.276",
    "/home",
    "Chest of",
    "17 Nov",
    "2026",
    "grows",
    "Dr X",
    "2.25.77",
    "vessel",
    "odd one",
)


def test_nothing_that_is_sent_says_whose_it_is(tmp_path):
    about = {
        "patient_name": "Müller",
        "birth_date": "19700101",
        "series_description": "Chest of Müller",
        "view_position": "PA Müller 17 Nov",
        "patient_orientation": "L\\F",
        "color_fraction": 0.0,
    }
    source = tmp_path / "home" / "Müller.dcm"
    voxels = np.arange(40_000, dtype=">i2").reshape(200, 200)
    image = Image(voxels, "DX", (0.2, 0.2), (0, 0), "1.2.276.1", source, metadata=about)
    finding = Finding(
        Sphere((1.0, 2.0, 3.0), 4.0),
        provenance=Provenance(person="Dr X"),
        note="grows",
        tracking_uid="2.25.77",
        reason="vessel",
        label="odd one",
        history=(Change("status", "accepted", "Dr X", "2026-11-17T10:00:00"),),
    )
    own = Findings((finding,), ImageReference.of(image), notes=("Müller lies",), done_by="Dr X")
    digest = finish(digest_of(image))
    request = request_of("0" * 32, image, digest, (), findings=own)
    sent = json.dumps(to_values(request), default=str, ensure_ascii=False)
    assert not [word for word in PRIVATE if word in sent]
    assert dict(request.codes) == {"patient_orientation": "L\\F", "color_fraction": 0.0}
    back = unpacked(request, list(packed(image)))
    np.testing.assert_array_equal(back, voxels)
    assert finish(digest_of(request.image(back))) == digest
    assert finish(digest_of(replace(image, spacing=(0.2, 0.3)))) != digest


def test_another_version_is_told_before_anything_is_sent(server, monkeypatch):
    monkeypatch.setattr(client, "version", lambda _: "0.0.7")
    with pytest.raises(RemoteError, match=r"has napari-lungmtl .*, this machine 0\.0\.7: install the same"):
        finish(RemoteChain(CHAIN, server.key).run(volume(1000)))


def test_other_weights_and_damage_are_told():
    image = volume(1000)
    jobs = Jobs("cpu")
    digest = finish(digest_of(image))
    good = request_of("0" * 32, image, digest, [INFO], findings=Findings())

    def ended(request, pieces=()):
        report = jobs.begin(request)
        for number, piece in enumerate(pieces):
            jobs.put(request.job, number, piece)
        while (report := jobs.report(request.job)).state in ("waiting", "running"):
            threading.Event().wait(0.01)
        return report

    pieces = list(packed(image))
    assert len(pieces) == good.pieces == 2
    for k, (change, sent, said) in enumerate(
        (
            ({"networks": (("toy", "11"),)}, (), "has other weights of Toy"),
            ({"networks": (("gone", "11"),)}, (), "has other weights of gone"),
            ({"digest": "0"}, pieces, "damaged on their way"),
            ({}, pieces[::-1], "damaged on their way"),
            ({}, (pieces[0], b"nonsense"), "damaged on their way"),
            ({"shape": (1 << 20, 1 << 20, 1)}, (), "The image has"),
            ({"dtype": "|O8"}, (), "no request of this version"),
            ({"shape": ()}, (), "no request of this version"),
        ),
        1,
    ):
        report = ended(replace(good, job=f"{k:032}", **change), sent)
        assert (report.state, said in report.sentence) == ("failed", True), report
    assert jobs.report("unknown").state == "unknown"
    assert not jobs.put("unknown", 0, b"")
    jobs.close()


def test_jobs_that_nobody_asks_for_are_forgotten():
    jobs = Jobs("cpu", keep=600.0)
    image = volume(1000)
    request = request_of("0" * 32, image, "", [INFO], findings=Findings())
    assert jobs.begin(request).missing == (0, 1)
    assert jobs.hello()["busy"] == 1
    jobs.keep = 0.0
    assert jobs.hello()["busy"] == 0
    jobs.close()


def test_a_public_scan_keeps_its_name_so_that_models_that_never_saw_it_answer(monkeypatch):
    card = ModelCard("toy", "1.0", "Toy", "", ("CT",), {}, training={"folds": {"1.3.6.1": "fold0"}})
    monkeypatch.setattr(registry, "card", lambda name: card)
    monkeypatch.setattr(registry, "models", lambda: (INFO,))
    for uid, sent in (("1.3.6.1", "1.3.6.1"), ("1.2.3", "")):
        image = volume(1000, series_uid=uid)
        assert request_of("0" * 32, image, "", [], findings=Findings()).series == sent
