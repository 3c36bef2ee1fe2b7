#!/usr/bin/env python3
"""What a real ensemble of ZooKeeper 3.8.0 answers: the requests of ensemble.recorded, asked anew.

    python3 models/zookeeper/measure/answers.py models/src/zookeeper/tests/ensemble.recorded

Prints the file as it should be. Needs kazoo, java and ZooKeeper's jars (in /usr/share/java, or where
ZOOKEEPER_JARS says).
"""

import sys

from ensemble import Ensemble
from kazoo.client import KazooClient
from kazoo.exceptions import KazooException, RolledBackError, RuntimeInconsistency
from kazoo.protocol.serialization import Create, Delete, SetData
from kazoo.security import OPEN_ACL_UNSAFE

FLAGS = {"persistent": 0, "ephemeral": 1, "persistent-sequential": 2, "ephemeral-sequential": 3}


def error(exception):
    """An error's name, as fencepost writes it."""
    if isinstance(exception, RolledBackError):
        return "ok"
    name = type(exception).__name__.removesuffix("Error")
    return "".join("-" * (place > 0 and letter.isupper()) + letter.lower() for place, letter in enumerate(name))


def stat(found):
    ephemeral = int(found.ephemeralOwner != 0)
    return (
        f"version {found.version} cversion {found.cversion} length {found.dataLength} "
        f"children {found.numChildren} ephemeral {ephemeral}"
    )


def shown(result):
    if isinstance(result, (KazooException, RuntimeInconsistency)):
        return error(result)
    if result is True:
        return "done"
    return stat(result) if hasattr(result, "version") else str(result)


def ask(client, words):
    """Sends a request as it is: kazoo's own functions check paths, and repeat what is lost."""

    def raw(request):
        result = client.handler.async_result()
        client._call(request, result)
        return result.get(timeout=5)

    match words:
        case ["create", path, kind]:
            return raw(Create(path, b"d", OPEN_ACL_UNSAFE, FLAGS[kind]))
        case ["delete", path, version]:
            return shown(raw(Delete(path, int(version))))
        case ["set", path, version]:
            return stat(raw(SetData(path, b"new", int(version))))
        case ["stat", path]:
            found = client.exists(path)
            return stat(found) if found else "no-node"
        case ["children", path]:
            return " ".join(sorted(client.get_children(path)))
        case ["multi", *rest]:
            return multi(client, " ".join(rest).split(","))


def multi(client, parts):
    transaction = client.transaction()
    for part in parts:
        match part.split():
            case ["create", path, kind]:
                transaction.create(path, b"d", ephemeral="ephemeral" in kind, sequence="sequential" in kind)
            case ["delete", path, version]:
                transaction.delete(path, int(version))
            case ["set", path, version]:
                transaction.set_data(path, b"new", int(version))
            case ["check", path, version]:
                transaction.check(path, int(version))
    return " | ".join(shown(result) for result in transaction.commit())


def main():
    with open(sys.argv[1]) as file:
        requests = [line.split(" -> ")[0] for line in file if line.strip()]
    with Ensemble() as ensemble:
        client = KazooClient(hosts=ensemble.address(1), timeout=10)
        client.start()
        for request in requests:
            try:
                answer = ask(client, request.split(" "))
            except KazooException as exception:
                answer = error(exception)
            print(f"{request} -> {answer}")
        client.stop()


main()
