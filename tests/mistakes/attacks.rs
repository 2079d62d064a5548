//! Files that reach for what is none of theirs: names that are paths, addresses of other kinds, secrets and the
//! environment. What attacks YAML itself and the expression engine is tried where those are.

use flow::Memory;
use text::Diagnostic;

use crate::peak::alone;
use crate::seeds::{Group, house};

/// What is told at a line that stands in the place of a harmless one.
fn told(house: &Group, file: &str, harmless: &str, line: &str) -> Vec<Diagnostic> {
    let seed = house.seed(file);
    assert_eq!(seed.text.matches(harmless).count(), 1, "{file} has one line `{harmless}`");
    let text = seed.text.replace(harmless, line);
    let source = text::SourceFile::new(seed.path.clone(), &text);
    let at = text.find(line).expect("it was put in");
    let wanted = source.position(at).line..=source.position(at + line.len()).line;
    let told = seed.check(&text, &mut Memory::default()).into_iter().filter(Diagnostic::is_error);
    let is_there = |one: &Diagnostic| wanted.contains(&source.position(one.labels[0].span.start).line);
    told.filter(is_there).collect()
}

#[track_caller]
fn assert_told(house: &Group, file: &str, harmless: &str, line: &str, code: &str, part: &str) {
    let told = told(house, file, harmless, line);
    let says = |one: &Diagnostic| format!("{} {}", one.message, one.help.as_deref().unwrap_or_default()).contains(part);
    assert!(told.iter().any(|one| one.code == code && says(one)), "{line}: {told:?}");
}

#[test]
fn y11_unknown_keys_are_told_with_what_was_meant() {
    let (_alone, house) = (alone(), house());
    let (flow, on) = ("flows/new-customers.yaml", "  on: new_or_updated");
    assert_told(&house, flow, on, "  no: new_or_updated", flow::codes::UNKNOWN_KEY, "`on`");
    assert_told(&house, flow, on, "  strat: beginning\n  on: new", flow::codes::UNKNOWN_KEY, "`start`");
    assert_told(
        &house,
        "millrace.yaml",
        "timezone: Europe/Berlin",
        "timzone: Europe/Berlin",
        flow::codes::UNKNOWN_KEY,
        "`timezone`",
    );
}

#[test]
fn y12_addresses_lead_to_services_only() {
    let (_alone, house) = (alone(), house());
    let token = "  token: ${ env.HUBSPOT_TOKEN }";
    for address in
        ["file:///etc/passwd", "gopher://127.0.0.1", "http://api.hubapi.com", "ftp://x", "//x", "javascript:x"]
    {
        let told = told(&house, "connections.yaml", token, &format!("{token}\n  base_url: {address}"));
        assert!(!told.is_empty(), "{address}");
    }
}

#[test]
fn y13_ids_are_no_paths() {
    let (_alone, house) = (alone(), house());
    let long = "x".repeat(300);
    for id in ["../../x", "a/b", "CON", "..%2f", ".", "~", "a b", long.as_str()] {
        let told = told(&house, "flows/told.yaml", "flow: told", &format!("flow: {id}"));
        assert!(!told.is_empty(), "{id}");
    }
    assert_told(&house, "flows/told.yaml", "flow: told", "flow: ../../x", flow::codes::BAD_ID, "");
}

#[test]
fn y14_s03_neither_the_environment_nor_a_secret_is_in_sight() {
    let (_alone, house) = (alone(), house());
    for reach in [
        "env.HOME",
        "env.MILLRACE_KEY",
        "HOME",
        "connection.token",
        "connections.crm.token",
        "crm.token",
        "secrets.x",
        "file(\"/etc/passwd\")",
        "read(\"/etc/passwd\")",
    ] {
        let told =
            told(&house, "flows/told.yaml", "      city: ${ body.city }", &format!("      city: ${{ {reach} }}"));
        let is_name = |one: &Diagnostic| [flow::codes::UNKNOWN_NAME, flow::codes::UNKNOWN_FUNCTION].contains(&one.code);
        assert!(told.iter().any(is_name), "{reach}: {told:?}");
    }
}
