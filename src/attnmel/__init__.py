"""attnmel: attention-based recognition of skin lesions in dermoscopy images.

Importing the package loads nothing heavy; see `attnmel --help` and docs/ for the way through it.
"""

__version__ = "0.1.0"

NOTICE = "Research use only. Not a medical device; not for diagnosis."
"""What every report, prediction and checkpoint says."""
