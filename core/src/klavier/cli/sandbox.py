"""`klavier sandbox`: serve a Klaviyo account in memory."""

import contextlib
from typing import Any

import click

from klavier.cli.wording import paint

PRIVATE_KEY, PUBLIC_KEY, ACCESS_TOKEN = "pk_sandbox", "SNDBX1", "at_sandbox"


@click.command("sandbox", short_help="Serve a Klaviyo account in memory.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="The port; 0 uses a free one."
)
@click.option("--rate-limits", is_flag=True, help="Refuse calls beyond Klaviyo's rate limits, as Klaviyo does.")
@click.option(
    "--legacy",
    type=click.Choice(["alive", "gone"]),
    default="alive",
    show_default=True,
    help="Whether the v1 and v2 calls work, or answer 410 as they do since 30 June 2024.",
)
@click.option(
    "--opt-in",
    "opt_in",
    type=click.Choice(["single", "double"]),
    default="double",
    show_default=True,
    help="Whether subscriptions must be confirmed.",
)
@click.option(
    "--unsubscribe",
    type=click.Choice(["global", "list"]),
    default="global",
    show_default=True,
    help="Whether leaving one list withdraws the consent to e-mail everywhere, or from that list only.",
)
@click.option("--own-metrics", is_flag=True, help="Record consents as events of Klaviyo's own metrics too.")
@click.option("--list", "lists", multiple=True, metavar="ID", help="Create a list with this id; can be repeated.")
@click.option(
    "--unknown-lists",
    type=click.Choice(["create", "refuse"]),
    default="refuse",
    show_default=True,
    help="Whether a call that names an unknown list is refused, as Klaviyo does, or creates it.",
)
def command(*, host: str, port: int, opt_in: str, unsubscribe: str, lists: tuple[str, ...], **options: Any) -> None:
    """Serve a Klaviyo account in this process's memory until Ctrl-C, then show its content.

    It needs the extra: pip install 'klavier[server]'.
    """
    from klavier.sandbox import Sandbox  # noqa: PLC0415 -- the other commands do without
    from klavier.sandbox.server import serve  # noqa: PLC0415 -- an extra

    sandbox = Sandbox(
        PRIVATE_KEY,
        PUBLIC_KEY,
        access_token=ACCESS_TOKEN,
        opt_in="single_opt_in" if opt_in == "single" else "double_opt_in",
        global_unsubscribe=unsubscribe == "global",
        **options,
    )
    for list_id in lists:
        sandbox.add_list(list_id, list_id)
    with contextlib.suppress(KeyboardInterrupt):
        serve(sandbox, host, port, announce=_announce)
    click.echo(f"\n\n{sandbox.summary()}")


def _announce(url: str) -> None:
    click.echo(
        f"A Klaviyo account in memory is at {paint(url, bold=True)}\n"
        f"\n"
        f"  private key   {PRIVATE_KEY}\n"
        f"  public key    {PUBLIC_KEY}\n"
        f"  access token  {ACCESS_TOKEN}\n"
        f"\n"
        f"Deliver to it, in another terminal:\n"
        f"  KLAVIYO_PRIVATE_API_KEY={PRIVATE_KEY} KLAVIYO_PUBLIC_API_KEY={PUBLIC_KEY} \\\n"
        f"    klavier send events.jsonl --vendor rudderstack --sandbox {url}\n"
        f"\n"
        f"Its content: {url}/_sandbox/summary (also: state, calls).  Ctrl-C ends it."
    )
