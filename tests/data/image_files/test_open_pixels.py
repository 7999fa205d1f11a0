"""Pictures wait until the pixels that are in use leave room for them."""

import threading

from attnmel.data.image_files.open_pixels import PixelBudget


def test_the_sum_of_pixels_stays_below_the_bound_and_everybody_gets_in() -> None:
    budget, now, most, lock = PixelBudget(100), [0], [0], threading.Lock()

    def use(pixels: int) -> None:
        for _ in range(50):
            with budget.hold(pixels):
                with lock:
                    now[0] += pixels
                    most[0] = max(most[0], now[0])
                with lock:
                    now[0] -= pixels

    threads = [threading.Thread(target=use, args=(pixels,)) for pixels in (60, 50, 40, 30, 10, 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert 60 <= most[0] <= 100


def test_one_picture_beyond_the_bound_gets_in_alone_and_with_its_own_mask() -> None:
    budget, entered = PixelBudget(100), threading.Event()

    def other() -> None:
        with budget.hold(1):
            entered.set()

    thread = threading.Thread(target=other)
    with budget.hold(150), budget.hold(150):
        thread.start()
        assert not entered.wait(0.1)
    assert entered.wait(60)
    thread.join(60)
