"""All commands: their order and headings in the help, and where each is written."""

from __future__ import annotations

PANELS = {
    "Run": ("run", "up", "status", "watch"),
    "Read": ("insights", "digest", "ask", "inspect", "trace", "report", "vault"),
    "Steer": ("review", "question", "retract", "reinstate", "rejudge"),
    "Money": ("budget", "bench", "simulate"),
    "Data": ("ingest", "documents", "remove", "erase", "export", "backup", "consolidate"),
    "Operate": ("doctor", "config", "gateway", "dead-letters", "mcp", "asyncapi"),
}
COMMANDS = {
    "run": "run:run_command",
    "up": "up:up_command",
    "ingest": "ingest:ingest_command",
    "documents": "documents:documents_command",
    "remove": "remove:remove_command",
    "erase": "erase:erase_command",
    "retract": "retract:retract_command",
    "reinstate": "retract:reinstate_command",
    "review": "review:review_command",
    "ask": "ask:ask_command",
    "export": "export:export_command",
    "vault": "vault:vault_command",
    "rejudge": "rejudge:rejudge_command",
    "consolidate": "consolidate:consolidate_command",
    "inspect": "inspect:inspect_command",
    "status": "status:status_command",
    "simulate": "simulate:simulate_command",
    "bench": "bench:bench_command",
    "asyncapi": "asyncapi:asyncapi_command",
    "doctor": "doctor:doctor_command",
    "digest": "digest:digest_command",
    "mcp": "mcp:mcp_command",
    "watch": "watch:watch_command",
    "trace": "trace:trace_command",
}
DEFAULTS = {  # groups that are commands too
    "insights": "insights:insights_command",
}
GROUPS = {
    "budget": "Show and change spending limits. The ledger records each change with who and why.",
    "question": (
        "Add, close and list open research questions, which are paired with facts that may answer "
        "them."
    ),
    "dead-letters": "List failed messages (dead letters), show, resend or drop them.",
    "backup": "Back up and restore the memory, also while it is running.",
    "config": "Show the settings in force, and where each comes from.",
    "gateway": "Show the gateway to the models, and issue its keys to programs of the lab.",
    "gateway key": "Issue, list and revoke keys of the gateway.",
    "report": "Report how well each stage performs, from past verdicts.",
}
COMMANDS_OF_GROUPS = {
    "insights show": "insights_show:insights_show",
    "budget show": "budget:budget_show",
    "budget set": "budget:budget_set",
    "budget unset": "budget:budget_unset",
    "budget tax": "budget:budget_tax",
    "budget zone": "budget:budget_zone",
    "budget top-up": "budget:budget_top_up",
    "budget pause": "budget:budget_pause",
    "budget resume": "budget:budget_resume",
    "budget correct": "budget_correct:budget_correct",
    "budget price": "budget_price:budget_price",
    "budget measure": "budget_measure:budget_measure",
    "budget estimate": "budget_estimate:budget_estimate",
    "budget audit": "budget_audit:budget_audit",
    "budget repair": "budget_repair:budget_repair",
    "question add": "question:question_add",
    "question close": "question:question_close",
    "question list": "question:question_list",
    "dead-letters list": "dead_letters:dead_letters_list",
    "dead-letters show": "dead_letters:dead_letters_show",
    "dead-letters resend": "dead_letters:dead_letters_resend",
    "dead-letters drop": "dead_letters:dead_letters_drop",
    "backup save": "backup:backup_save",
    "backup restore": "backup:backup_restore",
    "config show": "config:config_show",
    "gateway show": "gateway:gateway_show",
    "gateway key add": "gateway:gateway_key_add",
    "gateway key list": "gateway:gateway_key_list",
    "gateway key revoke": "gateway:gateway_key_revoke",
    "report sampler": "report_sampler:report_sampler",
    "report synthesizer": "report_synthesizer:report_synthesizer",
    "report critic": "report_critic:report_critic",
}
