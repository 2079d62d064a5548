//! `each` and `route`: every item by its own key, and a way that a run keeps.

use super::*;

fn asked(steps: &str, script: &[(&'static str, Outcome)]) -> Vec<String> {
    let mut asked = run("", steps, script).0;
    asked.sort();
    asked
}

const NOTES: &str = "
  - each: [red, \"a]b\", red]
    steps:
      - create: db.notes
        set: {text: \"${ item }\"}
        as: note
    as: notes
  - create: db.done
    set: {n: \"${ notes.len() }\", first: \"${ notes[0].id }\"}
";

#[test]
fn every_item_is_known_by_what_it_is() {
    assert_eq!(
        asked(NOTES, &[]),
        [
            r#"create_done: Create db.done {"first":"900","n":3}"#,
            r#"note[a]]b]: Create db.notes {"text":"a]b"}"#,
            r#"note[red#2]: Create db.notes {"text":"red"}"#,
            r#"note[red]: Create db.notes {"text":"red"}"#,
        ]
    );
}

/// An item that reads like the second of another was taken for it: one write for the two of them, or two at once.
#[test]
fn an_item_that_reads_like_a_second_one_has_a_key_of_its_own() {
    for list in ["[red, red, \"red#2\"]", "[\"red#2\", red, red]"] {
        let steps = format!(
            "  - each: {list}\n    steps:\n      - create: db.notes\n        name: note\n        set: {{x: 1}}"
        );
        let mut keys: Vec<_> = asked(&steps, &[]);
        keys.dedup();
        assert_eq!(keys.len(), 3, "{keys:?}");
    }
}

#[test]
fn keys_are_the_authors_or_the_ids_and_stand_in_each_other() {
    let nested = "
  - find: db.things
    filter: {a: 1}
    many: true
    as: things
  - each: ${ things }
    item: thing
    steps:
      - each: [1, 2]
        name: numbers
        key: n-${ item }
        steps:
          - create: db.notes
            set: {text: \"${ thing.name } ${ item }\"}
";
    assert_eq!(
        asked(nested, &[("things", found(&["8"]))])[..2],
        [
            r#"create_notes[8][n-1]: Create db.notes {"text":"Acme 1"}"#,
            r#"create_notes[8][n-2]: Create db.notes {"text":"Acme 2"}"#,
        ]
    );
    let twice = "  - each: [1, 2]\n    key: same\n    steps:\n      - create: db.a\n        set: {x: 1}";
    assert_eq!(
        reason(ending(twice, &[])),
        "failed at each as invalid: two items have the `key` `same`; it must tell each from the others"
    );
}

#[test]
fn too_long_a_list_and_what_is_no_list_are_refused() {
    let steps =
        |list: &str| format!("  - each: {list}\n    limit: 2\n    steps:\n      - create: db.a\n        set: {{x: 1}}");
    assert_eq!(
        reason(ending(&steps("[1, 2, 3]"), &[])),
        "failed at each as invalid: the list has 3 items, and `limit` is 2; raise `limit` or shorten the list"
    );
    assert_eq!(
        reason(ending(&steps("${ record.email }"), &[])),
        "failed at each as invalid: `each` takes a list, and found text"
    );
    assert_eq!(asked(&steps("${ record.company }"), &[]), [""; 0], "an empty field is an empty list");
}

#[test]
fn all_items_get_as_far_as_they_can() {
    let refused = || Outcome::Failed(failure(Class::Invalid.as_str()));
    let (asked, end) = run("", NOTES, &[("note[red]", refused())]);
    assert_eq!((asked.len(), end.unwrap()), (3, Ending::Failed(failure("invalid"))));
    // As long as one is to be tried again, the run is.
    let parks = NOTES.replace("as: note\n", "name: parks\n");
    let world = ScriptedWorld::new(&[("parks[red]", refused())]);
    assert!(matches!(world.run("", &parks), Err(Interrupt::Park { .. })));
    assert_eq!(world.asked().len(), 3);
    // But not for ever: one that was tried often enough ends it.
    let down = || Outcome::Failed(failure(Class::Transient.as_str()));
    let mixed = "
  - each: [1, 2]
    steps:
      - create: db.a
        name: parks
        when: item == 1
        set: {x: 1}
      - create: db.b
        set: {x: 1}
";
    let (_, end) = run("", mixed, &[("create_b[2]", down())]);
    assert_eq!(end.unwrap(), Ending::Failed(failure("transient")));
}

#[test]
fn a_failed_item_may_be_passed_over() {
    let steps = "
  - each: [1, 2]
    steps:
      - create: db.a
        set: {x: \"${ item }\"}
        on_error: continue
        as: made
      - create: db.b
        set: {why: \"${ errors.made?.class }\"}
  - each: [1, 2]
    name: whole
    on_error: continue
    steps:
      - create: db.c
        set: {x: 1}
  - create: db.d
    set: {why: \"${ errors.whole?.class }\"}
";
    let refused = || Outcome::Failed(failure(Class::Invalid.as_str()));
    let asked = asked(steps, &[("made[2]", refused()), ("create_c[1]", refused())]);
    assert!(asked.contains(&r#"create_b[1]: Create db.b {"why":null}"#.to_owned()), "{asked:?}");
    assert!(asked.contains(&r#"create_b[2]: Create db.b {"why":"invalid"}"#.to_owned()), "{asked:?}");
    assert!(asked.contains(&r#"create_d: Create db.d {"why":"invalid"}"#.to_owned()), "{asked:?}");
}

#[test]
fn the_list_stays_what_it_was_when_the_flow_is_edited() {
    let world = ScriptedWorld::new(&[]);
    world.run("", NOTES).unwrap();
    world.asked();
    world.run("", &NOTES.replace("[red, \"a]b\", red]", "[blue]")).unwrap();
    assert_eq!(world.asked().len(), 4, "the same three items, and the end");
}

const ROUTE: &str = "
  - route:
      - name: large
        when: record.amount > 100
        steps:
          - create: db.large
            set: {x: 1}
      - filter: {firstname: Ann, amount: {lt: 50}}
        steps:
          - create: db.small
            set: {x: 1}
            as: small
    default:
      - create: db.other
        set: {x: 1}
    as: routed
  - create: db.done
    set: {id: \"${ routed?.id }\"}
";

#[test]
fn the_first_rule_that_holds_is_taken_and_recorded() {
    let world = ScriptedWorld::new(&[]);
    world.run("", ROUTE).unwrap();
    assert_eq!(world.asked(), [r#"small: Create db.small {"x":1}"#, r#"create_done: Create db.done {"id":"900"}"#]);
    assert_eq!(world.journal.lock().unwrap().get("routed"), Some(&Value::from("2")));
    let none = ROUTE.replace("firstname: Ann", "firstname: Bob");
    assert_eq!(run("", &none, &[]).0[0], r#"create_other: Create db.other {"x":1}"#);
}

#[test]
fn a_run_keeps_its_way_when_the_flow_is_edited() {
    let world = ScriptedWorld::new(&[]);
    world.run("", ROUTE).unwrap();
    world.asked();
    world.run("", &ROUTE.replace("record.amount > 100", "record.amount > 1")).unwrap();
    assert_eq!(world.asked()[0], r#"small: Create db.small {"x":1}"#);
}
