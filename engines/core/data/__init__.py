"""Data sets: what is known, where it lies, how it gets here, and loading it.

Search order: the folder given by hand (`data_dir`, or the environment's WORKBENCH_DATA), the user's cache,
and then `fetch`, which downloads into the cache. Digits and photographs come with the installed packages.
"""

from engines.core.data import music as _music  # noqa: F401  (registers what is known)
from engines.core.data import sets as _sets  # noqa: F401
from engines.core.data.access import (
    FileReport,
    MissingData,
    SetStatus,
    fetch,
    load,
    load_games,
    locate,
    status,
    verify,
)
from engines.core.data.folders import FolderScan, load_folder, scan_folder
from engines.core.data.images import GameSet, ImageSet
from engines.core.data.photos import load_photo, photo_names
from engines.core.data.pictures import read_on_paper, read_picture
from engines.core.data.places import DATA_VARIABLE, cache_folder, given_folder, search_folders
from engines.core.data.registry import DataFile, DataSet, Layout, find, list_sets, register

__all__ = [
    "DATA_VARIABLE",
    "DataFile",
    "DataSet",
    "FileReport",
    "FolderScan",
    "GameSet",
    "ImageSet",
    "Layout",
    "MissingData",
    "SetStatus",
    "cache_folder",
    "fetch",
    "find",
    "given_folder",
    "list_sets",
    "load",
    "load_folder",
    "load_games",
    "load_photo",
    "locate",
    "photo_names",
    "read_on_paper",
    "read_picture",
    "register",
    "scan_folder",
    "search_folders",
    "status",
    "verify",
]
