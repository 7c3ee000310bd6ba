"""Ordered domains and mailboxes, phone numbers, verified addresses, and enrichment."""

from __future__ import annotations


def test_the_last_page_of_orders_has_an_empty_cursor(api, control):
    rows, (*_, last) = list(control.truth("dfy_orders")), api.pages("/dfy-email-account-orders", limit=4)
    assert api.walk("/dfy-email-account-orders", limit=4) == rows
    assert last["items"]
    assert last["next_starting_after"] == ""
    assert not any("id" in row for row in rows)
    assert len({row["domain"] for row in rows}) == len(rows)
    # A client that follows the empty cursor starts again.
    assert api.get("/dfy-email-account-orders", limit=4, starting_after="").json()["items"] == rows[:4]


def test_ordered_mailboxes_belong_to_ordered_domains(api, control):
    rows = api.walk("/dfy-email-account-orders/accounts", limit=7)
    assert rows == list(control.truth("dfy_accounts"))
    orders = {row["domain"]: row for row in control.truth("dfy_orders")}
    for row in rows:
        order = orders[row["domain"]]
        assert row["email"].endswith(f"@{row['domain']}")
        assert row["timestamp_cancelled"] == order.get("timestamp_cancelled")
    managed = {row["email"] for row in control.truth("accounts") if row["is_managed_account"]}
    assert managed <= {row["email"] for row in rows}


def test_the_cursor_of_mailboxes_is_an_id_and_a_time(api):
    page = api.get("/dfy-email-account-orders/accounts", limit=3).json()
    last = page["items"][-1]
    assert page["next_starting_after"] == f"{last['id']}:{last['timestamp_created']}"


def test_passwords_are_returned_only_on_request(api, control):
    lean = api.walk("/dfy-email-account-orders/accounts", limit=100)
    rows = api.walk("/dfy-email-account-orders/accounts", limit=100, with_passwords="true")
    assert rows == list(control.truth("dfy_accounts_with_passwords"))
    passwords = {row.pop("password") for row in rows}
    assert rows == lean
    assert "" in passwords
    assert all(word.startswith("made-up-") for word in passwords - {""})


def test_forwarding_mode_can_be_null(api, control):
    for row in control.truth("domain_forwarding"):
        assert set(row) == {"domain", "forwarding_domain", "forwarding_mode"}
        assert api.get(f"/domains/{row['domain']}/forwarding").json() == row
    assert {row["forwarding_mode"] for row in control.truth("domain_forwarding")} == {None, "redirect", "stealth"}
    assert api.get("/domains/nobody.example/forwarding").status_code == 404


def test_phone_numbers_are_a_bare_array(api, control):
    assert api.get("/crm-actions/phone-numbers").json() == list(control.truth("phone_numbers"))


def test_addresses_of_leads_are_verified(api, control):
    rows = list(control.truth("email_verifications"))
    assert {row["email"] for row in rows} == {row["email"] for row in control.truth("leads") if "email" in row}
    assert {row["verification_status"] for row in rows} == {"pending", "verified", "invalid"}
    for row in rows[::200]:
        assert api.get(f"/email-verification/{row['email']}").json() == row
    assert api.get("/email-verification/nobody@example.com").status_code == 404
    assert api.get("/email-verification/nonsense").status_code == 400


def test_lists_and_campaigns_have_enrichments_or_an_explicit_absence(api, control):
    rows = list(control.truth("enrichments"))
    lists, campaigns = ([row["id"] for row in control.truth(name)] for name in ("lead_lists", "campaigns"))
    assert {row["resource_id"] for row in rows} == {*lists, *campaigns}
    assert {row["exists"] for row in rows} == {True, False}
    busy = {row["id"] for row in control.truth("lead_lists") if row.get("has_enrichment_task")}
    assert {row["resource_id"] for row in rows if row.get("in_progress")} == busy
    running = list(control.truth("enrichments_in_progress"))
    history = list(control.truth("enrichment_history"))
    for row in rows:
        key = row["resource_id"]
        assert api.get(f"/supersearch-enrichment/{key}").json() == row
        found = api.get(f"/supersearch-enrichment/ai/{key}/in-progress").json()
        assert found == [one for one in running if one["resource_id"] == key]
        assert bool(found) == (key in busy)
        path = f"/supersearch-enrichment/history/{key}"
        first, rest = api.get(path).json(), api.get(path, offset=10, limit=100).json()
        assert len(first) <= 10
        assert first + rest == [one for one in history if one["resource_id"] == key]
    assert api.get("/supersearch-enrichment/nonsense").status_code == 404
