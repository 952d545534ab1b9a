"""The server's page in a real browser: choosing, typing, reading."""

from collections.abc import Iterator
from pathlib import Path

import contract_models
import pytest
import webdriver
from contract_models import publish
from rest_server import Server, serving
from webdriver import Browser

pytestmark = pytest.mark.skipif(
    not (webdriver.CHROMIUM and webdriver.CHROMEDRIVER),
    reason="needs chromium and chromedriver on PATH (Debian: apt-get install "
    "chromium chromium-driver)",
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("saved_models")
    for name, signatures in {
        "answers": contract_models.extractor(),
        "entities": contract_models.tagger(),
        "labels": contract_models.classifier(),
        "masks": contract_models.masked(),
        "sentences": contract_models.embedder(),
        "translations": contract_models.translator(),
    }.items():
        publish(folder / name, 3, signatures)
    with serving(folder) as server:
        yield server


@pytest.fixture(scope="module")
def window() -> Iterator[Browser]:
    with webdriver.browser() as found:
        yield found


@pytest.fixture
def page(window: Browser, server: Server) -> Browser:
    window.open(server.url)
    window.wait_for("document.querySelector('#form textarea')")
    return window


def choose(page: Browser, model: str, field: str) -> None:
    page.click(f"#model option[value={model}]")
    page.wait_for("document.getElementById(arguments[0])", field)


def ask(page: Browser, **texts: str) -> None:
    for name, text in texts.items():
        page.type(f"#{name}", text)
    page.click("#form [type=submit]")
    page.wait_for(
        "!document.getElementById('answer').hidden && "
        "!document.querySelector('[type=submit]').disabled"
    )


def bars(page: Browser) -> list[list[str]]:
    return page.run(
        "return [...document.querySelectorAll('.bars li')].map("
        "(x) => [...x.querySelectorAll('.name, .share')].map("
        "(y) => y.textContent))"
    )


def texts(page: Browser, selector: str) -> list[str]:
    return page.run(
        "return [...document.querySelectorAll(arguments[0])].map("
        "(x) => x.textContent)",
        selector,
    )


def test_first_model_and_what_it_is_for(page: Browser) -> None:
    assert "for trying, not for production" in texts(page, "header")[0]
    assert texts(page, "#model option") == [
        *("answers", "entities", "labels", "masks", "sentences"),
        "translations",
    ]
    assert texts(page, "#version") == ["version 3"]
    assert texts(page, "form label")[0] == "Question"


def test_labels_with_bars(page: Browser) -> None:
    choose(page, "labels", "text")
    page.wait_for("document.querySelectorAll('#form textarea').length === 1")
    ask(page, text="这本书太坏")
    assert bars(page) == [["bad", "90.0 %"], ["good", "10.0 %"]]
    widths = page.run(
        "return [...document.querySelectorAll('.fill')].map("
        "(x) => x.getBoundingClientRect().width)"
    )
    assert widths[0] == pytest.approx(9 * widths[1], rel=0.01)


def test_entities_in_the_text(page: Browser) -> None:
    choose(page, "entities", "text")
    # The browser counts 🙂 as two; the server and the page as one.
    page.run("document.getElementById('text').value = '🙂王明去，王在'")
    page.click("#form [type=submit]")
    page.wait_for("document.querySelector('mark')")
    assert texts(page, "mark") == ["🙂MOOD", "王明PER", "王PER"]
    assert texts(page, ".reading") == ["🙂MOOD王明PER去，王PER在"]
    hues = page.run(
        "return [...document.querySelectorAll('mark')].map("
        "(x) => getComputedStyle(x).backgroundColor)"
    )
    assert hues[1] == hues[2] != hues[0]
    ask(page, text="a")
    page.wait_for("!document.querySelector('mark')")
    assert "Nothing was found" in texts(page, "#answer")[0]


def test_answers_in_the_context(page: Browser) -> None:
    choose(page, "answers", "question")
    ask(page, question="Who?", context="abcdefg")
    assert texts(page, "mark") == ["cd"]
    assert [name for name, _ in bars(page)] == ["cd", "a", "(no answer)"]
    page.click(".bars li:nth-child(2) button")
    assert texts(page, "mark") == ["a"]
    page.click(".bars li:nth-child(3) button")
    assert "does not say" in texts(page, "#answer")[0]


def test_filled_masks(page: Browser) -> None:
    choose(page, "masks", "text")
    page.wait_for("document.querySelectorAll('#form button').length === 2")
    page.type("#text", "In ")
    page.click("#form [type=button]")
    assert page.run("return document.getElementById('text').value") == (
        "In [MASK]"
    )
    ask(page, text="In [MASK] und [MASK].")
    assert texts(page, ".reading") == ["In 水 und 水."]
    assert texts(page, "h2") == ["[MASK] 1", "[MASK] 2"]
    assert bars(page) == [["水", "80.0 %"], ["火", "15.0 %"]] * 2


def test_nearest_sentences(page: Browser) -> None:
    choose(page, "sentences", "sentences")
    page.run(
        "document.getElementById('text').value = '山水';"
        "document.getElementById('sentences').value = '火\\n\\n山\\n山水水'"
    )
    page.click("#form [type=submit]")
    page.wait_for("document.querySelectorAll('.bars li').length === 3")
    # (1, 1, 0) with (1, 2, 0), (1, 0, 0) and (0, 0, 1), and 0.01 in each.
    assert [name for name, _ in bars(page)] == ["山水水", "山", "火"]
    assert bars(page)[0][1] == "0.949"
    assert bars(page)[1][1] == pytest.approx("0.714")


def test_a_translation_with_its_alignment(page: Browser) -> None:
    choose(page, "translations", "length_penalty")
    values = "return [...document.querySelectorAll('.settings input')].map("
    assert page.run(values + "(x) => x.value)") == ["9", "0.5"]
    page.run("document.querySelector('form details').open = true")
    page.type("#max_length", "1")
    ask(page, text="to be")
    page.wait_for("document.querySelector('.weights td[title]')")
    page.wait_for(
        "document.querySelector('.written').textContent === 'to be to be'"
    )
    assert "91 tokens, ended, score 0.50" in texts(page, "#answer .note")
    assert texts(page, ".weights thead th") == ["to", "be"]
    assert texts(page, ".weights tbody th") == ["to", "be", "to", "be"]
    shares = (
        "return [...document.querySelectorAll('.weights td[title]')].map("
        "(x) => x.title.split(': ')[1])"
    )
    assert page.run(shares)[:4] == ["100.0 %", "0.0 %", "0.0 %", "100.0 %"]
    page.click("#block option[value='0']")
    page.wait_for(
        "document.querySelector('.weights td[title]').title.endsWith(' 0.0 %')"
    )


def test_errors_are_shown(page: Browser, server: Server) -> None:
    choose(page, "labels", "text")
    # A text longer than the server accepts.
    page.run("document.getElementById('text').value = 'a'.repeat(17 * 2 ** 20)")
    page.click("#form [type=submit]")
    page.wait_for("document.querySelector('.error')")
    assert "longer than 16 MB" in texts(page, ".error")[0]
    assert "(status 413)" in texts(page, ".error")[0]
    # The next answer replaces it.
    ask(page, text="好")
    page.wait_for("!document.querySelector('.error')")


@pytest.mark.parametrize("dark", [False, True])
def test_fits_a_phone(server: Server, tmp_path: Path, dark: bool) -> None:
    with webdriver.browser(webdriver.PHONE, dark) as phone:
        phone.open(server.url)
        phone.wait_for("document.querySelector('#form textarea')")
        phone.run(
            "document.getElementById('question').value = 'Who?';"
            "document.getElementById('context').value = 'abc'.repeat(200)"
        )
        phone.click("#form [type=submit]")
        phone.wait_for("document.querySelector('mark')")
        assert phone.run(
            "return document.documentElement.scrollWidth <= innerWidth"
        )
        paper = phone.run(
            "return getComputedStyle(document.body).backgroundColor"
        )
        brightness = sum(int(x) for x in paper[4:-1].split(",")) / 3
        assert (brightness < 128) == dark
