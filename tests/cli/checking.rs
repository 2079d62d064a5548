//! `check` and `explain`: what is told of mistakes, in which form, and what mends them.

use crate::project::{PEOPLE, offline};

#[test]
fn a_code_is_explained_where_it_was_told() {
    let project = offline();
    project.write("flows/people.yaml", PEOPLE.replace("record.email.to_lower()", "record.email.to_lowr()"));
    let said = project.run(&["check"]).refused(1, &["error[F0302]", "`millrace explain F0302` tells more about it."]);
    assert_eq!(said.err.matches("millrace explain").count(), 1, "once for all: {said:?}");
    let page = project.run(&["explain", "F0302"]).ok();
    assert!(page.starts_with("F0302: A function that does not exist\n"), "{page}");
    assert!(page.contains("Raised by") && page.contains("    flow: new-leads\n") && page.contains("Mended"), "{page}");
    assert!(!page.contains('\u{1b}') && !page.contains("```"), "plain where nobody watches: {page:?}");
}

#[test]
fn all_codes_are_listed_and_a_slip_is_answered() {
    let project = offline();
    let list = project.run(&["explain"]).ok();
    for line in ["  F0006  A key that stands twice", "  M0101  ", "  P0101  "] {
        assert!(list.contains(line), "{list}");
    }
    let json = project.run(&["explain", "unknown-field", "--format", "json"]).json();
    assert_eq!((&json["code"], &json["name"]), (&"F0203".into(), &"unknown-field".into()));
    project
        .run(&["explain", "unknwon-field"])
        .refused(3, &["no code `unknwon-field`", "did you mean `unknown-field`?"]);
    project.run(&["explain", "F9999"]).refused(3, &["`millrace explain` lists all of them"]);
}
