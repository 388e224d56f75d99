"""nbconvert's way to a page: `jupyter nbconvert --to cxkit NOTEBOOK`, and the export menu of JupyterLab."""

from __future__ import annotations

import re
from typing import Any

from nbconvert.exporters import Exporter, TemplateExporter
from nbconvert.utils.exceptions import ConversionException

from cxkit.runs import pages


class PageExporter(TemplateExporter):
    """Anybody's executed notebook as a page of the kit: one file without scripts and without code."""

    export_from_notebook = "cxkit page"
    output_mimetype = "text/html"

    def _file_extension_default(self) -> str:
        return ".html"

    def from_notebook_node(self, nb: Any, resources: Any = None, **_: Any) -> Any:
        """The page, titled by the heading that opens the notebook, or else by the name of its file.

        Raises:
            ConversionException: A cell that failed, or shows what no page can hold.
        """
        nb, resources = Exporter.from_notebook_node(self, nb, resources)  # which executes it, where that is wanted
        opening = nb.cells[0].source if nb.cells and nb.cells[0].cell_type == "markdown" else ""
        heading = re.match(r"\s*# +(.+)", opening)
        name = str(resources.get("metadata", {}).get("name") or "Notebook")
        try:
            return pages.page(nb, title=heading[1].strip() if heading else name), resources
        except ValueError as error:
            raise ConversionException(f"{name}: {error}") from None
