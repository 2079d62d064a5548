//! Whatever is in a flow's file, checking comes to an end, quickly and without a panic.

use std::time::Instant;

use proptest::prelude::*;
use text::{Colour, SourceFile};

use super::catalog;
use crate::{ProjectDefaults, check, check_syncs, check_tests, parse, parse_connections, parse_project};

const FLOW: &str = include_str!("robust.yaml");

const PIECES: &[&str] = &[
    "${",
    "}",
    "$${",
    "`",
    "\"",
    "'",
    "{",
    "[",
    "]",
    "(",
    ")",
    "?.",
    "??",
    "!=",
    "()",
    "record",
    "twin",
    "as: ",
    "if: ",
    "set: ",
    "\n",
    "  ",
    "- ",
    ": ",
    "null",
    "1",
    "true",
    "é",
    ".",
    "#",
    "find: ",
    "each: ",
    "|",
    "upsert: crm.contacts",
    "when: ",
];

/// Everything that is done with a file; the diagnostics can be shown.
fn survives(text: &str) -> usize {
    let file = SourceFile::new("flows/x.yaml", text);
    let parsed = parse(std::slice::from_ref(&file));
    let checked = check(&parsed.definitions, &catalog(), &ProjectDefaults::default());
    let mut diagnostics = parsed.diagnostics;
    diagnostics.extend(checked.diagnostics);
    diagnostics.extend(check_syncs(&parsed.syncs, &parsed.definitions, &catalog()).diagnostics);
    diagnostics.extend(check_tests(&parsed.tests, &parsed.definitions, &catalog()));
    diagnostics.extend(parse_connections(&file).1);
    diagnostics.extend(parse_project(&file).1);
    text::render(&diagnostics, std::slice::from_ref(&file), Colour::Never);
    text::to_json(&diagnostics, &[file]);
    checked.flows.len()
}

#[test]
fn the_text_to_mutate_is_a_flow() {
    assert_eq!(survives(FLOW), 1);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the test is about time")]
fn large_files_are_checked_quickly() {
    let head = "flow: x\nconnections: {crm: hubspot}\ntrigger: {poll: crm.contacts, every: 15s}\nsteps:\n";
    let room = text::MAX_FILE_SIZE - 1_000;
    let many = |piece: &str| piece.repeat(room / piece.len());
    for text in [
        format!("{head}  - skip: \"{}\"\n", many("${a}")),
        format!("{head}{}", many("  - let:\n      a: 1\n")),
        format!("{head}{}", many("  - skip: x\n    when: a\n")),
        format!("{head}  - let: {{x: [{}]}}\n", many("[[1]], ")),
        format!("{head}  - skip: \"{}\"\n", many("${`")),
    ] {
        let start = Instant::now();
        survives(&text);
        // Generous, as other tests run beside this one and nothing is optimised; what it looks for takes minutes.
        assert!(start.elapsed().as_secs() < 20, "{}: {:?}", &text[..150], start.elapsed());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_flows_do_no_harm(edits in proptest::collection::vec((0..FLOW.len(), 0..PIECES.len(), 0..6_usize), 1..5)) {
        let mut text = FLOW.to_owned();
        for (at, piece, remove) in edits {
            let at = at.min(text.len());
            let end = (at + remove).min(text.len());
            if text.is_char_boundary(at) && text.is_char_boundary(end) {
                text.replace_range(at..end, PIECES[piece]);
            }
        }
        survives(&text);
    }
}
