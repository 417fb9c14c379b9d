"""How Sphinx makes the documentation site; `make docs` calls it.

Sphinx with MyST rather than MkDocs: the reference comes from imported docstrings and
types, and every name in them and every link between pages is resolved, or an error,
without a network.
"""

from __future__ import annotations

import sys
import typing
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from pygments.lexers.special import TextLexer

if TYPE_CHECKING:
    from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

# Annotations name what is imported for type checkers only. Third-party modules are
# imported before, for they were not written to be imported that way.
for _name in ("h5py", "lxml.etree", "obspy.core.event", "obspy.taup", "pandas", "tqdm"):
    import_module(_name)
typing.TYPE_CHECKING = True
import asdf_pipeline  # noqa: E402

for _name in asdf_pipeline.__all__:
    getattr(asdf_pipeline, _name)
import_module("asdf_pipeline.steps")
typing.TYPE_CHECKING = False

project = "asdf_pipeline"
author = "asdf_pipeline developers"
copyright = author  # noqa: A001
version = release = asdf_pipeline.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "docs.site.pages",
    "docs.site.reference",
    "docs.site.schemas",
]
exclude_patterns = ["_build", "recipes/**"]
nitpicky = True
# Documented elsewhere; to look them up there would take a network.
nitpick_ignore_regex = [
    (
        r"py:.*",
        r"(collections|functools|h5py|io|numpy|obspy|os|pandas|pathlib|prov)\..*",
    ),
    ("py:class", "Array"),  # numpy.ndarray, as annotations name it
]

myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_default_options = {"members": True}
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 60
napoleon_google_docstring = False
# As they are written: types there are for people, those of signatures are links.
napoleon_use_param = False
napoleon_use_rtype = False
napoleon_custom_sections = [("Attributes", "params_style")]
default_role = "py:obj"

smartquotes = False  # quotes are also those of code

html_theme = "furo"
html_title = f"asdf_pipeline {version}"
html_static_path = ["site/static"]
html_css_files = ["site.css"]
html_show_copyright = False
html_show_sphinx = False
html_copy_source = False


def setup(app: Sphinx) -> None:
    """Let tables stand as they are."""
    app.add_lexer("tsv", TextLexer)
