"""Loaded first by the process that workers are forked from: it leaves the launcher's session.

So no signal to the launcher's whole group reaches it, such as `timeout` sends. It ends with the launcher; did it end
before, nobody could tell whether its workers had ended.
"""

import os

os.setsid()
