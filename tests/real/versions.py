"""Which versions of servers and clients are here."""

import glob
import importlib.metadata
import json
import os
import re
import subprocess
import tomllib

from fixtures import REPOSITORY, ensemble

HERE = os.path.join(REPOSITORY, "tests", "real")


def said(program, option="--version"):
    """The first number with a dot that a program says of itself."""
    answer = subprocess.run([program, option], capture_output=True, text=True, check=True)
    return re.search(r"\d+(\.\d+)+", answer.stdout + answer.stderr)[0]


def python(package):
    return importlib.metadata.version(package)


def node(package):
    with open(f"{HERE}/node/node_modules/{package}/package.json") as file:
        return json.load(file)["version"]


def crate(name):
    """The one that the driver in Rust is built with: its manifest pins it."""
    with open(f"{HERE}/rust/Cargo.toml", "rb") as file:
        wanted = tomllib.load(file)["dependencies"][name]
    return (wanted if isinstance(wanted, str) else wanted["version"]).removeprefix("=")


def jar(name):
    """A jar's, beside ZooKeeper's; nothing if it is not there."""
    names = map(os.path.basename, glob.glob(f"{ensemble.JARS}/{name}-*.jar"))
    found = (re.fullmatch(rf"{name}-([0-9.]+)\.jar", one) for one in names)
    return next((match[1] for match in found if match), None)
