import click
import numpy

print(numpy.__version__, click.__name__)
