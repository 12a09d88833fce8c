"""A provider's invoice, in the forms that providers use, against the calls of the ledger."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from daydream_budget.ledger.audit.auditor import AuditedCall
from daydream_budget.ledger.audit.invoices import InvoiceLine, read
from daydream_budget.ledger.audit.reconciliation import Reconciliation, reconcile
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.rpc import CorrectionEntry

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
CENT = 10_000_000  # nano-dollars


def invoice_file(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "invoice"
    file.write_text(text)
    return file


def call(
    cost: int, provider_id: str = "", model: str = "gpt-4o-mini", at: datetime = NOON
) -> AuditedCall:
    return AuditedCall("synthesizer", model, at, cost, charged=cost, provider_id=provider_id)


def compare(calls: dict[str, AuditedCall], file: Path) -> Reconciliation:
    return reconcile(calls, [], read(file))


# --- reading --------------------------------------------------------------------------------------


def test_a_csv_with_ids_is_read(tmp_path: Path) -> None:
    lines = read(
        invoice_file(
            tmp_path,
            "\ufeffgeneration_id,created_at,model_permaslug,cost_total\n"
            "gen-1,2026-06-01 12:00:00,openai/gpt-4o-mini,0.0125\n",
        )
    )
    assert lines == [
        InvoiceLine("gen-1", "openai/gpt-4o-mini", NOON, Decimal(12_500_000), Decimal(50_000))
    ]


def test_buckets_of_a_costs_api_are_split(tmp_path: Path) -> None:
    day = int(NOON.replace(hour=0).timestamp())
    results = [
        {
            "amount": {"value": 0.06, "currency": "usd"},
            "line_item": f"gpt-4o-mini-2024-07-18, {kind}",
        }
        for kind in ("input", "output")
    ]
    lines = read(
        invoice_file(
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


def test_json_lines_and_milliseconds_are_read(tmp_path: Path) -> None:
    line = {"id": "a", "cost": "$1,000.50", "created": int(NOON.timestamp() * 1000)}
    assert (
        read(invoice_file(tmp_path, f"{json.dumps(line)}\n\n{json.dumps(line)}\n"))
        == [InvoiceLine("a", "", NOON, Decimal(1_000_500_000_000), Decimal(5_000_000))] * 2
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("id,model\na,m\n", "no cost column. Its columns are: id, model"),
        ("id,cost\na,much\n", "row 1"),
        ("id,cost,currency\na,1,EUR\n", "in EUR"),
        ("id,cost,created\na,1,yesterday\n", "row 1"),
        ("id,cost\na,NaN\n", "NaN"),
        ("[1]", "instead of a record"),
        ("{nothing", "not valid JSON"),
    ],
)
def test_a_file_that_is_not_an_invoice_is_refused_with_the_reason(
    tmp_path: Path, text: str, reason: str
) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        read(invoice_file(tmp_path, text))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="can't be read"):
        read(tmp_path / "nothing.csv")


# --- comparing ------------------------------------------------------------------------------------


def test_lines_of_one_answer_are_added_up(tmp_path: Path) -> None:
    result = compare(
        {"a": call(3 * CENT, "gen-1")}, invoice_file(tmp_path, "id,cost\ngen-1,0.01\ngen-1,0.02\n")
    )
    assert (result.by, result.same, result.differences) == ("id", 1, ())


def test_every_difference_includes_its_correction(tmp_path: Path) -> None:
    calls = {
        "a1": call(CENT, "cheap"),
        "a2": call(CENT, "missing"),
        "a3": call(CENT, "same"),
        "a4": call(CENT),
    }
    result = compare(
        calls,
        invoice_file(
            tmp_path,
            "id,cost,model\ncheap,0.04,gpt-4o-mini\nsame,0.01,gpt-4o-mini\n"
            "unknown,0.02,gpt-4o-mini\n",
        ),
    )
    cheap, missing, unknown = result.differences
    assert (cheap.about, cheap.ledger_nanousd, cheap.invoice_nanousd) == ("cheap", CENT, 4 * CENT)
    assert cheap.fix == (
        "daydream budget correct --by 0.030000000 --stage synthesizer --model gpt-4o-mini "
        "--at 2026-06-01T12:00:00 --attempt a1"
    )
    assert (missing.about, missing.invoice_nanousd) == ("missing", None)
    assert "--by -0.010000000" in missing.fix
    assert (unknown.about, unknown.ledger_nanousd) == ("unknown", None)
    assert "--stage STAGE" in unknown.fix
    assert (result.same, result.without_id) == (1, 1)


def test_a_correction_entry_fixes_the_difference(tmp_path: Path) -> None:
    fixed = call(CENT, "cheap")
    fixed.corrected = 3 * CENT
    assert compare({"a1": fixed}, invoice_file(tmp_path, "id,cost\ncheap,0.04\n")).differences == ()


def test_an_invoice_is_as_exact_as_its_rounding(tmp_path: Path) -> None:
    calls = {"a": call(CENT + 4_999_999, "x")}
    assert compare(calls, invoice_file(tmp_path, "id,cost\nx,0.01\n")).differences == ()
    assert len(compare(calls, invoice_file(tmp_path, "id,cost\nx,0.0100\n")).differences) == 1


def test_without_ids_days_and_models_are_compared(tmp_path: Path) -> None:
    calls = {
        "a": call(3 * CENT),
        "b": call(4 * CENT, at=NOON.replace(hour=23)),
        "c": call(5 * CENT, model="gpt-4o"),
        "not on this invoice": call(CENT, at=NOON.replace(day=3)),
    }
    text = (
        "date,model,cost\n2026-06-01,gpt-4o-mini-2024-07-18,0.07\n2026-06-01,openai/gpt-4o,0.06\n"
    )
    result = compare(calls, invoice_file(tmp_path, text))
    assert (result.by, result.same) == ("day and model", 1)
    assert [(row.about, row.ledger_nanousd, row.invoice_nanousd) for row in result.differences] == [
        ("2026-06-01 gpt-4o", 5 * CENT, 6 * CENT)
    ]
    correction = CorrectionEntry(stage="synthesizer", model="gpt-4o", at=NOON, by_nanousd=CENT)
    assert (
        reconcile(calls, [(NOON, correction)], read(invoice_file(tmp_path, text))).differences == ()
    )


def test_an_empty_invoice_agrees_with_no_calls_only(tmp_path: Path) -> None:
    assert compare({}, invoice_file(tmp_path, "id,cost\n")).differences == ()
    assert (
        len(compare({"a": call(CENT, "x")}, invoice_file(tmp_path, "id,cost\n")).differences) == 1
    )
