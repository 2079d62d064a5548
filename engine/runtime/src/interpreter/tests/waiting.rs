//! `wait`: a wake time that is decided once, and a run that goes on from there.

use super::*;

fn waits_until(result: Result<Ending, Interrupt>) -> String {
    match result {
        Err(Interrupt::Wait { due_at }) => due_at.to_string().replace(".000Z", "Z"),
        other => panic!("{other:?}"),
    }
}

const WAITS: &str = "
  - create: db.a
    set: {x: 1}
  - wait: 30s
    as: woken
  - create: db.b
    set: {at: \"${ woken }\"}
";

#[test]
fn a_run_goes_on_when_its_time_has_come() {
    let world = ScriptedWorld::new(&[]);
    assert_eq!(waits_until(world.run("", WAITS)), "2026-01-02T10:00:30Z");
    // Woken too early, and with the flow edited meanwhile: the time stays what it was.
    assert_eq!(waits_until(world.run("", &WAITS.replace("30s", "1h"))), "2026-01-02T10:00:30Z");
    *world.woken_at.lock().unwrap() = Timestamp::parse("2026-01-02T10:00:30Z").unwrap();
    assert_eq!(world.run("", WAITS).unwrap(), Ending::Succeeded(None));
    let asked = world.asked();
    assert_eq!(asked.last().unwrap(), r#"create_b: Create db.b {"at":"2026-01-02T10:00:30.000Z"}"#);
}

#[test]
fn a_moment_a_day_or_a_duration_may_be_computed() {
    let until = |value: &str| waits_until(run("", &format!("  - wait: {value}"), &[]).1);
    assert_eq!(until("\"${ moment(\\\"2026-05-01T08:00:00Z\\\") }\""), "2026-05-01T08:00:00Z");
    assert_eq!(until("\"${ date(\\\"2026-05-01\\\") }\""), "2026-05-01T00:00:00Z");
    assert_eq!(until("\"${ record.amount }m\""), "2026-01-02T10:12:00Z");
    let failed = reason(ending("  - wait: ${ record.amount }", &[]));
    assert_eq!(
        failed,
        "failed at wait as invalid: `wait` takes a moment, a date, or a duration such as 30s, and found number"
    );
    assert_eq!(ending("  - wait: \"${ moment(\\\"1960-05-01T08:00:00Z\\\") }\"", &[]), Ending::Succeeded(None));
}

#[test]
fn of_items_that_wait_the_first_to_wake_wakes_the_run() {
    let steps = "
  - each: [3, 1, 2]
    steps:
      - wait: ${ item }m
      - create: db.a
        set: {x: \"${ item }\"}
";
    let world = ScriptedWorld::new(&[]);
    assert_eq!(waits_until(world.run("", steps)), "2026-01-02T10:01:00Z");
    *world.woken_at.lock().unwrap() = Timestamp::parse("2026-01-02T10:02:00Z").unwrap();
    assert_eq!(waits_until(world.run("", steps)), "2026-01-02T10:03:00Z");
    assert_eq!(world.asked().len(), 2);
}
