//! Mappings: bare words are the source's fields, and policies say what is left to write.

use super::*;

fn upsert(mapping: &str) -> String {
    format!("  - upsert: db.customers\n    match: email\n    mapping: {mapping}\n    as: c")
}

#[test]
fn fields_are_read_from_the_record_or_from_what_the_author_says() {
    let mapping = "{email: email, n: {from: amount, type: text}, who: \"${ record.firstname } L.\", co: {from: company, type: number}}";
    let (asked, _) = run("", &upsert(mapping), &[]);
    assert_eq!(
        asked,
        [
            r#"c: Upsert { by: Fields(["email"]), ambiguous: Fail } db.customers {"co":null,"email":"Ann@X.com","n":"12","who":"Ann L."}"#
        ]
    );
    let steps = "
  - let: {person: {mail: \"${ record.email }\"}}
  - create: db.a
    source: ${ person }
    mapping: {email: mail}
";
    assert_eq!(run("", steps, &[]).0, [r#"create_a: Create db.a {"email":"Ann@X.com"}"#]);
}

#[test]
fn a_blank_leaves_the_target_alone_where_its_policy_says_so() {
    let mapping = "{email: email, a: {from: company, policy: never_blank}, b: company}";
    let (asked, _) = run("", &upsert(mapping), &[]);
    assert!(asked[0].ends_with(r#"{"b":null,"email":"Ann@X.com"}"#), "{asked:?}");
}

#[test]
fn only_empty_targets_are_filled() {
    let mapping =
        "{email: email, name: {from: firstname, policy: fill_if_empty}, n: {from: amount, policy: fill_if_empty}}";
    let steps = upsert(mapping);
    // The record that is there has a name, and no `n`.
    let (asked, _) = run("", &steps, &[("c before", found(&["1"]))]);
    assert!(asked[0].starts_with("c before: find db.customers"), "{asked:?}");
    assert!(asked[1].ends_with(r#"{"email":"Ann@X.com","n":12}"#), "{asked:?}");
    let (asked, _) = run("", &steps, &[("c before", found(&[]))]);
    assert!(asked[1].ends_with(r#"{"email":"Ann@X.com","n":12,"name":"Ann"}"#), "{asked:?}");
    let create = steps.replace("upsert", "create").replace("    match: email\n", "");
    assert_eq!(run("", &create, &[]).0.len(), 1, "a new record is not looked for");
    let (asked, ending) = run("", &steps, &[("c before", Outcome::Failed(failure("forbidden")))]);
    assert_eq!((asked.len(), reason(ending.unwrap()).contains("forbidden")), (1, true));
}
