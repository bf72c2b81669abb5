"""A user's server behind JupyterHub: the lab, and the desk beside it at ``desk/``.

On one machine the hub's configuration names this file; in a container it lies in `/etc/jupyter`.
"""

import atexit
import sys
from contextlib import ExitStack

import jupyter_server_proxy

from clover_nb.cli.kernels import TRANSPORT, private_folder

c = get_config()  # noqa: F821  Jupyter's

# The desk, as `clover-nb desk` serves it, with a tile in the lab's launcher.
c.ServerProxy.servers = {
    "desk": {
        "command": [sys.executable, "-P", "-m", "clover_nb.cli", "desk", "--socket={unix_socket}"],
        "unix_socket": True,
        "timeout": 120,
        "launcher_entry": {"title": "Customer desk"},
    }
}
# `proxy/PORT` would lead to any port of this machine, other users' too, with the user's cookies.
jupyter_server_proxy.setup_handlers = lambda *_: None
# Voilà would run notebooks at `voila/render`, outside of what the desk's page allows.
c.ServerApp.jpserver_extensions = {"voila.server_extension": False}

# Kernels talk by sockets in a folder of this user's; at a port every user could listen.
folders = ExitStack()
atexit.register(folders.close)
c.KernelManager.transport = TRANSPORT
c.ServerApp.kernel_manager_class = "clover_nb.cli.kernels.PrivateKernelManager"
c.PrivateKernelManager.folder = str(folders.enter_context(private_folder()))
