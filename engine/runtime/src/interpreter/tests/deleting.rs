//! `delete`: by id, and what a later step sees of it.

use super::*;

const DELETE: &str = "
  - delete: db.customers
    id: ${ record.amount }
    as: gone
  - create: db.log
    when: gone.existed
    set: {id: \"${ gone.id }\"}
";

fn gone(existed: bool) -> Outcome {
    Outcome::Value(Value::Map([("id".into(), Value::from("12")), ("existed".into(), Value::Bool(existed))].into()))
}

#[test]
fn a_later_step_sees_whether_it_was_there() {
    let (asked, _) = run("", DELETE, &[("gone", gone(true))]);
    assert_eq!(
        asked,
        [r#"gone: Delete { id: RecordId("12") } db.customers {}"#, r#"create_log: Create db.log {"id":"12"}"#]
    );
    assert_eq!(run("", DELETE, &[("gone", gone(false))]).0.len(), 1);
}

#[test]
fn an_empty_id_and_a_refusal_fail_the_step() {
    let (asked, ending) = run("", &DELETE.replace("record.amount", "record.company"), &[]);
    assert_eq!(
        (asked.len(), reason(ending.unwrap())),
        (0, "failed at gone as not_found: the `id` to delete is empty".into())
    );
    let refused = Outcome::Failed(failure("forbidden"));
    assert_eq!(run("", DELETE, &[("gone", refused)]).1.unwrap(), Ending::Failed(failure("forbidden")));
}
