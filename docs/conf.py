"""How Sphinx builds the site: `make docs`. Nothing is fetched to build or to read it.

With $AIOS_REPOSITORY (an address to which a path is added) links to files that are no
pages lead there; without it they are plain words.
"""

import sys
from importlib.metadata import version as installed
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = author = "aios-conformance"
version = release = installed("aios-conformance")
extensions = ["myst_parser", "pages"]
exclude_patterns = ["_*"]
nitpicky = True

myst_enable_extensions = ["fieldlist"]
myst_heading_anchors = 3
myst_ref_domains = ["std"]

html_theme = "furo"
html_title = f"aios-conformance {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_use_index = html_copy_source = html_show_sourcelink = html_show_copyright = False
html_theme_options = {
    "light_css_variables": {"font-stack": "system-ui, sans-serif"},
}
smartquotes = False  # what stands in quotes is often to be typed
highlight_language = "text"  # where a block does not say
pygments_style, pygments_dark_style = "default", "github-dark"
