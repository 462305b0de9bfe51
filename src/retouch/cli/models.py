"""``retouch models``: which models there are."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer

import retouch
from retouch.models import Scores


def models(
    as_json: Annotated[bool, typer.Option("--json", help="Print a list for programs to read.")] = False,
) -> None:
    """List the models: their papers, what each is good at, its trained widths, and measured scores."""
    if as_json:
        typer.echo(json.dumps(_rows(), indent=2, ensure_ascii=False))
        return
    for card in retouch.list_models():
        typer.secho(card.name, bold=True)
        typer.echo(f"  {card.good_at}")
        typer.echo(f"  paper: {card.paper}")
        if not card.widths:
            typer.echo("  no network, no weights" if card.refine is None else "  no weights of its own")
            _tell_scores(card.scores)
        for width in card.widths:
            typer.echo(f"  {width.name}: {width.parameters:,} parameters, {width.weights}")
            _tell_scores(width.scores)


def _tell_scores(scores: Scores | None) -> None:
    if scores is not None:
        values = f"ST-LPIPS {scores.st_lpips:g}, LPIPS {scores.lpips:g}, L1 {scores.l1:g} %"
        typer.echo(f"  errors in the hole ({scores.on}): {values}")


def _rows() -> list[dict[str, Any]]:
    """One row for each model and width; a model without a network has one row, without a width."""
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
