"""Is a data set whole and sound? Every finding at once, each with what to do about it. No torch.

    official | own    what lies there, joined by id       ->  Inventory (items, findings)
    files             every item decoded                  ->  findings by `image_checks` and `mask_*`, pure functions
    verify            both, in several processes          ->  Verification

Nothing here needs a data set that `read_dataset` takes: one that it refuses is what this is for.
"""

from attnmel.data.verify.findings import KINDS, Finding, FindingKind
from attnmel.data.verify.inventory import Item
from attnmel.data.verify.verify import Verification, verify_dataset

__all__ = ["KINDS", "Finding", "FindingKind", "Item", "Verification", "verify_dataset"]
