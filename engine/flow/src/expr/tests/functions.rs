//! The table of functions: each example gives what it says, and the table and the engine agree.

use std::collections::BTreeSet;

use super::super::engine::ENGINE;
use super::super::helpers;
use super::evaluate;

#[test]
fn every_example_gives_its_result() {
    let mut failures = Vec::new();
    for helper in helpers::all() {
        let (found, wanted) = (evaluate(helper.example), evaluate(helper.result));
        if found.is_err() || found != wanted {
            failures.push(format!("{}: {} gave {found:?}, not {wanted:?}", helper.name, helper.example));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_example_is_of_the_kind_that_its_row_says() {
    for helper in helpers::all() {
        let expression = super::compile(helper.example).unwrap();
        let inferred = expression.infer(&|_| None);
        assert_eq!(inferred.mistakes, [], "{}", helper.example);
        let value = evaluate(helper.example).unwrap();
        if let Some(kind) = inferred.kind {
            assert!(value.is_null() || kind.name() == value.type_name(), "{}: {value:?}, no {kind:?}", helper.example);
        }
        let is_known = helper.gives != helpers::Gives::Unknown;
        assert!(!is_known || inferred.kind.is_some() || value.is_null(), "{}", helper.example);
    }
}

#[test]
fn every_row_has_as_many_arguments_as_it_is_written_with() {
    for helper in helpers::all().filter(|helper| !helper.signature.contains(" in ")) {
        let (before, arguments) = helper.signature.trim_end_matches(')').split_once('(').unwrap();
        // `|so_far, item| …` is one.
        let arguments: String = arguments.split('|').step_by(2).collect();
        let n_arguments = arguments.split(',').map(str::trim).filter(|argument| !argument.is_empty()).count();
        let n_more = usize::from(helper.n_arguments().end() != helper.n_arguments().start());
        let n_written = usize::from(before.contains('.')) + n_arguments - n_more;
        assert_eq!(n_written, helper.takes.len(), "{}", helper.signature);
    }
}

#[test]
fn the_table_names_every_function_and_no_other() {
    let documented: BTreeSet<_> = helpers::all().map(|helper| helper.name).collect();
    assert_eq!(helpers::names().collect::<BTreeSet<_>>(), documented);
}

/// What an expression can reach is this list. A line more is a decision; `UPDATE=1` writes it anew.
#[test]
fn the_engine_has_exactly_the_listed_functions() {
    let mut listed: Vec<String> = ENGINE
        .collect_fn_metadata(
            None,
            |function| Some(format!("{}/{}", function.metadata.name, function.metadata.num_params)),
            true,
        )
        .into_iter()
        .collect();
    listed.sort();
    let mut counted: Vec<(String, usize)> = Vec::new();
    for line in listed {
        match counted.last_mut() {
            Some((last, n)) if *last == line => *n += 1,
            _ => counted.push((line, 1)),
        }
    }
    let text: String = counted.iter().map(|(line, n)| format!("{line} x{n}\n")).collect();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/expr/tests/functions.txt");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    assert_eq!(text, std::fs::read_to_string(path).unwrap(), "UPDATE=1 writes {path} anew");
}
