"""The topic databases 主题数据库: one file per topic; importing this package registers them all.

A new topic is one new file here: its tables with their contracts and metrics, and the assets.
"""

from importlib import import_module
from pkgutil import iter_modules

for _module in sorted(iter_modules(__path__), key=lambda one: one.name):
    import_module(f"{__name__}.{_module.name}")
