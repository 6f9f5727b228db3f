"""Rows of chat and of completions that state the same, by what they are about."""

from aios_conformance.serving.engine import Api

TWINS: dict[str, dict[Api, str]] = {
    name: {"chat": f"CHAT-{chat}", "completions": f"COMP-{comp}"}
    for name, chat, comp in (
        ("model", "REQ-003", "REQ-002"),
        ("frequency", "REQ-012", "REQ-010"),
        ("frequency range", "REQ-014", "REQ-012"),
        ("frequency default", "REQ-013", "REQ-011"),
        ("bias", "REQ-015", "REQ-013"),
        ("bias key", "REQ-016", "REQ-014"),
        ("bias range", "REQ-017", "REQ-015"),
        ("limit", "REQ-019", "REQ-019"),
        ("limit range", "REQ-020", "REQ-020"),
        ("max", "REQ-022", "REQ-021"),
        ("max range", "REQ-023", "REQ-022"),
        ("n", "REQ-024", "REQ-023"),
        ("n range", "REQ-025", "REQ-024"),
        ("presence", "REQ-026", "REQ-025"),
        ("presence default", "REQ-027", "REQ-026"),
        ("presence range", "REQ-028", "REQ-027"),
        ("seed", "REQ-029", "REQ-028"),
        ("stop type", "REQ-033", "REQ-029"),
        ("stop list", "REQ-031", "REQ-029"),
        ("stream", "REQ-034", "REQ-030"),
        ("options", "REQ-035", "REQ-032"),
        ("continuous", "REQ-037", "REQ-032"),
        ("temperature", "REQ-039", "REQ-033"),
        ("temperature default", "REQ-040", "REQ-034"),
        ("temperature range", "REQ-041", "REQ-035"),
        ("temperature top", "REQ-042", "REQ-036"),
        ("top_p", "REQ-053", "REQ-037"),
        ("top_p default", "REQ-054", "REQ-038"),
        ("top_p range", "REQ-055", "REQ-039"),
        ("id", "RES-001", "RES-001"),
        ("object", "RES-002", "RES-002"),
        ("created", "RES-003", "RES-003"),
        ("model name", "RES-004", "RES-004"),
        ("choices", "RES-005", "RES-005"),
        ("index", "RES-006", "RES-006"),
        ("finish type", "RES-015", "RES-009"),
        ("stop_reason", "RES-017", "RES-010"),
        ("usage", "RES-019", "RES-012"),
        ("prompt_tokens", "RES-020", "RES-013"),
        ("completion_tokens", "RES-021", "RES-015"),
        ("total", "RES-022", "RES-014"),
        ("client", "SEM-001", "SEM-001"),
        ("frequency effect", "SEM-002", "SEM-013"),
        ("presence effect", "SEM-003", "SEM-014"),
        ("bias effect", "SEM-004", "SEM-015"),
        ("new limit obeyed", "SEM-007", "SEM-004"),
        ("max obeyed", "SEM-008", "SEM-005"),
        ("cut", "SEM-010", "SEM-007"),
        ("n obeyed", "SEM-011", "SEM-008"),
        ("seed obeyed", "SEM-012", "SEM-009"),
        ("stop obeyed", "SEM-013", "SEM-010"),
        ("temperature effect", "SEM-016", "SEM-016"),
        ("top_p effect", "SEM-022", "SEM-017"),
        ("error", "ERR-003", "ERR-003"),
        ("missing", "ERR-002", "ERR-002"),
        ("printed stream", "REQ-056", "EX-002"),
        ("sum example", "EX-003", "EX-004"),
    )
}


def row_of(api: Api, name: str) -> str:
    """The row of an API about something that both promise."""
    return TWINS[name][api]
