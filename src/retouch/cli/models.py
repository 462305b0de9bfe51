"""``retouch models``: which models there are."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer

import retouch
from retouch.cli.terminal import say
from retouch.models import ModelCard, Scores
from retouch.native import search_in_use


def models(
    as_json: Annotated[bool, typer.Option("--json", help="Print a list for programs to read.")] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Say too how patches are searched on this computer.")
    ] = False,
) -> None:
    """List the models: their papers, what each is good at, and how their fills scored."""
    if as_json:
        say(json.dumps(_rows(), indent=2, ensure_ascii=False))
        return
    cards = retouch.list_models()
    if verbose:
        typer.echo(f"Patches are searched: {search_in_use()}.\n")
    for card in cards:
        typer.secho(card.name, bold=True)
        typer.echo(f"  {card.good_at}")
        typer.echo(f"  paper: {card.paper}")
        if not card.widths:
            typer.echo("  no network, no weights" if card.alone else "  no weights of its own")
        for width in card.widths:
            shipped = width.weights or "no weights ship; retouch train makes them"
            typer.echo(f"  {width.name}: {width.parameters:,} parameters, {shipped}")
    scored = _scored(cards)
    for measured_on in dict.fromkeys(scores.on for _, scores in scored):
        _print_table(measured_on, [each for each in scored if each[1].on == measured_on])


def _scored(cards: list[ModelCard]) -> list[tuple[str, Scores]]:
    """Return the name and the scores of every model and width that was measured."""
    found = [(card.name, card.scores) for card in cards if card.scores is not None]
    for card in cards:
        for width in card.widths:
            if width.scores is not None:
                found.append((f"{card.name} {width.name}", width.scores))
    return found


def _print_table(measured_on: str, scored: list[tuple[str, Scores]]) -> None:
    """Print the scores that can be compared with each other, best first."""
    typer.echo()
    typer.secho(f"Errors in the hole, measured at {measured_on}", bold=True)
    typer.echo("  Lower is better. Scores measured at another size cannot be compared with these.")
    first = max(len(name) for name, _ in scored)
    typer.echo(f"  {'':{first}}  ST-LPIPS   LPIPS       L1")
    for name, scores in sorted(scored, key=lambda each: each[1].st_lpips):
        typer.echo(f"  {name:{first}}  {scores.st_lpips:8.3f}  {scores.lpips:6.3f}  {scores.l1:5.2f} %")


def _rows() -> list[dict[str, Any]]:
    """Return a row for each model and width; a model without a network has one row, without a width."""
    rows: list[dict[str, Any]] = []
    for card in retouch.list_models():
        about = {"name": card.name, "paper": card.paper}
        for width in card.widths:
            named = {"width": width.name, "parameters": width.parameters, "weights": width.weights}
            rows.append({**about, **named, "scores": _plain(width.scores)})
        if not card.widths:
            rows.append(
                {**about, "width": None, "parameters": 0, "weights": None, "scores": _plain(card.scores)}
            )
    return rows


def _plain(scores: Scores | None) -> dict[str, Any] | None:
    return None if scores is None else asdict(scores)
