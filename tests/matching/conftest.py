"""Tests that hold for every search."""

import pytest

from retouch.matching import correspondence
from retouch.matching.compiled_search import CompiledSearch
from retouch.matching.torch_search import TorchSearch
from retouch.native import library


@pytest.fixture(params=[TorchSearch, CompiledSearch], scope="module")
def each_search(request):
    """Matching uses one search, then the other."""
    if request.param is CompiledSearch and library() is None:
        pytest.skip("not compiled")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(correspondence, "SEARCH", request.param())
        yield
