"""nbconvert makes the page of anybody's notebook, and says in words what no page can hold."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbconvert.exporters import get_exporter
from nbconvert.utils.exceptions import ConversionException
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

OPENING = "# Shops in the north\n\nHow to run this."


def written(path: Path, *outputs: dict[str, Any]) -> Path:
    made = [new_output("display_data", data=data) for data in outputs]
    cells = [new_markdown_cell(OPENING), new_markdown_cell("## Part one"), new_code_cell("secret()", outputs=made)]
    nbformat.write(new_notebook(cells=cells), path)
    return path


def convert(notebook: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "jupyter", "nbconvert", "--to", "cxkit", str(notebook)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_nbconvert_makes_a_page(tmp_path: Path) -> None:
    done = convert(
        written(tmp_path / "n.ipynb", {"text/html": "<p>42</p>"}, {"text/markdown": "*well*", "text/plain": "<M>"})
    )
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "n.html").read_text("utf-8")
    assert "<title>Shops in the north</title>" in page
    assert '<h2 id="part-one">Part one</h2>' in page
    assert "<p>42</p>" in page
    assert "<em>well</em>" in page
    assert "secret" not in page
    assert "script-src" not in page
    assert "How to run this" not in page


@pytest.mark.parametrize(("shown", "words"), [
    ({"application/vnd.jupyter.widget-view+json": {"model_id": "1"}, "text/plain": "IntSlider()"}, "widget-view"),
    ({"application/vnd.plotly.v1+json": {}, "text/plain": "Figure({})"}, "shows application/vnd.plotly.v1+json"),
    ({"text/html": "<div><script>draw()</script></div>"}, "prints a <script>, which"),
    ({"text/html": "<meta http-equiv='refresh' content='0;url=https://evil.example'>"}, "which no page may hold"),
    ({"text/html": "<img src='https://evil.example/x.png'>"}, "which no page may hold"),
    ({"text/html": "<p>a</p><!-- never closed"}, "prints a <!--, which"),
    ({"text/html": "</main>"}, "prints a </main>, which"),
    ({"text/latex": "$x$", "text/plain": "<IPython.core.display.Math object>"}, "shows text/latex"),
])  # fmt: skip
def test_what_no_page_can_hold_is_refused_in_words(tmp_path: Path, shown: dict[str, Any], words: str) -> None:
    with pytest.raises(ConversionException, match=rf"n: cell 3 .*{re.escape(words)}"):
        get_exporter("cxkit")().from_filename(str(written(tmp_path / "n.ipynb", shown)))


def test_the_command_ends_with_an_error_and_writes_nothing(tmp_path: Path) -> None:
    done = convert(written(tmp_path / "n.ipynb", {"text/html": "<div><script>draw()</script></div>"}))
    assert done.returncode != 0
    assert "n: cell 3 prints a <script>, which" in done.stderr
    assert not (tmp_path / "n.html").exists()


def test_a_chart_of_altair_is_drawn_where_its_drawer_is_installed(tmp_path: Path) -> None:
    pytest.importorskip("vl_convert", reason="vl-convert-python is not installed")
    bars = {
        "data": {"values": [{"a": "x", "b": 3}]},
        "mark": "bar",
        "encoding": {"y": {"field": "b", "type": "quantitative"}},
    }
    spec = {"$schema": "https://vega.github.io/schema/vega-lite/v5.json", **bars}
    made = written(tmp_path / "n.ipynb", {"application/vnd.vegalite.v5+json": spec, "text/plain": "Chart"})
    assert convert(made).returncode == 0
    assert "data:image/svg+xml;base64," in (tmp_path / "n.html").read_text("utf-8")


def test_the_export_menu_of_jupyterlab_offers_it(tmp_path: Path) -> None:
    """The menu asks the server for the exporters, and the server for the page."""
    written(tmp_path / "n.ipynb", {"text/html": "<p>42</p>"})
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = f"--port={free.getsockname()[1]}"
    command = [sys.executable, "-m", "jupyter", "server", "--no-browser", "--allow-root", port, "--ip=127.0.0.1",
               "--IdentityProvider.token=t", f"--ServerApp.root_dir={tmp_path}"]  # fmt: skip
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr is not None
            until = time.monotonic() + 60
            address = next(found[0] for line in server.stderr if (found := re.search(r"http://127[.0-9]+:\d+/", line)))

            def get(path: str) -> str:
                request = urllib.request.Request(address + path, headers={"Authorization": "token t"})
                while True:
                    try:
                        with urllib.request.urlopen(request, timeout=60) as answer:
                            return str(answer.read().decode())
                    except urllib.error.URLError:  # it says its address before it listens
                        if time.monotonic() > until:
                            raise
                        time.sleep(0.1)

            assert json.loads(get("api/nbconvert"))["cxkit"]["output_mimetype"] == "text/html"
            assert "<title>Shops in the north</title>" in get("nbconvert/cxkit/n.ipynb?download=false")
        finally:
            server.terminate()
            server.communicate(timeout=60)
