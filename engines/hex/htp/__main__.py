"""``python -m engines.hex.htp``: the engine on standard input and output."""

import sys

from engines.hex.htp import main

sys.exit(main())
