"""The sets that the workbench knows. Sizes in bytes, checksums of the original distribution files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from engines.core.data.photos import read_photos
from engines.core.data.readers import read_cifar_archive, read_digits, read_idx, read_packed
from engines.core.data.registry import DataFile, DataSet, Layout, register
from engines.core.errors import UserError

CIFAR_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_TEN_DIGITS = tuple("0123456789")


def _digits(paths: tuple[Path, ...], split: str, check: Callable[[], None]) -> tuple[np.ndarray, np.ndarray]:
    from engines.core.data.images import assign_parts

    images, labels = read_digits()
    part = assign_parts(map(str, range(len(labels))), labels, (0.7, 0.1, 0.2))
    chosen = part == ("train", "validation", "test").index(split)
    return images[chosen], labels[chosen]


def _idx_pair(paths: tuple[Path, ...], split: str, check: Callable[[], None]) -> tuple[np.ndarray, np.ndarray]:
    images = read_idx(paths[0])
    check()
    labels = read_idx(paths[1])
    if images.ndim != 3 or labels.shape != images.shape[:1]:
        raise UserError(f"{paths[0].name}: {images.shape} images do not fit {labels.shape} labels")
    return images[..., None], labels.astype(np.int64)


def _cifar_binary(paths: tuple[Path, ...], split: str, check: Callable[[], None]) -> tuple[np.ndarray, np.ndarray]:
    batches = {"train": [f"data_batch_{i}.bin" for i in range(1, 6)], "test": ["test_batch.bin"]}[split]
    return _in_content_order(*read_cifar_archive(paths[0], batches, check))


def _cifar_packed(paths: tuple[Path, ...], split: str, check: Callable[[], None]) -> tuple[np.ndarray, np.ndarray]:
    parts = [read_packed(path, check) for path in paths]
    return _in_content_order(np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts]))


def _in_content_order(images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same images in an order that only their pixels decide, so that both layouts give the same set."""
    import hashlib

    digests = np.array([hashlib.blake2b(image.tobytes(), digest_size=8).digest() for image in images], dtype="S8")
    order = np.argsort(digests, kind="stable")
    return images[order], labels[order]


def _idx_layout(folder: str, mirrors: tuple[str, ...], facts: dict[str, tuple[int, str]]) -> Layout:
    def entry(name: str) -> DataFile:
        size, sha256 = facts[name]
        return DataFile(f"{folder}/{name}", size, sha256, tuple(mirror + name for mirror in mirrors))

    return Layout(
        needs={
            split: (entry(f"{prefix}-images-idx3-ubyte.gz"), entry(f"{prefix}-labels-idx1-ubyte.gz"))
            for split, prefix in (("train", "train"), ("test", "t10k"))
        },
        read=_idx_pair,
    )


def _games(paths: tuple[Path, ...], split: str, check: Callable[[], None]) -> tuple[np.ndarray, np.ndarray]:
    raise UserError("the Hex games hold no images", "read them with load_games")


register(
    DataSet(
        name="digits",
        title="Handwritten digits, 8×8 (embedded)",
        kind="images",
        licence="CC BY 4.0 (UCI); shipped with scikit-learn (BSD-3)",
        citation="E. Alpaydin, C. Kaynak: Optical Recognition of Handwritten Digits. UCI, 1998",
        page="https://archive.ics.uci.edu/dataset/80",
        splits=("train", "validation", "test"),
        layouts=(Layout({"train": (), "validation": (), "test": ()}, _digits),),
        classes=_TEN_DIGITS,
        shape=(8, 8, 1),
        counts={"train": 1258, "validation": 180, "test": 359},
    )
)
register(
    DataSet(
        name="photos",
        title="Sample photographs, 256×256 (embedded)",
        kind="images",
        licence="CC0 or public domain, image by image; shipped with scikit-image (BSD-3)",
        citation="S. van der Walt et al.: scikit-image: image processing in Python. PeerJ, 2014",
        page="https://scikit-image.org/docs/stable/api/skimage.data.html",
        splits=("all",),
        layouts=(Layout({"all": ()}, lambda paths, split, check: read_photos(check=check)),),
        shape=(256, 256, 3),
    )
)
register(
    DataSet(
        name="mnist",
        title="MNIST, handwritten digits, 28×28",
        kind="images",
        licence="none stated; a universally mirrored research set",
        citation="Y. LeCun, L. Bottou, Y. Bengio, P. Haffner: Gradient-based learning applied to document "
        "recognition. Proc. IEEE, 1998",
        page="http://yann.lecun.com/exdb/mnist/",
        splits=("train", "test"),
        layouts=(
            _idx_layout(
                "mnist",
                (
                    "https://ossci-datasets.s3.amazonaws.com/mnist/",
                    "https://storage.googleapis.com/cvdf-datasets/mnist/",
                ),
                {
                    "train-images-idx3-ubyte.gz": (
                        9912422,
                        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                    ),
                    "train-labels-idx1-ubyte.gz": (
                        28881,
                        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
                    ),
                    "t10k-images-idx3-ubyte.gz": (
                        1648877,
                        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
                    ),
                    "t10k-labels-idx1-ubyte.gz": (
                        4542,
                        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
                    ),
                },
            ),
        ),
        classes=_TEN_DIGITS,
        shape=(28, 28, 1),
        counts={"train": 60_000, "test": 10_000},
    )
)
register(
    DataSet(
        name="fashion-mnist",
        title="Fashion-MNIST, articles of clothing, 28×28",
        kind="images",
        licence="MIT (Zalando SE)",
        citation="H. Xiao, K. Rasul, R. Vollgraf: Fashion-MNIST: a novel image dataset for benchmarking "
        "machine learning algorithms. arXiv:1708.07747, 2017",
        page="https://github.com/zalandoresearch/fashion-mnist",
        splits=("train", "test"),
        layouts=(
            _idx_layout(
                "fashion-mnist",
                (
                    # The bucket's website answers plain http only; the checksum guards the content.
                    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
                    "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
                ),
                {
                    "train-images-idx3-ubyte.gz": (
                        26421880,
                        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                    ),
                    "train-labels-idx1-ubyte.gz": (
                        29515,
                        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
                    ),
                    "t10k-images-idx3-ubyte.gz": (
                        4422102,
                        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
                    ),
                    "t10k-labels-idx1-ubyte.gz": (
                        5148,
                        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
                    ),
                },
            ),
        ),
        classes=(
            "T-shirt",
            "trouser",
            "pullover",
            "dress",
            "coat",
            "sandal",
            "shirt",
            "sneaker",
            "bag",
            "ankle boot",
        ),
        shape=(28, 28, 1),
        counts={"train": 60_000, "test": 10_000},
    )
)

_PACKED_TRAIN = tuple(
    DataFile(f"cifar10/cifar10_train_{i}.npz", size, sha256)
    for i, size, sha256 in (
        (1, 16872033, "c6ef367a16215be9679297701a354df867d0ba4d3c0bd9f9702c09259ecfa06b"),
        (2, 16914963, "731b0c16e07ecacafadbb703d7eb81ab38d271e6b32d611b140342423ca956c1"),
        (3, 16878662, "5988041fbd5178e4b22ec764818aaa067d97823ffcda9cdddaed5ee55513740e"),
        (4, 16866961, "c2cb50e234a0943dfa869c5831121c7760371ef17e4d5d983d12c4e345a5692b"),
        (5, 16879882, "df864c7cc1207201fbe8ea7e0e18b2b9cf75397e033d19535fdddeef0e711592"),
    )
)
_PACKED_TEST = (
    DataFile(
        "cifar10/cifar10_test.npz",
        16884881,
        "1dac1eacff77f2c066cfbe7de4c7127e5983ce8241fff5087371a53a099a13e8",
    ),
)
_CIFAR_ARCHIVE = (
    DataFile(
        "cifar10/cifar-10-binary.tar.gz",
        170_052_171,
        "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
        (
            "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
            "https://cave.cs.toronto.edu/kriz/cifar-10-binary.tar.gz",
        ),
    ),
)
register(
    DataSet(
        name="cifar10",
        title="CIFAR-10, small colour photographs, 32×32",
        kind="images",
        licence="none stated; a universally mirrored research set",
        citation="A. Krizhevsky: Learning multiple layers of features from tiny images. 2009",
        page="https://www.cs.toronto.edu/~kriz/cifar.html",
        splits=("train", "test"),
        layouts=(
            Layout({"train": _PACKED_TRAIN, "test": _PACKED_TEST}, _cifar_packed, decoded_copy=True),
            Layout({"train": _CIFAR_ARCHIVE, "test": _CIFAR_ARCHIVE}, _cifar_binary, decoded_copy=True),
        ),
        classes=CIFAR_CLASSES,
        shape=(32, 32, 3),
        counts={"train": 50_000, "test": 10_000},
    )
)
register(
    DataSet(
        name="hex-games",
        title="23,665 games of 9×9 Hex between programs",
        kind="games",
        licence="LGPL-3.0 (the repository's)",
        citation="C. Gao: neurobenzene, commit 30e1997",
        page="https://github.com/cgao3/neurobenzene",
        splits=("all",),
        layouts=(
            Layout(
                {
                    "all": (
                        DataFile(
                            "hex/games_9x9.txt.gz",
                            469_151,
                            "0a2bfc36ba9e392738c327292a6ff18ed2926e18f1496010c06a8b2937c6c510",
                        ),
                    )
                },
                _games,
            ),
        ),
        counts={"all": 23_665},
    )
)
