"""Runs the local cloud in the foreground for `pharmatrace local up`.

Its address, state folders and credentials come from the environment. Ends with its parent: the
parent holds the other end of standard input, so even a killed parent leaves nothing behind.
"""

import os
import signal
import socketserver
import sys
import threading


def end_with_parent() -> None:
    """Ask for the orderly stop when standard input closes."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


# Without this every call of a function's runtime waits 41 ms for a delayed acknowledgement.
socketserver.StreamRequestHandler.disable_nagle_algorithm = True
threading.Thread(target=end_with_parent, daemon=True).start()

from ministack.app import main  # noqa: E402  (the class above must be set before it is used)
from ministack.core import iam_evaluator  # noqa: E402


def as_role(resolve):
    """On AWS `aws:PrincipalArn` of a session is the ARN of its role; here it is that of the session."""
    def resolved(key, context):
        value = resolve(key, context)
        if key.lower() != "aws:principalarn" or ":assumed-role/" not in str(value):
            return value
        account, _, session = value.removeprefix("arn:aws:sts::").partition(":assumed-role/")
        return f"arn:aws:iam::{account}:role/{session.partition('/')[0]}"
    return resolved


# Matters only where rights are enforced: bucket policies name our roles.
iam_evaluator._resolve_condition_key = as_role(iam_evaluator._resolve_condition_key)

main()
