"""``retouch models``: which models there are."""

from __future__ import annotations

import json
from typing import Annotated

import typer

import retouch


def models(
    as_json: Annotated[bool, typer.Option("--json", help="Print a list for programs to read.")] = False,
) -> None:
    """List the models: their papers, what each is good at, and its trained widths."""
    if as_json:
        typer.echo(json.dumps(_rows(), indent=2, ensure_ascii=False))
        return
    for card in retouch.models():
        typer.secho(card.name, bold=True)
        typer.echo(f"  {card.good_at}")
        typer.echo(f"  paper: {card.paper}")
        if not card.widths:
            typer.echo("  no network, no weights")
        for width in card.widths:
            scores = ", ".join(f"{metric} {score:g}" for metric, score in width.scores.items())
            typer.echo(f"  {width.name}: {width.parameters:,} parameters, {width.weights}  {scores}".rstrip())


def _rows() -> list[dict[str, str | int | None]]:
    """One row for each model and width; a model without a network has one row, without a width."""
    rows: list[dict[str, str | int | None]] = []
    for card in retouch.models():
        about = {"name": card.name, "paper": card.paper}
        for width in card.widths:
            rows.append(
                {**about, "width": width.name, "parameters": width.parameters, "weights": width.weights}
            )
        if not card.widths:
            rows.append({**about, "width": None, "parameters": 0, "weights": None})
    return rows
