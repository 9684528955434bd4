"""Shards in WebDataset's format, with the package webdataset as the oracle, and all that can be wrong with them."""

import gzip
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from own_data import cut, make_tar, picture, samples
from PIL import Image
from webdataset import ShardWriter, tariterators

from cnnspec.data import shard, shard_cache, shards
from cnnspec.data.braces import MOST, expanded
from cnnspec.data.own import Own
from cnnspec.data.source import Files
from cnnspec.data.tar import Tar
from cnnspec.errors import DataError, RuleError

SHAPE = (3, 8, 8)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with two shards of six samples for training, and one of four for the test."""
    for name, first, count in (("train-0", 0, 6), ("train-1", 6, 6), ("test", 12, 4)):
        make_tar(tmp_path / f"{name}.tar", samples(first, count))
    return tmp_path


def read(
    root: Path, test: str | None = "test.tar", train: str = "train-{0..1}.tar", damaged: str = "error"
) -> Own:
    return shards.read(root, train, test, test_share=0.25, damaged=damaged)  # type: ignore[arg-type]


def everything(own: Own) -> list[tuple[bytes, int]]:
    """Return the pixels and the label of each sample, in the order of the shards."""
    files = all_of(own)
    inputs = files.batch(torch.arange(len(files)), SHAPE).inputs
    return [(i.numpy().tobytes(), int(label)) for i, label in zip(inputs, files.labels, strict=True)]


def theirs(path: Path) -> list[tuple[bytes, int]]:
    """Return the samples of a shard as the package webdataset reads them."""
    with path.open("rb") as stream:
        members = tariterators.tar_file_expander([{"url": path.name, "stream": stream}])
        read = list(tariterators.group_by_keys(members))
    return [(pixels(sample["png"]), int(sample["cls"])) for sample in read]


def pixels(data: bytes) -> bytes:
    return bytes(np.array(Image.open(io.BytesIO(data))).transpose(2, 0, 1).tobytes())


def test_same_samples_as_webdataset(tmp_path: Path) -> None:
    """Shards that the package webdataset writes are read as it reads them, sample by sample."""
    with ShardWriter(str(tmp_path / "train-%06d.tar"), maxcount=7, verbose=0) as writer:
        for i in range(20):
            image = np.random.default_rng(i).integers(0, 256, (8, 8, 3), np.uint8)
            key = f"some/folder/of.many/{'long' * 40}/{i:06}" if i % 5 == 0 else f"{i:06}"
            more = {"json": {"why": "not"}, "seg.png": image} if i % 3 == 0 else {}
            writer.write({"__key__": key.replace(".", "_"), "png": image, "cls": i % 4, **more})
    own = read(tmp_path, None, "train-{000000..000002}.tar")
    assert everything(own) == [s for path in sorted(tmp_path.glob("train-*")) for s in theirs(path)]
    assert own.data_set.classes == ("0", "1", "2", "3")


def all_of(own: Own) -> Files:
    """Return both parts in the order of the shards."""
    assert isinstance(own.train, Files)
    assert isinstance(own.test, Files)
    rows = np.concatenate([own.train.rows, own.test.rows])
    order = torch.from_numpy(rows.argsort())
    labels = torch.cat([own.train.labels, own.test.labels])[order]
    return Files(own.train.entries, rows[order.numpy()], labels)


def test_both_parts(root: Path) -> None:
    """The training and the test part come from their own shards, in order."""
    own = read(root)
    assert (len(own.train), len(own.test)) == (12, 4)
    assert isinstance(own.test, Files)
    assert own.test.name(3) == "test.tar: 000015.png"
    assert own.test.labels.tolist() == [0, 1, 0, 1]
    assert own.test.read(3, SHAPE).numpy().tobytes() == pixels(picture(15))
    assert own.data_set.shape == SHAPE


def test_automatic_test_part(root: Path) -> None:
    """Without shards for the test a share of each class is for it, and each sample is in one part."""
    own = read(root, None)
    assert torch.bincount(own.train.labels).tolist() == [4, 4]
    assert torch.bincount(own.test.labels).tolist() == [2, 2]
    assert sorted(all_of(own).rows.tolist()) == list(range(12))


def test_names_of_classes(root: Path) -> None:
    """Classes may be written by name; they are sorted, and the test part may lack some."""
    members = [
        (f"{i}.{e}", d)
        for i in range(6)
        for e, d in (("cls", b"cat\n" if i % 2 else "dög".encode()), ("JPG", picture(i, kind="JPEG")))
    ]
    make_tar(root / "a.tar", members)
    make_tar(root / "b.tar", members[:2])
    own = read(root, "b.tar", "a.tar")
    assert own.data_set.classes == ("cat", "dög")
    assert own.train.labels.tolist() == [1, 0] * 3
    assert own.test.labels.tolist() == [1]


def test_members_in_any_order(root: Path) -> None:
    """A picture and its class may be far apart, as in a tar that was packed from a folder."""
    members = samples(0, 6)
    make_tar(root / "a.tar", members[::2] + members[1::2])
    assert everything(read(root, None, "a.tar")) == everything(read(root, None, "train-0.tar"))


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_same_members_as_tarfile(form: int, tmp_path: Path) -> None:
    """Names and places of members are those that the module tarfile finds, in each of tar's formats."""
    path = tmp_path / "a.tar"
    with tarfile.open(
        path, "w", format=form, pax_headers={"comment": "of all"} if form == tarfile.PAX_FORMAT else None
    ) as tar:
        names = ["a", "b/c.png", "d" * 99, f"{'e' * 90}/{'f' * 90}", "g.d/"]
        names += (
            []
            if form == tarfile.USTAR_FORMAT
            else [f"{'ü' * 300}/x.cls", "é\udcff.png", "long/" * 60 + "name"]
        )
        for i, name in enumerate(names):
            info = tarfile.TarInfo(name)
            info.size, info.mtime = i * 300, i + 0.5 if form == tarfile.PAX_FORMAT else i
            if name.endswith("/"):
                info.type, info.size = tarfile.DIRTYPE, 0
            tar.addfile(info, io.BytesIO(bytes([i]) * info.size))
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE):
            info = tarfile.TarInfo(f"link{kind!r}.png")
            info.type, info.linkname = kind, "x/" * (99 if form != tarfile.USTAR_FORMAT else 9)
            tar.addfile(info)
        info = tarfile.TarInfo("last")
        info.size = 700
        tar.addfile(info, io.BytesIO(bytes(700)))
    with Tar(path) as ours, tarfile.open(path) as tar:
        assert list(ours) == [(m.name, m.offset_data, m.size) for m in tar if m.isreg()]


def test_size_in_a_pax_record(tmp_path: Path) -> None:
    """A size that only a pax record tells is the one that counts."""
    record = tarfile.TarInfo("pax")
    record.type, record.size = tarfile.XHDTYPE, 10
    members = record.tobuf() + b"10 size=5\n".ljust(512, b"\0") + tarfile.TarInfo("a.png").tobuf()
    (tmp_path / "a.tar").write_bytes(members + b"12345".ljust(512, b"\0") + bytes(1024))
    with Tar(tmp_path / "a.tar") as tar:
        assert list(tar) == [("a.png", 1536, 5)]


def test_large_sizes() -> None:
    """Sizes beyond eight gigabytes, which octal digits cannot tell, are read as GNU's tar writes them."""
    from cnnspec.data.tar import _number

    info = tarfile.TarInfo("large")
    info.size = 20 << 30
    assert _number(info.tobuf(tarfile.GNU_FORMAT)[124:136]) == 20 << 30


def test_hash_tells_other_data(root: Path) -> None:
    """The hash stays when shards are copied, and changes with a class or a name."""
    first = read(root).hashes
    (root / "train-0.tar").touch()
    assert read(root).hashes == first
    changed = samples(0, 6)
    changed[1] = (changed[1][0], b"1")
    make_tar(root / "train-0.tar", changed)
    assert read(root).hashes != first


def test_large_shards_are_looked_up_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a large shard holds is kept, used until the shard changes, and not trusted where it is damaged."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(root / "cache"))
    monkeypatch.setattr(shard_cache, "LEAST", 5)
    first = read(root)
    kept = sorted((root / "cache").rglob("*.npz"))
    assert len(kept) == 2  # the test's shard is too small
    monkeypatch.setattr(shard, "Tar", None)
    with pytest.raises(TypeError):
        read(root)
    with monkeypatch.context() as patch:
        patch.setattr(shard_cache, "LEAST", 0)
        patch.setattr(shard, "Tar", Tar)
        read(root)
    again = read(root)
    assert again.hashes == first.hashes
    assert everything(again) == everything(first)
    monkeypatch.setattr(shard, "Tar", Tar)
    for path in (root / "cache").rglob("*.npz"):
        cut(path, 0.5)
    assert read(root).hashes == first.hashes
    make_tar(root / "train-0.tar", samples(0, 5))
    assert len(read(root).train) == 11
    _without_class(root)
    for _ in range(2):
        with pytest.raises(DataError, match="1 picture has no class"):
            read(root)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a.tar", ["a.tar"]),
        ("a-{08..11}.tar", ["a-08.tar", "a-09.tar", "a-10.tar", "a-11.tar"]),
        ("a-{8..11}.tar", ["a-8.tar", "a-9.tar", "a-10.tar", "a-11.tar"]),
        ("{0..1}", ["0", "1"]),
        ("{00..1}", ["00", "01"]),
        ("{a,bc,}/{0..1}.tar", ["a/0.tar", "a/1.tar", "bc/0.tar", "bc/1.tar", "/0.tar", "/1.tar"]),
    ],
)
def test_braces(text: str, names: list[str]) -> None:
    """Braces stand for what they stand for in a shell."""
    assert expanded(text) == names


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a-{0..9.tar", "do not match"),
        ("a-0..9}.tar", "do not match"),
        ("a-{{0..9}}.tar", "do not match"),
        ("a-{0..x}.tar", "no range of numbers"),
        ("a-{-3..2}.tar", "no range of numbers"),
        ("a-{9..0}.tar", "counts down"),
        ("a-{0..999999999999999999}.tar", f"more than {MOST:,} files"),
        ("{0..999}{0..999}{0..999}{0..999}", f"more than {MOST:,} files"),
        ("{0.." + "9" * 5000 + "}", "no range of numbers"),
    ],
)
def test_braces_that_are_none(text: str, message: str) -> None:
    """Braces that make no sense, or too many names, are refused at once."""
    with pytest.raises(RuleError) as caught:
        expanded(text)
    assert message in str(caught.value)


def _missing(root: Path) -> None:
    (root / "train-1.tar").unlink()


def _empty(root: Path) -> None:
    (root / "train-1.tar").write_bytes(b"")


def _text(root: Path) -> None:
    (root / "train-1.tar").write_text("<html>403 Forbidden</html>" * 100)


def _packed(root: Path) -> None:
    (root / "train-1.tar").write_bytes(gzip.compress((root / "train-1.tar").read_bytes()))


def _folder(root: Path) -> None:
    _missing(root)
    (root / "train-1.tar").mkdir()


def _no_members(root: Path) -> None:
    make_tar(root / "train-1.tar", [])


def _other_members(root: Path) -> None:
    make_tar(root / "train-1.tar", [("a.txt", b"1"), ("b.json", b"{}"), (".c.png", b"")])


def _without_class(root: Path) -> None:
    make_tar(root / "train-1.tar", [m for m in samples(6, 6) if m[0] != "000008.cls"])


def _without_picture(root: Path) -> None:
    make_tar(root / "train-1.tar", [m for m in samples(6, 6) if m[0] != "000008.png"])


def _two_pictures(root: Path) -> None:
    make_tar(root / "train-1.tar", [("000006.jpg", picture(6)), *samples(6, 6)])


def _class_of(data: bytes) -> Callable[[Path], None]:
    def harm(root: Path) -> None:
        members = samples(6, 6)
        members[3] = (members[3][0], data)
        make_tar(root / "train-1.tar", members)

    harm.__name__ = f"class {data[:9]!r}"
    return harm


def _picture_of(data: bytes) -> Callable[[Path], None]:
    def harm(root: Path) -> None:
        members = samples(6, 6)
        members[2] = (members[2][0], data)
        make_tar(root / "train-1.tar", members)

    harm.__name__ = f"picture {data[:9]!r}"
    return harm


def _unknown_class(root: Path) -> None:
    make_tar(root / "test.tar", samples(0, 6, classes=3))


def _bad_header(root: Path) -> None:
    path = root / "train-1.tar"
    data = bytearray(path.read_bytes())
    with tarfile.open(path) as tar:
        data[tar.getmembers()[4].offset + 20] ^= 1
    path.write_bytes(data)


def _sparse(root: Path) -> None:
    info = tarfile.TarInfo("a.png")
    info.type = tarfile.GNUTYPE_SPARSE
    (root / "train-1.tar").write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(1024))


DAMAGE: list[tuple[Callable[[Path], None], str]] = [
    (_missing, "1 shard is missing; train-1.tar. Check the names"),
    (_empty, r"train-1.tar: it is empty \(0 bytes\)"),
    (_text, "train-1.tar: it begins with '<html>40' and not with the header of a tar file"),
    (_packed, "train-1.tar: it is packed with gzip"),
    (_folder, "train-1.tar: Is a directory"),
    (_no_members, "1 shard has no samples; train-1.tar"),
    (_other_members, "1 shard has no samples; train-1.tar"),
    (_without_class, "1 picture has no class; train-1.tar: 000008"),
    (_without_picture, "1 class has no picture; train-1.tar: 000008"),
    (_two_pictures, "1 sample has two pictures or classes; train-1.tar: 000006"),
    (_class_of(b""), "1 class is neither a number from 0 nor a name; train-1.tar: 000007"),
    (_class_of(b" \n"), "1 class is neither a number from 0 nor a name"),
    (_class_of(b"-1"), "1 class is neither a number from 0 nor a name"),
    (_class_of(b"\xff\xfe"), "1 class is neither a number from 0 nor a name"),
    (_class_of(b"x" * 5000), "1 class is neither a number from 0 nor a name"),
    (_class_of(b"cat"), "1 class is a name where others are numbers; cat"),
    (_class_of(b"2000000"), "classes up to 2,000,000, and 12 training pictures"),
    (_class_of(b"3"), "1 class has no training picture; 2"),
    (_picture_of(b""), r"1 picture is empty \(0 bytes\); train-1.tar: 000007.png"),
    (_picture_of(b"hello world"), "train-1.tar: 000007.png begins with 'hello wo'"),
    (_unknown_class, "1 class of the test part is missing in the training part; 2"),
    (_bad_header, "train-1.tar: there is no header of a member at byte 4,096"),
    (_sparse, "stored with gaps"),
]


@pytest.mark.parametrize(("harm", "message"), DAMAGE, ids=lambda c: getattr(c, "__name__", ""))
def test_damage(harm: Callable[[Path], None], message: str, root: Path) -> None:
    """What is wrong with shards is told before training, with the shard and the sample."""
    harm(root)
    with pytest.raises(DataError, match=message):
        read(root)


@pytest.mark.parametrize("size", [1, 511, 512, 513, 700, 1024, 1300, 2048, -1024, -1023, -512])
def test_truncated_shard(size: int, root: Path) -> None:
    """A shard that breaks off anywhere is an error, also between two members, unless a closing block is left."""
    path = root / "train-1.tar"
    with tarfile.open(path) as tar:
        end = tar.getmembers()[-1].offset_data + 512
    path.write_bytes(path.read_bytes()[: size if size > 0 else end + 1024 + size])
    if size == -512:
        assert len(read(root).train) == 12
        return
    with pytest.raises(DataError, match=r"1 shard cannot be used; train-1.tar: .*(not whole|begins with)"):
        read(root)


def test_where_a_shard_breaks_off(root: Path) -> None:
    """A shard that breaks off within a member tells which, and where it should end."""
    path = root / "train-1.tar"
    path.write_bytes(path.read_bytes()[:600])
    end = 512 + len(picture(6))
    with pytest.raises(
        DataError, match=f"its member at byte 0 ends at byte {end:,}, and the file at byte 600"
    ):
        read(root)


def test_everything_at_once(root: Path) -> None:
    """All that is wrong with shards is told in one error, by its kind with a few examples."""
    make_tar(
        root / "train-0.tar",
        [*samples(0, 3), ("a.png", b""), ("a.cls", b"0"), *((f"{i}x.cls", b"1") for i in range(9))],
    )
    with pytest.raises(DataError) as caught:
        read(root, train="train-{0..4}.tar")
    told = [problem.message for problem in caught.value.problems]
    assert any("3 shards are missing; train-2.tar, train-3.tar, train-4.tar." in text for text in told)
    assert any(
        "9 classes have no picture; train-0.tar: 0x, train-0.tar: 1x, train-0.tar: 2x and 6 more" in text
        for text in told
    )
    assert any("1 picture is empty" in text for text in told)


def test_shard_in_both_parts(root: Path) -> None:
    """A shard that is named twice, for training and for the test too, is an error."""
    with pytest.raises(DataError, match=r"1 shard is named twice; test\.tar"):
        read(root, "test.tar", "{train-0,test}.tar")


@pytest.mark.parametrize("text", ["https://example.org/a.tar", "pipe:cat a.tar", "s3://bucket/a.tar"])
def test_only_files(text: str, root: Path) -> None:
    """What is no file is refused, above all commands."""
    with pytest.raises(DataError, match="shards are read from files only"):
        read(root, train=text)


def test_braces_are_told_as_data_errors(root: Path) -> None:
    """Wrong braces have the form of all errors."""
    with pytest.raises(DataError, match=r"counts down\. Write the lower number first"):
        read(root, train="train-{1..0}.tar")


def test_damaged_samples_left_out(root: Path) -> None:
    """With `damaged: skip` a sample whose picture is none is left out, and counted; a broken shard stays an error."""
    _picture_of(b"")(root)
    own = read(root, damaged="skip")
    assert len(own.train) == 11
    assert "000007.png" not in {all_of(own).name(i) for i in range(15)}
    assert [p.severity for p in own.left_out] == ["warning"]
    cut(root / "train-0.tar", 0.5)
    with pytest.raises(DataError, match=r"train-0\.tar: .*not whole"):
        read(root, damaged="skip")
    for name in ("train-0", "train-1", "test"):
        make_tar(root / f"{name}.tar", [("a.png", b""), ("a.cls", b"0")])
    with pytest.raises(DataError, match="no picture of it can be read"):
        read(root, damaged="skip")


def test_any_byte_may_be_wrong(root: Path) -> None:
    """Whichever byte of a header is changed, a shard is read or refused, and never read without end."""
    path = root / "train-1.tar"
    data = path.read_bytes()
    for at in range(0, 1030, 11):
        path.write_bytes(data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :])
        try:
            own = read(root, None, "train-1.tar")
        except DataError as error:
            assert "train-1.tar" in str(error)  # noqa: PT017  # or it is no error
        else:
            assert len(own.train) + len(own.test) == 6
