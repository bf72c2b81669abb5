"""`python -m clover_nb.sandbox`."""

import argparse
import sys

from clover_nb.sandbox.cli import add_arguments, serve

parser = argparse.ArgumentParser(
    prog="python -m clover_nb.sandbox", description="Clover's sandbox, on loopback."
)
add_arguments(parser)
sys.exit(serve(parser.parse_args()))
