from __future__ import annotations

from itertools import combinations

import pytest

from normlab.figures.kit.theme import DARK, LIGHT, Colour, Theme, swaps

THEMES = {"light": LIGHT, "dark": DARK}


def luminance(rgb: Colour) -> float:
    """WCAG 2.1, relative luminance."""
    channels = [c / 255 for c in rgb]
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: Colour, other: Colour) -> float:
    """WCAG 2.1, contrast ratio."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
def test_text_is_readable(theme: Theme) -> None:
    assert contrast(theme.ink, theme.paper) >= 4.5
    assert contrast(theme.muted, theme.paper) >= 4.5


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
def test_every_line_stands_out_from_the_paper(theme: Theme) -> None:
    assert all(contrast(arm, theme.paper) >= 3 for arm in theme.arms)


def test_the_first_42_arms_all_look_different() -> None:
    styles = LIGHT.styles({f"arm{i}": "" for i in range(42)})
    assert all(
        (a.rgb, a.dash) != (b.rgb, b.dash) for a, b in combinations(styles.values(), 2)
    )


def test_neighbouring_arms_differ_without_any_colour() -> None:
    styles = list(LIGHT.styles({f"arm{i}": "" for i in range(6)}).values())
    assert len({style.dash for style in styles}) == 6
    assert len({style.marker for style in styles}) == 6


def test_an_arm_keeps_its_place_in_the_palette() -> None:
    few = LIGHT.styles(dict.fromkeys(["none", "batch"], ""))
    many = LIGHT.styles(dict.fromkeys(["none", "batch", "rms"], ""))
    assert few["batch"] == many["batch"]


def test_every_colour_has_one_of_its_own_in_the_dark() -> None:
    assert len(set(swaps().values())) == len(swaps()) == 4 + len(LIGHT.arms)
