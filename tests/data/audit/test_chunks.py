"""Threads of an audit compute their products of matrices themselves, and only while it runs."""

import numpy as np
from threadpoolctl import threadpool_info

from attnmel.data.audit import chunks
from attnmel.progress import SILENT


def blas_threads() -> list[int]:
    return [one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"]


def test_products_are_computed_by_the_thread_that_asks_for_them() -> None:
    before = blas_threads()
    with chunks.threads() as pool:
        assert set(pool.submit(blas_threads).result()) == {1}
    assert blas_threads() == before


def test_parts_are_joined_in_their_order() -> None:
    count = 2 * chunks.TOGETHER // 64 + 1
    found = chunks.in_parts(lambda rows: (np.arange(rows.start, rows.stop),), count, 64, "Counting", SILENT)
    assert np.array_equal(found[0], np.arange(count))
    assert len(chunks.in_parts(lambda rows: (np.arange(rows.start, rows.stop),), 0, 64, "Counting", SILENT)[0]) == 0
