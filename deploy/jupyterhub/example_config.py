"""The hub of `make hub`: two example users with one password, for this machine alone.

Nothing of it is for real customers: who knows the password is whom they say they are.
"""

import json
import os
from pathlib import Path

from jupyterhub.spawner import SimpleLocalProcessSpawner

c = get_config()  # noqa: F821  JupyterHub's
load_subconfig(str(Path(__file__).with_name("jupyterhub_config.py")))  # noqa: F821  JupyterHub's

EXAMPLE = json.loads(os.environ["CLOVER_HUB_EXAMPLE"])
USERS = EXAMPLE["users"]


class ExampleSpawner(SimpleLocalProcessSpawner):
    """Runs servers as whoever runs the hub; root runs each as another user, as a real hub does."""

    def make_preexec_fn(self, name):
        """What the new process does first."""
        uid = USERS[name]["uid"]

        def become_user():
            if uid:
                os.setgroups([])
                os.setgid(uid)
                os.setuid(uid)
            os.chdir(self.home_dir)

        return become_user


c.JupyterHub.bind_url = EXAMPLE["url"]
c.JupyterHub.hub_port = EXAMPLE["hub_port"]
c.ConfigurableHTTPProxy.api_url = EXAMPLE["proxy_url"]
c.JupyterHub.authenticator_class = "dummy"
c.DummyAuthenticator.password = EXAMPLE["password"]
c.Authenticator.allowed_users = set(USERS)
c.JupyterHub.spawner_class = ExampleSpawner
if os.geteuid() == 0 and not all(each["uid"] for each in USERS.values()):
    c.Spawner.args = [*c.Spawner.args, "--allow-root"]
c.SimpleLocalProcessSpawner.home_dir_template = EXAMPLE["homes"] + "/{username}"
c.Spawner.environment = {
    **c.Spawner.environment,
    "CLOVER_TEAM": lambda spawner: USERS[spawner.user.name]["team"],
}
