"""One shard: a tar file as WebDataset writes it, each sample a picture KEY.jpg (or png, webp) and KEY.cls."""

import hashlib
from array import array
from dataclasses import dataclass, field
from pathlib import Path

from cnnspec.data.entries import Names
from cnnspec.data.heads import HEAD, beginning, is_picture
from cnnspec.data.own import EMPTY, NO_PICTURE, Complaints, Kind
from cnnspec.data.tar import Member, Tar, TarError

PICTURES = ("jpg", "jpeg", "png", "webp")
CLASS = "cls"

LONGEST_CLASS = 200
"""Bytes that a class's name may have."""

MISSING = Kind(
    "1 shard is missing", "{} shards are missing", "Check the names; they count from the spec's own folder"
)
DAMAGED = Kind("1 shard cannot be used", "{} shards cannot be used", "Write or copy it again")
WITHOUT_SAMPLES = Kind(
    "1 shard has no samples",
    "{} shards have no samples",
    "A sample is a picture KEY.jpg, .jpeg, .png or .webp, and its class in KEY.cls",
)
NO_LABEL = Kind(
    "1 picture has no class", "{} pictures have no class", "Write the class of KEY.jpg into KEY.cls"
)
NO_IMAGE = Kind(
    "1 class has no picture",
    "{} classes have no picture",
    "Write the picture of KEY.cls into KEY.jpg (or png, webp)",
)
SAME_KEY = Kind(
    "1 sample has two pictures or classes",
    "{} samples have two pictures or classes",
    "Give each sample a key of its own",
)
NO_NAME = Kind(
    "1 class is neither a number from 0 nor a name",
    "{} classes are neither numbers from 0 nor names",
    "Write a number or a name of at most 200 bytes into the .cls",
)


@dataclass(slots=True)
class Shard:
    """A shard's samples: the members with their pictures, and their classes, as indices of `words`."""

    names: Names = field(default_factory=Names)
    offsets: "array[int]" = field(default_factory=lambda: array("q"))
    sizes: "array[int]" = field(default_factory=lambda: array("q"))
    labels: "array[int]" = field(default_factory=lambda: array("i"))
    words: list[str] = field(default_factory=list)
    digest: bytes = b""


@dataclass(slots=True)
class _Sample:
    """What is known of a sample so far: its picture, whether that begins as one, and its class as written."""

    picture: Member | None = None
    good: bool = True
    word: bytes | None = None


def read(path: Path, name: str, complaints: Complaints) -> Shard:
    """Return a shard's samples; what is wrong with it is added to the complaints."""
    counts = complaints.counts.copy()
    reader = _Reader(name, complaints)
    try:
        with Tar(path) as tar:
            reader.read(tar)
    except FileNotFoundError:
        complaints.add(MISSING, name)
    except TarError as error:
        complaints.add(DAMAGED, f"{name}: {error}")
    except OSError as error:
        complaints.add(DAMAGED, f"{name}: {error.strerror}")
    if not len(reader.shard.names) and complaints.counts == counts:
        complaints.add(WITHOUT_SAMPLES, name)
    return reader.shard


class _Reader:
    """Reads a shard's headers, and the few bytes that tell classes and that pictures are some."""

    def __init__(self, name: str, complaints: Complaints) -> None:
        self.name, self.complaints = name, complaints
        self.shard = Shard()
        self._words: dict[str, int] = {}
        self._hash = hashlib.sha256()

    def read(self, tar: Tar) -> None:
        """Take all samples; a picture and its class mostly follow each other, but need not."""
        waiting: dict[str, _Sample] = {}
        for member in tar:
            key, ending = split(member.name)
            if ending not in (*PICTURES, CLASS):
                continue
            sample = waiting.setdefault(key, _Sample())
            if (sample.word if ending == CLASS else sample.picture) is not None:
                self.complaints.add(SAME_KEY, f"{self.name}: {key}")
            if ending == CLASS:
                sample.word = tar.read(member.offset, min(member.size, LONGEST_CLASS + 1)).strip()
            else:
                sample.picture, sample.good = member, self._is_good(tar, member)
            if sample.picture and sample.word is not None:
                self._take(sample.picture, sample.word, good=sample.good)
                del waiting[key]
        for key, sample in waiting.items():
            self.complaints.add(NO_LABEL if sample.picture else NO_IMAGE, f"{self.name}: {key}")
        self.shard.digest = self._hash.digest()

    def _is_good(self, tar: Tar, member: Member) -> bool:
        """Tell whether a member begins as a picture does."""
        head = tar.read(member.offset, min(member.size, HEAD))
        if not head:
            self.complaints.add(EMPTY, f"{self.name}: {member.name}")
        elif not is_picture(head):
            self.complaints.add(NO_PICTURE, f"{self.name}: {member.name} begins with {beginning(head)}")
        else:
            return True
        return False

    def _take(self, picture: Member, written: bytes, *, good: bool) -> None:
        word = written.decode("utf-8", "replace")
        wrong = not word or not word.isprintable() or "\N{REPLACEMENT CHARACTER}" in word
        if wrong or len(written) > LONGEST_CLASS or (word.startswith("-") and is_number(word[1:])):
            self.complaints.add(NO_NAME, f"{self.name}: {split(picture.name)[0]}")
            return
        line = f"{picture.name}/{picture.offset}/{picture.size}/{word}\n"
        self._hash.update(line.encode("utf-8", "surrogateescape"))
        if good:
            self.shard.names.append(picture.name)
            self.shard.offsets.append(picture.offset)
            self.shard.sizes.append(picture.size)
            if word not in self._words:
                self._words[word] = len(self._words)
                self.shard.words.append(word)
            self.shard.labels.append(self._words[word])


def split(name: str) -> tuple[str, str]:
    """Return a member's key and ending: the first dot of the file's name parts them, as in WebDataset."""
    folder, slash, file = name.rpartition("/")
    stem, _, ending = file.partition(".")
    return (f"{folder}{slash}{stem}", ending.lower()) if stem else ("", "")


def is_number(word: str) -> bool:
    """Tell whether a class is written as a number."""
    return word.isascii() and word.isdigit()
