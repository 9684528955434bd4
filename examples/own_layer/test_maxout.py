from own_layer.layers import Maxout

from cnnspec.testing import check_layer


def test_maxout() -> None:
    check_layer(Maxout)
