from __future__ import annotations

import pytest

from aml_emulator.studio.files import disposition, media_type


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("outputs/confusion_matrix.png", "image/png"),
        ("photo.JPEG", "image/jpeg"),
        ("user_logs/std_log.txt", "text/plain; charset=utf-8"),
        ("model/MLmodel", "text/plain; charset=utf-8"),
        ("metrics.json", "text/plain; charset=utf-8"),
    ],
)
def test_images_and_plain_text_open_in_the_browser(path: str, kind: str) -> None:
    assert media_type(path) == kind
    assert disposition(path) == "inline"


@pytest.mark.parametrize(
    "path", ["report.html", "page.htm", "data.xml", "a.xhtml", "app.js", "model.pkl", "archive", "x.pdf"]
)
def test_everything_else_is_saved_and_its_kind_is_not_told(path: str) -> None:
    assert media_type(path) == "application/octet-stream"
    assert disposition(path).startswith(f'attachment; filename="{path}"')


def test_a_drawing_that_may_hold_a_script_is_shown_as_an_image_but_not_opened() -> None:
    assert media_type("curve.svg") == "image/svg+xml"
    assert disposition("curve.svg").startswith("attachment; ")


def test_a_file_name_cannot_add_a_header() -> None:
    made = disposition('evil"\r\nSet-Cookie: a=b;.bin')
    assert "\r" not in made
    assert "\n" not in made
    assert made.count('"') == 2
    assert "filename*=UTF-8''evil%22%0D%0ASet-Cookie%3A%20a%3Db%3B.bin" in made
