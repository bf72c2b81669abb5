"""JupyterHub for a team on one Linux machine; docs/team.md says how to set it up.

Root runs it. Each person has a user of the system, logs in with that user's password, and gets a
server that runs as this user.
"""

import os
import sys
from pathlib import Path

from dotenv import dotenv_values

HERE = Path(__file__).resolve().parent
BIN = Path(sys.executable).parent
#: CLOVER_... as in .env.example; root's, and closed to all others.
SETTINGS = Path(os.environ.get("CLOVER_HUB_SETTINGS", "/etc/clover-nb/hub.env"))
#: What the hub remembers.
STATE = Path(os.environ.get("CLOVER_HUB_STATE", "/var/lib/clover-nb-hub"))
#: Bytes of data that one process may have: a kernel that wants more gets a MemoryError.
MEMORY = 2 * 1024**3
IDLE_SECONDS = 3600

c = get_config()  # noqa: F821  JupyterHub's

if SETTINGS.stat().st_mode & 0o077:
    sys.exit(f"Others than its owner may read {SETTINGS}: chmod 600 {SETTINGS}")

# Here for a proxy with HTTPS in front of it, which leads to it.
c.JupyterHub.bind_url = "http://127.0.0.1:8000"
c.JupyterHub.db_url = f"sqlite:///{STATE}/jupyterhub.sqlite"
c.JupyterHub.cookie_secret_file = f"{STATE}/cookie_secret"
c.ConfigurableHTTPProxy.pid_file = f"{STATE}/proxy.pid"
c.ConfigurableHTTPProxy.command = [
    str(BIN.parent / "proxy/node_modules/.bin/configurable-http-proxy")
]

# Who may log in: the users of the system that are in this group.
c.JupyterHub.authenticator_class = "pam"
c.PAMAuthenticator.allowed_groups = {"clover"}

# Each user's server. It has the settings from here, and no file of the user's has them.
c.JupyterHub.spawner_class = "jupyterhub.spawner.LocalProcessSpawner"
c.Spawner.environment = {k: v for k, v in dotenv_values(SETTINGS).items() if v is not None}
c.Spawner.cmd = ["prlimit", f"--data={MEMORY}", str(BIN / "jupyterhub-singleuser")]
c.Spawner.args = [f"--config={HERE}/jupyter_server_config.py"]
c.Spawner.default_url = "/desk/"
c.Spawner.start_timeout = c.Spawner.http_timeout = 120

# A server that nobody has used for this long is stopped; the next visit starts it again.
c.JupyterHub.services = [
    {
        "name": "idle-culler",
        "command": [sys.executable, "-m", "jupyterhub_idle_culler", f"--timeout={IDLE_SECONDS}"],
    }
]
c.JupyterHub.load_roles = [
    {
        "name": "idle-culler",
        "services": ["idle-culler"],
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
    }
]
