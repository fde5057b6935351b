"""Executes analysis.ipynb in order and keeps it with its outputs."""

from pathlib import Path

import nbformat
from nbclient import NotebookClient

notebook = nbformat.read("analysis.ipynb", as_version=4)
NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
results = Path("results")
results.mkdir(exist_ok=True)
nbformat.write(notebook, results / "analysis.ipynb")
print(sum(len(cell.get("outputs", [])) for cell in notebook.cells), "outputs")
