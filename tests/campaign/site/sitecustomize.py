"""Python imports this by itself in every process whose PYTHONPATH names this folder: the killed
runs of the campaign. It arms the process to kill itself; the product's code has no hook for it.
"""

import sys

from tests.campaign import steps

steps.arm(sys.orig_argv)
