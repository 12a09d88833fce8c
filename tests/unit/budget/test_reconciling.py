"""A provider's bill, in the forms in which providers give it, against the calls of the ledger."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from daydream_budget.audit.auditor import AuditedCall
from daydream_budget.audit.invoices import InvoiceLine, read
from daydream_budget.audit.reconciliation import Reconciliation, reconcile
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.rpc import CorrectionEntry

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
CENT = 10_000_000  # nano-dollars


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "export"
    file.write_text(text)
    return file


def call(
    cost: int, provider_id: str = "", model: str = "gpt-4o-mini", at: datetime = NOON
) -> AuditedCall:
    return AuditedCall("synthesizer", model, at, cost, charged=cost, provider_id=provider_id)


def against(calls: dict[str, AuditedCall], file: Path) -> Reconciliation:
    return reconcile(calls, [], read(file))


# --- reading -------------------------------------------------------------------------------------------------------------------


def test_a_csv_with_ids(tmp_path: Path) -> None:
    lines = read(
        written(
            tmp_path,
            "\ufeffgeneration_id,created_at,model_permaslug,cost_total\ngen-1,2026-06-01 12:00:00,openai/gpt-4o-mini,0.0125\n",
        )
    )
    assert lines == [
        InvoiceLine("gen-1", "openai/gpt-4o-mini", NOON, Decimal(12_500_000), Decimal(50_000))
    ]


def test_buckets_of_a_costs_api_are_taken_apart(tmp_path: Path) -> None:
    day = int(NOON.replace(hour=0).timestamp())
    results = [
        {
            "amount": {"value": 0.06, "currency": "usd"},
            "line_item": f"gpt-4o-mini-2024-07-18, {what}",
        }
        for what in ("input", "output")
    ]
    lines = read(
        written(
            tmp_path,
            json.dumps(
                {
                    "object": "page",
                    "data": [{"object": "bucket", "start_time": day, "results": results}],
                }
            ),
        )
    )
    assert [(line.model, line.cost, line.at) for line in lines] == [
        ("gpt-4o-mini-2024-07-18", Decimal(6 * CENT), NOON.replace(hour=0))
    ] * 2


def test_json_lines_and_milliseconds(tmp_path: Path) -> None:
    line = {"id": "a", "cost": "$1,000.50", "created": int(NOON.timestamp() * 1000)}
    assert (
        read(written(tmp_path, f"{json.dumps(line)}\n\n{json.dumps(line)}\n"))
        == [InvoiceLine("a", "", NOON, Decimal(1_000_500_000_000), Decimal(5_000_000))] * 2
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("id,model\na,m\n", "no column with a cost, only id, model"),
        ("id,cost\na,much\n", "row 1"),
        ("id,cost,currency\na,1,EUR\n", "in EUR"),
        ("id,cost,created\na,1,yesterday\n", "row 1"),
        ("id,cost\na,NaN\n", "NaN"),
        ("[1]", "where a record should be"),
        ("{nothing", "no JSON"),
    ],
)
def test_what_is_no_bill_is_said_to_be_none(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        read(written(tmp_path, text))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="can't be read"):
        read(tmp_path / "nothing.csv")


# --- comparing -----------------------------------------------------------------------------------------------------------------


def test_lines_of_one_answer_are_added_up(tmp_path: Path) -> None:
    found = against(
        {"a": call(3 * CENT, "gen-1")}, written(tmp_path, "id,cost\ngen-1,0.01\ngen-1,0.02\n")
    )
    assert (found.by, found.same, found.differences) == ("id", 1, ())


def test_every_difference_comes_with_what_mends_it(tmp_path: Path) -> None:
    calls = {
        "a1": call(CENT, "cheap"),
        "a2": call(CENT, "ours"),
        "a3": call(CENT, "same"),
        "a4": call(CENT),
    }
    found = against(
        calls,
        written(
            tmp_path,
            "id,cost,model\ncheap,0.04,gpt-4o-mini\nsame,0.01,gpt-4o-mini\ntheirs,0.02,gpt-4o-mini\n",
        ),
    )
    cheap, ours, theirs = found.differences
    assert (cheap.about, cheap.ledger_nanousd, cheap.invoice_nanousd) == ("cheap", CENT, 4 * CENT)
    assert (
        cheap.fix
        == "daydream budget correct --by 0.030000000 --stage synthesizer --model gpt-4o-mini --at 2026-06-01T12:00:00 --attempt a1"
    )
    assert (ours.about, ours.invoice_nanousd) == ("ours", None)
    assert "--by -0.010000000" in ours.fix
    assert (theirs.about, theirs.ledger_nanousd) == ("theirs", None)
    assert "--stage STAGE" in theirs.fix
    assert (found.same, found.without_id) == (1, 1)


def test_a_counter_entry_mends_the_difference(tmp_path: Path) -> None:
    fixed = call(CENT, "cheap")
    fixed.corrected = 3 * CENT
    assert against({"a1": fixed}, written(tmp_path, "id,cost\ncheap,0.04\n")).differences == ()


def test_a_bill_is_as_exact_as_it_is_rounded(tmp_path: Path) -> None:
    calls = {"a": call(CENT + 4_999_999, "x")}
    assert against(calls, written(tmp_path, "id,cost\nx,0.01\n")).differences == ()
    assert len(against(calls, written(tmp_path, "id,cost\nx,0.0100\n")).differences) == 1


def test_without_ids_days_and_models_are_compared(tmp_path: Path) -> None:
    calls = {
        "a": call(3 * CENT),
        "b": call(4 * CENT, at=NOON.replace(hour=23)),
        "c": call(5 * CENT, model="gpt-4o"),
        "not on this bill": call(CENT, at=NOON.replace(day=3)),
    }
    text = (
        "date,model,cost\n2026-06-01,gpt-4o-mini-2024-07-18,0.07\n2026-06-01,openai/gpt-4o,0.06\n"
    )
    found = against(calls, written(tmp_path, text))
    assert (found.by, found.same) == ("day and model", 1)
    assert [(one.about, one.ledger_nanousd, one.invoice_nanousd) for one in found.differences] == [
        ("2026-06-01 gpt-4o", 5 * CENT, 6 * CENT)
    ]
    correction = CorrectionEntry(stage="synthesizer", model="gpt-4o", at=NOON, by_nanousd=CENT)
    assert reconcile(calls, [(NOON, correction)], read(written(tmp_path, text))).differences == ()


def test_an_empty_bill_agrees_with_no_calls_only(tmp_path: Path) -> None:
    assert against({}, written(tmp_path, "id,cost\n")).differences == ()
    assert len(against({"a": call(CENT, "x")}, written(tmp_path, "id,cost\n")).differences) == 1
