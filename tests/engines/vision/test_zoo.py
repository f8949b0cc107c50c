"""Architectures by name: sizes, shapes, refusals (paper file 02, check 9.3)."""

import json
import subprocess
import sys

import pytest
import torch

from engines.core.errors import UserError
from engines.vision.nets.zoo import build, kinds

KINDS = sorted(kinds())


@pytest.mark.parametrize(
    ("architecture", "count"),
    [
        ({"kind": "stdcnn"}, 23_010),
        ({"kind": "gcnn"}, 89_910),
        ({"kind": "stdcnn", "width": 2.0}, 58_060),
        ({"kind": "gcnn", "width": 0.5}, 38_935),
    ],
)
def test_9_3_parameters_are_those_of_the_paper(architecture: dict, count: int) -> None:
    assert sum(p.numel() for p in build(architecture).parameters()) == count


def test_the_map_before_the_dense_layers_is_twenty_by_four_by_four() -> None:
    x = torch.rand(2, 1, 28, 28)
    assert build({"kind": "stdcnn"}).features(x).shape == (2, 20, 4, 4)
    assert build({"kind": "gcnn"}).features(x).shape == (2, 20, 4, 4, 4)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_answers_with_finite_logits_that_depend_on_the_image(kind: str) -> None:
    small = {"filters": [2, 3], "hidden": [5]} if kind == "detectors" else {}
    net = build({"kind": kind, "classes": 7, **small}, seed=0).eval()
    x = torch.rand(3, *net.input_shape, generator=torch.Generator().manual_seed(0))
    logits = net(x)
    assert logits.shape == (3, 7) == (3, net.classes)
    assert bool(torch.isfinite(logits).all())
    assert not torch.allclose(logits[0], logits[1])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32)])
def test_every_kind_takes_grey_and_colour_and_its_dictionary_builds_it_again(kind: str, shape: tuple) -> None:
    small = {"filters": [2, 3], "hidden": [5]} if kind == "detectors" else {}
    net = build({"kind": kind, "input_shape": shape, "mean": 0.4, "std": 0.2, **small}, seed=0).eval()
    stored = json.loads(json.dumps(net.architecture))
    twin = build(stored).eval()
    twin.load_state_dict(net.state_dict())
    x = torch.rand(2, *shape)
    assert torch.equal(net(x), twin(x))
    assert twin.architecture == net.architecture


def test_normalisation_is_inside_and_per_colour() -> None:
    net = build({"kind": "mlp", "input_shape": [3, 8, 8], "mean": [0.1, 0.2, 0.3], "std": [1.0, 2.0, 4.0]})
    x = torch.ones(1, 3, 8, 8)
    torch.testing.assert_close(net.normalise(x)[0, :, 0, 0], torch.tensor([0.9, 0.4, 0.175]))
    torch.testing.assert_close(net(x), net.body(net.normalise(x)))


def test_a_seed_fixes_the_weights_and_leaves_the_global_generator_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    one, same, other = (build({"kind": "stdcnn"}, seed=s).state_dict() for s in (1, 1, 2))
    assert torch.equal(torch.rand(3), expected)
    assert all(torch.equal(one[k], same[k]) for k in one)
    assert not torch.equal(one["body.trunk.conv1.0.weight"], other["body.trunk.conv1.0.weight"])


def test_stages_can_be_looked_into_and_others_are_refused() -> None:
    net, x = build({"kind": "resnet", "widths": [4, 6]}).eval(), torch.rand(1, 3, 32, 32)
    assert net.stages == ("stem", "stage1", "stage2")
    assert net.features(x, "stem").shape == (1, 4, 32, 32)
    assert torch.equal(net.features(x), net.features(x, "stage2"))
    with pytest.raises(UserError, match="no feature maps 'stage9'"):
        net.features(x, "stage9")
    with pytest.raises(UserError, match="no feature maps"):
        build({"kind": "mlp"}).features(torch.rand(1, 1, 28, 28))


@pytest.mark.parametrize(
    ("architecture", "said"),
    [
        ({}, "no architecture None"),
        ({"kind": "transformer"}, "no architecture 'transformer'"),
        ({"kind": "stdcnn", "depth": 3}, "no setting 'depth'"),
        ({"kind": "stdcnn", "width": -1.0}, "width cannot be"),
        ({"kind": "stdcnn", "width": "wide"}, "width cannot be"),
        ({"kind": "gcnn", "invariant": 1}, "invariant cannot be"),
        ({"kind": "vgg", "widths": [8, 0]}, "widths cannot be"),
        ({"kind": "bncnn", "kernel": 4}, "odd size"),
        ({"kind": "stdcnn", "input_shape": [1, 9, 9]}, "does not fit images of 9×9"),
        ({"kind": "resnet", "input_shape": [2, 32, 32]}, "colours"),
        ({"kind": "resnet", "input_shape": "big"}, "input shape"),
        ({"kind": "mlp", "classes": 0}, "classes"),
        ({"kind": "mlp", "std": 0.0}, "above 0"),
        ({"kind": "mlp", "input_shape": [3, 8, 8], "mean": [0.1, 0.2]}, "3 numbers for the mean"),
    ],
)
def test_what_cannot_be_built_is_refused_with_the_reason(architecture: dict, said: str) -> None:
    with pytest.raises(UserError, match=said):
        build(architecture)


@pytest.mark.parametrize("kind", ["resnet", "wideresnet"])
def test_four_channels_with_channels_last_do_not_end_the_process(kind: str) -> None:
    """A strided 1×1 convolution would: see `bodies._Pointwise`. In a process of its own, for the test's sake."""
    config = {"resnet": {"widths": [4, 8]}, "wideresnet": {"base": 4, "widen": 1}}[kind]
    code = f"""
import torch
from engines.vision.nets.zoo import build
net = build({{"kind": {kind!r}, "input_shape": [3, 16, 16], **{config!r}}}, seed=0)
for _ in range(20):
    x = torch.rand(8, 3, 16, 16).contiguous(memory_format=torch.channels_last).requires_grad_()
    net(x).sum().backward()
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_pointwise_shortcut_is_a_strided_convolution() -> None:
    from engines.vision.nets.bodies import _Pointwise

    ours, x = _Pointwise(3, 5, 2), torch.rand(2, 3, 7, 8)
    torch.testing.assert_close(ours(x), torch.nn.functional.conv2d(x, ours.weight, stride=2))


@pytest.mark.parametrize("kind", KINDS)
def test_an_image_too_small_is_a_user_error_or_works(kind: str) -> None:
    small = {"filters": [2, 3], "hidden": [5]} if kind == "detectors" else {}
    for side in (4, 5, 8, 13):
        try:
            net = build({"kind": kind, "input_shape": [1, side, side], **small}).eval()
        except UserError:
            continue
        assert net(torch.rand(1, 1, side, side)).shape == (1, 10)
