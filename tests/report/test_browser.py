"""The report in real Chromium, from disk and offline."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Locator, Page

from normlab.facade.result import Result
from tests.figures.reading import numbers

from .conftest import DRAWN, OVER_SEVERAL

pytestmark = pytest.mark.browser
SIZES = {"desk": (1280, 900), "phone": (390, 844)}


@pytest.fixture
def opened(browser: Browser, page_path: Path) -> Iterator[Callable[..., Page]]:
    """Opens the report; afterwards nothing may have been asked for or gone wrong."""
    trouble: list[str] = []
    contexts = []

    def open_page(
        size: str = "desk", scheme: str = "light", path: Path = page_path
    ) -> Page:
        width, height = SIZES[size]
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
            offline=True,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on(
            "console",
            lambda said: trouble.append(said.text) if said.type == "error" else None,
        )
        page.on(
            "request",
            lambda asked: (
                None
                if asked.url.startswith((path.as_uri(), "data:", "blob:"))
                else trouble.append(asked.url)
            ),
        )
        page.goto(path.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert trouble == []


def draw_everything(page: Page) -> None:
    for kind in DRAWN:
        if kind.at_once:
            plot = page.locator(f"[data-figure={kind.id}]")
            plot.scroll_into_view_if_needed()
            plot.locator(".main-svg").first.wait_for()


def drawn_claims(page: Page) -> Locator:
    """A figure far down the page."""
    plot = page.locator("[data-figure=claims]")
    plot.scroll_into_view_if_needed()
    drawn = plot.locator(".main-svg").first
    drawn.wait_for()
    return drawn


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_every_figure_is_drawn_and_nothing_sticks_out(
    opened: Callable[..., Page], size: str, scheme: str
) -> None:
    page = opened(size, scheme)
    draw_everything(page)
    assert page.evaluate("document.documentElement.scrollWidth") == SIZES[size][0]
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    drawn = page.locator("[data-figure=learning-curves] .main-svg").first
    assert drawn.evaluate("svg => svg.style.background") == paper


@pytest.mark.parametrize("size", SIZES)
def test_a_sweep_is_drawn_over_its_rates_and_its_settings(
    opened: Callable[..., Page], swept_path: Path, size: str
) -> None:
    page = opened(size, path=swept_path)
    for name in sorted(OVER_SEVERAL):
        plot = page.locator(f"[data-figure={name}]")
        plot.scroll_into_view_if_needed()
        plot.locator(".main-svg").first.wait_for()
        assert plot.locator(".xtick").count() > 0
    assert page.evaluate("document.documentElement.scrollWidth") == SIZES[size][0]


@pytest.mark.parametrize("size", SIZES)
def test_every_section_is_in_sight_in_the_navigation(
    opened: Callable[..., Page], page_path: Path, swept_path: Path, size: str
) -> None:
    for path in (page_path, swept_path):
        page = opened(size, path=path)
        width, height = SIZES[size]
        for link in page.locator("nav a").all():
            box = link.bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
        page.locator("#limits").scroll_into_view_if_needed()
        box = page.locator("nav").bounding_box()
        assert box is not None
        assert box["y"] + box["height"] < height / 8  # it leaves room to read


def test_a_section_is_not_hidden_by_the_navigation(opened: Callable[..., Page]) -> None:
    page = opened()
    page.emulate_media(reduced_motion="reduce")
    page.locator("nav a").filter(has_text="Limits").click()
    title, nav = (
        page.locator(place).bounding_box() for place in ("#limits-title", "nav")
    )
    assert title is not None
    assert nav is not None
    assert title["y"] >= nav["y"] + nav["height"]


def test_nothing_is_drawn_before_it_comes_near(opened: Callable[..., Page]) -> None:
    page = opened()
    curves = page.locator("[data-figure=learning-curves]")
    curves.scroll_into_view_if_needed()
    curves.locator(".main-svg").first.wait_for()
    assert page.locator("[data-figure=cost] .main-svg").count() == 0


def test_the_slider_works_with_the_keyboard(opened: Callable[..., Page]) -> None:
    page = opened()
    figure = page.locator("#by-hand")
    figure.scroll_into_view_if_needed()
    slider = figure.get_by_role("slider")
    figure.locator(".textpoint").first.wait_for()
    before = figure.locator(".textpoint").all_inner_texts()
    slider.press("ArrowRight")
    page.wait_for_function(
        "before => document.querySelector('#by-hand .textpoint').textContent != before",
        arg=before[0],
    )
    assert str(slider.get_attribute("aria-valuetext")).startswith("2 of 4: x − μ")


def test_a_figure_plays_and_stops_at_its_end(opened: Callable[..., Page]) -> None:
    page = opened()
    figure = page.locator("#by-hand")
    figure.scroll_into_view_if_needed()
    figure.get_by_role("button", name="Play").click()
    page.wait_for_function(
        "() => document.querySelector('#by-hand input').value === '3' && "
        "document.querySelector('#by-hand button').textContent === 'Play'"
    )


def test_no_tool_of_a_figure_is_a_stop_of_the_keyboard(
    opened: Callable[..., Page],
) -> None:
    page = opened()
    drawn_claims(page)
    stops = page.locator("[data-figure=claims]").evaluate(
        "plot => [...plot.querySelectorAll('a, button, [tabindex]')]"
        ".filter(one => one.tabIndex >= 0).length"
    )
    assert stops == 0


def test_without_javascript_every_figure_is_told_in_words_and_numbers(
    browser: Browser, page_path: Path, observed: Result
) -> None:
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto(page_path.as_uri())
    for kind in DRAWN:
        figure = page.locator(f"#{kind.id}")
        assert figure.locator("noscript p").inner_text()
        assert not figure.locator(".plot").is_visible()
        cells = figure.locator("noscript td, noscript tbody th").all_inner_texts()
        told = [value for cell in cells if (value := as_number(cell)) is not None]
        drawn = every_value(observed.plot(kind.id).on_paper().figure.to_dict())
        assert len(told) > 1
        for value in told:
            nearest = drawn[np.argmin(abs(drawn - value))]
            assert value == pytest.approx(nearest, rel=1e-3, abs=1e-9)
    context.close()


def as_number(cell: str) -> float | None:
    """What a cell says, if that is one number."""
    found = re.fullmatch(r"−?\d+(\.\d+)?(e[−+]\d+)?", cell)
    return float(cell.replace("−", "-")) if found else None


def every_value(drawn: object) -> NDArray[np.float64]:
    """All numbers of a figure, at whatever depth, and the labels of its axes."""
    match drawn:
        case {"bdata": _}:
            parts = [np.ravel(numbers(drawn))]
        case dict():
            parts = [every_value(of) for of in drawn.values()]
        case list() | tuple():
            parts = [every_value(of) for of in drawn]
        case str():
            value = as_number(drawn)
            parts = [] if value is None else [np.array([value])]
        case bool() | None:
            parts = []
        case int() | float():
            parts = [np.array([drawn], np.float64)]
        case _:
            parts = []
    found = np.concatenate([np.empty(0), *parts])
    return found[np.isfinite(found)]


def test_the_numbers_of_a_figure_open_where_there_is_a_script(
    opened: Callable[..., Page],
) -> None:
    numbers = opened().locator("#claims [data-numbers]")
    assert numbers.locator("table").count() == 0
    numbers.locator("summary").click()
    numbers.locator("table").first.wait_for()


def test_moments_of_a_neuron_follow_the_slider(opened: Callable[..., Page]) -> None:
    page = opened("phone")
    figure = page.locator("#neuron-by-step")
    figure.scroll_into_view_if_needed()
    slider = figure.get_by_role("slider")
    assert slider.get_attribute("aria-valuetext") == "step 80"
    slider.press("Home")
    assert slider.get_attribute("aria-valuetext") == "step 0"
    # bars stay bars
    assert figure.locator(".bars path").count() > 0


def test_three_dimensions_are_drawn_when_asked_for(opened: Callable[..., Page]) -> None:
    page = opened()
    page.locator("#surface-3d").get_by_role("button").click()
    page.locator("[data-figure=surface-3d] canvas").first.wait_for()


def test_a_change_of_theme_redraws(opened: Callable[..., Page]) -> None:
    page = opened()
    drawn = drawn_claims(page)
    page.emulate_media(color_scheme="dark")
    page.wait_for_selector("[data-figure=claims][data-state='dark wide']")
    assert drawn.evaluate("svg => svg.style.background") == "rgb(21, 24, 29)"


def test_printing_draws_every_figure_on_white(opened: Callable[..., Page]) -> None:
    page = opened("desk", "dark")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    for kind in DRAWN:
        page.wait_for_selector(
            f"[data-figure={kind.id}][data-state^=light]", state="attached"
        )


def test_paper_has_all_stages_and_three_dimensions_and_the_page_is_as_before(
    opened: Callable[..., Page],
) -> None:
    page = opened()
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    # four stages, and below them the images
    assert page.locator("[data-figure=by-hand] g.subplot").count() == 4 + 2
    assert page.locator("[data-figure=by-hand] image").count() == 2 * 8
    copies = page.locator("[data-figure=surface-3d] canvas.copy")
    assert copies.count() == 2
    for copy in copies.all():
        colours = copy.evaluate(
            "c => new Set(new Uint32Array(c.getContext('2d')"
            ".getImageData(0, 0, c.width, c.height).data.buffer)).size"
        )
        assert colours > 100  # a surface, not an empty sheet
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.locator("canvas").count() == 0
    assert not page.locator("[data-figure=surface-3d]").is_visible()


def test_no_button_offers_to_upload(opened: Callable[..., Page]) -> None:
    page = opened()
    drawn_claims(page)
    plot = page.locator("[data-figure=claims]")
    plot.hover()
    titles = plot.locator(".modebar-btn").evaluate_all(
        "buttons => buttons.map(button => button.dataset.title || '')"
    )
    assert titles
    assert not [t for t in titles if "loud" in t or "hare" in t]
