"""onnxruntime without its telemetry.

Official builds since 1.29 send names and hashes of models and facts about the machine to their
maker, and keep an identifier in the user's cache folder. The library reads the variable when it is
loaded, so it is imported here alone.
"""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime  # noqa: TID251

__all__ = ["onnxruntime"]
