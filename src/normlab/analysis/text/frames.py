"""Tables for pandas, where it is installed."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from normlab.errors import BadSetting

if TYPE_CHECKING:
    import pandas as pd


def frame(data: Any) -> pd.DataFrame:
    """What `pandas.DataFrame` makes of it.

    Raises:
        BadSetting: If pandas is not installed.
    """
    try:
        pandas = importlib.import_module("pandas")
    except ImportError:
        raise BadSetting(
            "to_pandas() needs pandas, which is not installed; "
            "install it with: pip install 'normlab[pandas]'"
        ) from None
    return pandas.DataFrame(data)
