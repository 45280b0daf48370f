"""Stories about the frame that every page shares."""

import pytest

pytestmark = pytest.mark.browser

OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def test_a_stranger_finds_the_public_doors_and_the_way_to_sign_in(visit):
    page = visit("/")

    page.get_by_role("link", name="Sign in").first.click()

    page.wait_for_url("**/accounts/login/**")
    assert page.locator("h1").inner_text()


def test_staff_see_their_dashboard_with_definition_and_age_of_each_tile(visit):
    page = visit("/", "epidemiologist", "tracer")

    tiles = page.locator(".tile")
    tiles.first.wait_for()
    assert tiles.count() > 1
    assert page.locator(".tile-foot time").count() == tiles.count()
    page.locator(".tile-info").first.click()
    assert page.locator(".tile-definition.show").is_visible()


def test_the_language_changes_and_stays(visit):
    page = visit("/", "tracer")

    for button, language, title in (("Español", "es", "Panel"), ("中文", "zh-hant", "儀表板")):
        page.locator("form[action='/language/'] > button").click()
        page.locator("form[action='/language/'] .dropdown-item", has_text=button).click()
        page.wait_for_selector(f"html[lang={language}]")
        page.goto("/")
        assert page.locator("h1").inner_text() == title


def test_dark_stays_dark_without_a_flash_of_light(visit):
    page = visit("/", "tracer", color_scheme="light")
    assert page.locator("html").get_attribute("data-bs-theme") == "light"

    page.locator("[data-theme-form] > button").click()
    with page.expect_response("**/theme/"):
        page.locator("[data-theme-form] [value=dark]").click()

    assert page.locator("html").get_attribute("data-bs-theme") == "dark"
    first_bytes = page.request.get("/").text()
    assert 'data-bs-theme="dark"' in first_bytes
    page.reload()
    assert page.locator("html").get_attribute("data-bs-theme") == "dark"


@pytest.mark.parametrize(
    "path", ["/", "/map/", "/work/", "/about/rules/", "/about/retention/", "/import/cases/", "/accounts/login/"]
)
def test_nothing_is_wider_than_a_telephone(visit, path):
    page = visit(path, *(() if "login" in path else ("registrar", "epidemiologist")), width=390, height=844)

    assert page.evaluate(OVERFLOW) <= 0


def test_slash_searches_and_question_mark_helps(visit):
    page = visit("/map/", "epidemiologist")

    page.keyboard.press("?")
    assert page.locator("dialog#help").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("dialog#help").is_visible()
    page.keyboard.press("g")
    page.keyboard.press("w")
    page.wait_for_url("**/work/")


def test_a_page_hears_of_changes_and_says_when_it_does_not(visit, platform):
    page = visit("/work/", "operator", name="leaving")
    page.wait_for_selector("[data-live-state=live]")

    asked_again = "document.body.addEventListener('htmx:afterRequest', () => { window.asked = (window.asked || 0) + 1 })"
    page.evaluate(asked_again)
    platform.run("from epipolis.core import live; live.tell('tasks', run='1')")
    page.wait_for_function("window.asked > 0")

    mine = next(cookie["value"] for cookie in page.context.cookies() if cookie["name"] == "sessionid")
    platform.run(
        "from django.contrib.sessions.models import Session; Session.objects.get(pk=ARGUMENTS['key']).delete()", key=mine
    )
    page.wait_for_url("**/accounts/login/**", timeout=60_000)


def test_a_line_list_is_checked_then_imported_with_a_report(visit, tmp_path):
    table = tmp_path / "list.csv"
    table.write_text(
        "case_id,onset,reported,classification\n"
        + "".join(f"a{n},2026-10-{n:02d},2026-10-28,confirmed\n" for n in range(1, 28))
        + ",2026-10-01,2026-10-28,confirmed\n"
    )
    page = visit("/import/cases/", "registrar")

    page.set_input_files("#id_file", table)
    page.get_by_role("button", name="Check the file").click()
    page.get_by_role("button", name="Import now").wait_for()
    assert page.locator(".counts b").nth(2).inner_text() == "27"
    page.get_by_role("button", name="Import now").click()
    page.get_by_text("The file itself has been erased.").wait_for()

    page.goto("/work/")
    assert page.locator("tbody tr").count() == 2


def test_a_map_is_drawn_and_its_list_says_the_same(visit, platform, shared_data):
    platform.run(
        "from pathlib import Path\n"
        "from epipolis.core import clock\n"
        "from epipolis.core.work import silent\n"
        "from epipolis.sense.city import services\n"
        "services.load_city(Path(ARGUMENTS['folder']), by='platform', at=clock.now(), simulated=False, progress=silent())",
        folder=str(shared_data / "taipei_city"),
    )

    page = visit("/map/", "epidemiologist")

    page.wait_for_selector("city-map[data-drawn=map]", timeout=60_000)
    rows = page.locator(".map-table tbody tr")
    districts = platform.run("from epipolis.sense.city import queries\nANSWER = len(queries.districts())")
    assert rows.count() == districts >= 12
    page.keyboard.press("/")
    page.keyboard.type("大安")
    assert rows.count() == 1
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector(".map-table tr.is-chosen")


def test_the_theme_may_change_before_the_map_has_read_its_style(visit):
    page = visit("/work/", "epidemiologist")
    page.add_init_script("customElements.whenDefined('city-map').then(() => document.dispatchEvent(new Event('theme')))")

    page.goto("/map/")

    page.wait_for_selector("city-map[data-drawn=map]", timeout=60_000)


def test_where_no_map_can_be_drawn_the_list_stands_alone(visit, platform):
    page = visit("/work/", "epidemiologist")
    page.add_init_script("HTMLCanvasElement.prototype.getContext = () => null")

    page.goto("/map/")

    if page.locator("city-map").count():
        page.wait_for_selector("city-map[data-drawn=list]")
        assert "cannot draw the map" in page.locator(".map-message").inner_text()


def test_a_network_survives_a_time_without_a_size(visit):
    """As in a closed tab or a folded card: it is not drawn into nothing, and is there again afterwards."""
    page = visit("/", "tracer")
    page.evaluate(
        """async () => {
          const data = {kind: "graph", nodes: [{id: 1, name: "a"}, {id: 2, name: "b"}], links: [{source: 1, target: 2}]};
          const box = document.createElement("div");
          box.id = "folded";
          box.innerHTML = '<city-chart><div class="chart-canvas"></div><script type="application/json"></script></city-chart>';
          box.querySelector("script").textContent = JSON.stringify(data);
          box.querySelector(".chart-canvas").style.height = "200px";
          box.hidden = true;
          document.querySelector("main").prepend(box);
          await import(document.querySelector('script[src*="core/shell"]').src.replace("shell", "chart"));
          window.failures = [];
          window.addEventListener("error", (event) => window.failures.push(event.message));
        }"""
    )
    chart = page.locator("#folded city-chart")
    assert chart.get_attribute("data-drawn") is None

    for width in ("600px", "0", "300px", "0", "500px"):
        page.evaluate(
            "(width) => { const box = document.getElementById('folded'); box.hidden = false; box.style.width = width }", width
        )
        page.wait_for_timeout(60)

    assert chart.get_attribute("data-drawn") == "1"
    assert page.evaluate("window.failures") == []
    assert page.locator("#folded canvas").bounding_box()["width"] == 500


def test_hints_about_keys_are_for_those_who_have_keys(visit):
    assert visit("/tracing/", "tracer").locator("main .for-keys, .page-header .for-keys").first.is_visible()
    touched = visit("/tracing/", "tracer", width=390, height=844, has_touch=True, is_mobile=True)
    assert not touched.locator("main .for-keys, .page-header .for-keys").first.is_visible()


def test_page_libraries_are_sent_compressed(visit):
    page = visit("/", "tracer")

    with page.expect_response("**/tabler.min*.css") as answered:
        page.reload()

    assert answered.value.headers["content-encoding"] == "gzip"
