# needs: packages
# results/executed.ipynb: clock, randomness
# results/report.html: randomness
import os
import nbformat
from nbclient import NotebookClient
from nbconvert import HTMLExporter

os.makedirs("results")
book = nbformat.v4.new_notebook()
book.cells = [
    nbformat.v4.new_markdown_cell("# Report"),
    nbformat.v4.new_code_cell("import math\nprint([round(math.sin(n), 3) for n in range(5)])"),
]
NotebookClient(book, kernel_name="python3").execute()
nbformat.write(book, "results/executed.ipynb")
for cell in book.cells:
    cell.metadata.pop("execution", None)
open("results/report.html", "w").write(HTMLExporter().from_notebook_node(book)[0])
