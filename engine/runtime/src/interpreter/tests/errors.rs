//! `on_error: continue`: a failure is kept, later steps see it, and it is not tried again.

use super::*;

const TWO_WRITES: &str = "
  - create: db.a
    set: {x: 1}
    on_error: continue
    as: first
  - create: db.b
    set: {why: \"${ errors.first?.class ?? \\\"fine\\\" }\", id: \"${ first?.id }\"}
";

fn refused() -> Outcome {
    Outcome::Failed(failure(Class::Invalid.as_str()))
}

#[test]
fn a_later_step_sees_whether_the_failure_was_there() {
    let (asked, ending) = run("", TWO_WRITES, &[("first", refused())]);
    assert_eq!(ending.unwrap(), Ending::Succeeded(None));
    assert_eq!(asked[1], r#"create_b: Create db.b {"id":null,"why":"invalid"}"#);
    let (asked, _) = run("", TWO_WRITES, &[]);
    assert_eq!(asked[1], r#"create_b: Create db.b {"id":"900","why":"fine"}"#);
}

#[test]
fn an_ignored_failure_is_not_tried_again() {
    let world = ScriptedWorld::new(&[("first", refused())]);
    world.run("", TWO_WRITES).unwrap();
    world.asked();
    // As after a crash, with the service mended in between.
    let again = ScriptedWorld::new(&[]);
    *again.journal.lock().unwrap() = world.journal.into_inner().unwrap();
    again.run("", TWO_WRITES).unwrap();
    assert_eq!(again.asked(), [r#"create_b: Create db.b {"id":null,"why":"invalid"}"#]);
}

#[test]
fn what_is_no_failure_of_the_step_is_not_ignored() {
    let end = |outcome: Outcome| run("", TWO_WRITES, &[("first", outcome)]).1.unwrap();
    assert_eq!(end(Outcome::Unknown(failure("unknown"))), Ending::Unknown(failure("unknown")));
    assert_eq!(end(Outcome::Superseded), Ending::Superseded);
    let parked = TWO_WRITES.replace("as: first", "name: parks").replace("errors.first", "errors.parks");
    let (_, parked) = run("", &parked.replace("${ first?.id }", ""), &[]);
    assert!(matches!(parked, Err(Interrupt::Park { .. })));
}

#[test]
fn an_expression_may_fail_as_well() {
    let steps = "
  - let: {days: \"${ record.amount > record.email }\"}
    name: count
    on_error: continue
  - create: db.a
    set: {days: \"${ days }\", class: \"${ errors.count?.class }\"}
";
    let (asked, _) = run("", &steps.replace("${ days }", "${ days ?? 0 }"), &[]);
    assert_eq!(asked, [r#"create_a: Create db.a {"class":"expression","days":0}"#]);
}

#[test]
fn errors_end_with_their_branch() {
    let steps = "
  - if: true
    then:
      - create: db.a
        set: {x: 1}
        on_error: continue
        as: inner
      - create: db.b
        set: {why: \"${ errors.inner?.message }\"}
  - create: db.c
    set: {x: 1}
    on_error: continue
    as: outer
  - create: db.d
    set: {why: \"${ errors.outer?.message }\"}
";
    let (asked, _) = run("", steps, &[("inner", refused())]);
    assert_eq!(asked[1], r#"create_b: Create db.b {"why":"as scripted"}"#);
    assert_eq!(asked[3], r#"create_d: Create db.d {"why":null}"#);
}

#[test]
fn a_name_whose_step_was_left_out_is_empty() {
    let steps = "
  - create: db.a
    when: record.amount > 100
    set: {x: 1}
    as: made
  - let: {big: 1}
    when: record.amount > 100
  - create: db.b
    set: {id: \"${ made?.id }\", big: \"${ big ?? 0 }\"}
";
    assert_eq!(run("", steps, &[]).0, [r#"create_b: Create db.b {"big":0,"id":null}"#]);
}
