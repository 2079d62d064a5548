//! Whatever is in a flow's file, checking comes to an end, quickly and without a panic.

#[cfg(target_os = "linux")]
use std::time::Duration;

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

/// How long this thread has been at work on a processor, whatever else the machine does meanwhile.
#[cfg(target_os = "linux")]
fn time_at_work() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").expect("the kernel counts it");
    Duration::from_nanos(told.split(' ').next().and_then(|nanos| nanos.parse().ok()).expect("nanoseconds come first"))
}

/// Four times the text may take about four times the work; where every part looked at all others, it would be sixteen
/// times.
#[test]
#[cfg(target_os = "linux")]
fn work_grows_with_the_file_and_not_with_its_square() {
    let head = "flow: x\nconnections: {crm: hubspot}\ntrigger: {poll: crm.contacts, every: 15s}\nsteps:\n";
    let room = text::MAX_FILE_SIZE - 1_000;
    type Written = fn(&str, &str) -> String;
    let in_text: Written = |head, many| format!("{head}  - skip: \"{many}\"\n");
    let in_steps: Written = |head, many| format!("{head}{many}");
    let in_list: Written = |head, many| format!("{head}  - let: {{x: [{many}]}}\n");
    let whole = |piece: &str| room / piece.len();
    // Beyond so many values, a file is refused before anything is looked at.
    for (piece, most, written) in [
        ("${a}", whole("${a}"), in_text),
        ("  - let:\n      a: 1\n", 7_000, in_steps),
        ("  - skip: x\n    when: a\n", 7_000, in_steps),
        ("[[1]], ", 14_000, in_list),
        ("${`", whole("${`"), in_text),
    ] {
        let work = |many: usize| {
            let text = written(head, &piece.repeat(many));
            let before = time_at_work();
            survives(&text);
            time_at_work() - before
        };
        // The first look at anything prepares what later ones use.
        work(10);
        let little = work(most / 4).min(work(most / 4));
        let much = work(most);
        assert!(much < little * 10 + Duration::from_millis(50), "{piece:?}: {little:?} became {much:?}");
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
