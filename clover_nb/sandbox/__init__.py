"""A sandbox that answers as Clover does: a real web server on loopback, with a memory of its own.

    with clover_nb.sandbox.start(seed=1) as sandbox:
        ...  # sandbox.ecommerce_url, sandbox.access_token, ...

It imports nothing of the rest of the package but the facts in `clover_nb.constants`.
"""

from clover_nb.sandbox.server import Sandbox, start

__all__ = ["Sandbox", "start"]
