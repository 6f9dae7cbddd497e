"""As many histories as it takes for enough to happen in them."""

from collections.abc import Callable

from tests.machine.play import Tally

TIMES_AS_MANY = (1, 2, 4)


def enough(play: Callable[[int], Tally], histories: int, lacking: Callable[[Tally], object]) -> Tally:
    """Return the tally of so many histories, or of more of them where something is lacking in it.

    What Hypothesis draws depends on which modules it finds loaded, also without chance: what happens often on
    one day is rare on another. In four times as many it happens, unless the machine cannot do it any more.
    """
    tally = Tally()
    for times in TIMES_AS_MANY:
        tally = play(histories * times)
        if not lacking(tally):
            break
    return tally
