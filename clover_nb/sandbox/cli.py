"""The command line of the sandbox."""

from __future__ import annotations

import json
import signal
import sys
import threading
from typing import TYPE_CHECKING

from clover_nb.sandbox.server import Sandbox, start
from clover_nb.sandbox.settings import PROFILES

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the sandbox's options to a parser."""
    add = parser.add_argument
    add("--port", type=int, default=0, help="the port on 127.0.0.1 (default: a free one)")
    add("--json", action="store_true", help="print one line of JSON with addresses and keys")
    add("--db", metavar="FILE", help="keep everything in this file (default: nothing is kept)")
    add("--customers", type=int, default=200, metavar="N", help="how many people to invent (200)")
    add("--seed", type=int, metavar="N", help="the same ids, keys and times on every run")
    add("--no-limits", action="store_true", help="no limit of requests a second and at once")
    add("--profile", default="documented", choices=PROFILES, help="which Clover to be")
    add("--set", action="append", default=[], metavar="NAME=VALUE", help="change a setting")
    add("--latency-ms", type=float, default=0, metavar="N", help="let each request wait")
    add("--jitter-ms", type=float, default=0, metavar="N", help="by so much more or less")
    add("--faults", default="", metavar="KIND:PERCENT%,...", help="let requests fail now and then")
    add("--webhook", default="", metavar="URL", help="post changes there, on this machine alone")
    add("--webhook-auth", default="", metavar="CODE", help="send it with them as X-Clover-Auth")
    add(
        "--control",
        action="store_true",
        help="serve /_sandbox/, for who has the token: reset, seed, faults, requests",
    )
    check = parser.add_argument_group("what is known of Clover, held against an address")
    add = check.add_argument
    add("--check", metavar="URL", help="ask there for each fact, instead of serving")
    add("--access-token", default="", metavar="TOKEN", help="asked for, if it is left out")
    add("--api-key", default="", metavar="KEY", help="public key, if the token doesn't open it")
    add("--merchant", default="", metavar="ID", help="whose customers are asked for")
    add("--writes", action="store_true", help="make and change customers too (no production)")
    add("--report", metavar="FILE", help="write what came of it there, without secrets, as JSON")


def serve(args: argparse.Namespace) -> int:
    """Run a sandbox until SIGINT or SIGTERM, or check facts about Clover.

    Args:
        args: What the parser made of the options.

    Returns:
        The exit code.
    """
    if args.check:
        # Serving need not read the file of facts.
        from clover_nb.sandbox.fact_report import report_facts  # noqa: PLC0415

        return report_facts(args)
    if alone := _find_option_alone(args):
        print(f"clover-nb sandbox: {alone}", file=sys.stderr)
        return 1
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    try:
        sandbox = start(
            seed=args.seed,
            customers=args.customers,
            db=args.db,
            limits=not args.no_limits,
            port=args.port,
            profile=args.profile,
            settings=dict(text.partition("=")[::2] for text in args.set),
            latency_ms=args.latency_ms,
            jitter_ms=args.jitter_ms,
            faults=args.faults,
            control=args.control,
            webhook=args.webhook,
            webhook_auth=args.webhook_auth,
        )
    except (OSError, ValueError) as problem:
        print(f"clover-nb sandbox: {problem}", file=sys.stderr)
        return 1
    with sandbox:
        print(_describe_connection(sandbox, as_json=args.json), flush=True)
        stopped.wait()
    return 0


def _find_option_alone(args: argparse.Namespace) -> str:
    """Say which option does nothing without another one, or nothing."""
    for name in ("access_token", "api_key", "merchant", "writes", "report"):
        if getattr(args, name):
            return f"--{name.replace('_', '-')} goes with --check URL"
    return (
        "--webhook-auth goes with --webhook URL" if args.webhook_auth and not args.webhook else ""
    )


def _describe_connection(sandbox: Sandbox, *, as_json: bool) -> str:
    if as_json:
        return json.dumps(sandbox.connection())
    return "\n".join(
        [
            f"Clover sandbox at {sandbox.ecommerce_url} (Ctrl-C stops it)",
            f"  CLOVER_ACCESS_TOKEN={sandbox.access_token}",
            f"  CLOVER_API_KEY={sandbox.api_key}",
            f"  CLOVER_MERCHANT_ID={sandbox.merchant_id}",
        ]
    )
