//! Every kind of trigger through the real binary, into SQLite and into PostgreSQL: when runs begin, how many, and what
//! commands say of them. Nothing waits for a clock longer than a second: a time of the day is set back into the past.

use rustix::process::Signal;
use sdk::{Clock as _, SystemClock};
use serde_json::json;

use crate::shop::Shop;

const COPY: &str = "steps:
  - upsert: warehouse.people
    match: email
    set: {email: '${ record.email }', name: '${ record.firstname }', score: 0}
";

/// What the flow wrote.
const COPIED: &str = "SELECT email, name FROM people WHERE score = 0 ORDER BY email";

/// Makes a contact, or changes it.
fn contact(shop: &Shop, id: Option<&str>, email: &str, name: &str) -> String {
    let now = SystemClock.now();
    let values = [("email", email), ("firstname", name)];
    shop.sandbox.change(|hubspot| {
        let now = hubspot.server_time(now);
        match id {
            Some(id) => hubspot.edit("contacts", id, now, &values, now).map(|()| id.to_owned()),
            None => hubspot.insert("contacts", now, &values, now),
        }
        .expect("a contact")
    })
}

/// Runs the flow once in each database.
fn once(shop: &Shop, name: &str) {
    for here in ["lite", "pg"] {
        shop.project.run(&["run", &format!("{name}-{here}"), "--once"]).ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poll_for_new_records_leaves_changed_ones_alone() {
    let shop = Shop::open(0).await;
    shop.write("new", &format!("trigger: {{poll: crm.contacts, on: new, every: 1s, start: beginning}}\n{COPY}"));
    shop.write(
        "any",
        &format!(
            "trigger: {{poll: crm.contacts, on: new_or_updated, every: 1s, start: beginning}}\n{}",
            COPY.replace("score: 0", "score: 9")
        ),
    );
    let ann = contact(&shop, None, "ann@x.co", "Ann");
    once(&shop, "new");
    contact(&shop, Some(&ann), "ann@x.co", "Anna");
    contact(&shop, None, "ben@x.co", "Ben");
    once(&shop, "new");
    assert_eq!(shop.rows(COPIED), ["ann@x.co|Ann", "ben@x.co|Ben"], "Ann was changed, and is not new");
    assert_eq!(shop.status("new-pg")["runs"], 2);

    once(&shop, "any");
    contact(&shop, Some(&ann), "ann@x.co", "Anne");
    once(&shop, "any");
    assert_eq!(shop.rows("SELECT name FROM people WHERE score = 9 ORDER BY name"), ["Anne", "Ben"]);
    assert_eq!(shop.status("any-lite")["runs"], 3, "two at first, and one for the change");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poll_for_archived_records_tells_each_once() {
    let shop = Shop::open(0).await;
    let gone = "trigger: {poll: crm.contacts, on: archived, every: 1s, start: beginning}
steps:
  - upsert: warehouse.people
    match: email
    set: {email: '${ record.email }', name: gone, score: 0}
";
    shop.write("gone", gone);
    let (ann, _) = (contact(&shop, None, "ann@x.co", "Ann"), contact(&shop, None, "ben@x.co", "Ben"));
    once(&shop, "gone");
    assert_eq!(shop.rows(COPIED), Vec::<String>::new());
    shop.sandbox.change(|hubspot| hubspot.remove("contacts", &ann, SystemClock.now())).expect("it was there");
    once(&shop, "gone");
    once(&shop, "gone");
    assert_eq!(shop.rows(COPIED), ["ann@x.co|gone"]);
    assert_eq!(shop.status("gone-pg")["runs"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_adaptive_poll_looks_less_often_while_nothing_happens_and_still_sees_what_does() {
    let shop = Shop::open(0).await;
    let poll = "trigger: {poll: crm.contacts, on: new_or_updated, every: {min: 200ms, max: 1h}, start: beginning}\n";
    shop.write("lazy", &format!("{poll}{COPY}"));
    let mut engine = shop.project.start(&["up"]);
    engine.wait_for("Ctrl-C");
    let next = |flow: &str| {
        let next = shop.status(flow)["next_poll"].as_str().and_then(sdk::Timestamp::parse);
        next.map(|at| at.since(SystemClock.now())).unwrap_or_default()
    };
    // Asked again and again: each poll that finds nothing puts the next one off for longer.
    let grows = |flow: &str| (0..1_000).any(|_| next(flow).as_millis() > 400);
    assert!(grows("lazy-lite") && grows("lazy-pg"));
    let mut tail = shop.project.start(&["runs", "tail", "--format", "jsonl"]);
    contact(&shop, None, "ann@x.co", "Ann");
    tail.wait_for("\"state\":\"succeeded\"");
    tail.wait_for("\"state\":\"succeeded\"");
    assert_eq!(shop.rows(COPIED), ["ann@x.co|Ann"]);
    assert_eq!(engine.stop(Signal::INT).status, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interval_starts_a_run_each_time() {
    let shop = Shop::open(0).await;
    let tick = "trigger: {every: 1s}
steps:
  - find: warehouse.people
    id: 1
    none: fail
    as: ada
  - update: warehouse.people
    id: 1
    set: {score: '${ ada.score + 1 }'}
";
    shop.write("tick", tick);
    let mut engine = shop.project.start(&["up"]);
    engine.wait_for("Ctrl-C");
    let mut tail = shop.project.start(&["runs", "tail", "--flow", "tick-lite", "--format", "jsonl"]);
    let stamps = [tail.wait_for("succeeded"), tail.wait_for("succeeded")].map(|line| {
        let run: serde_json::Value = serde_json::from_str(&line).expect("one object a line");
        run["stamp"].as_str().and_then(sdk::Timestamp::parse).expect("the time it was started for")
    });
    // One that came while the engine had no time is made up for by the next.
    let apart = stamps[1].since(stamps[0]).as_millis();
    assert!(apart >= 1_000 && apart % 1_000 == 0, "each run is for a second of its own: {apart}");
    engine.stop(Signal::INT);
    let scheduled = |flow: &str| shop.status(flow)["scheduled"].as_i64().expect("a number");
    let lite = scheduled("tick-lite");
    assert_eq!(shop.project.rows("SELECT score FROM people WHERE id = 1"), [(1 + lite).to_string()]);
    let pg = shop.database.rows("SELECT score FROM people WHERE id = 1").await;
    assert_eq!(pg, [(1 + scheduled("tick-pg")).to_string()]);
}

/// The engine was away at its time of the day: the time is moved into the past, as a night without the engine would.
#[tokio::test(flavor = "multi_thread")]
async fn a_time_that_was_missed_is_made_up_for_once_or_left_out_as_the_flow_says() {
    let shop = Shop::open(0).await;
    let daily = |missed: &str| {
        format!(
            "timezone: Europe/Berlin
trigger: {{schedule: \"30 3 * * *\", missed: {missed}}}
steps:
  - create: warehouse.people
    set: {{email: '${{ flow.id }}', score: 0}}
    name: report
"
        )
    };
    shop.write("kept", &daily("run_once"));
    shop.write("left", &daily("skip"));
    let mut engine = shop.project.start(&["up"]);
    engine.wait_for("at `30 3 * * *`");
    engine.wait_for("Ctrl-C");
    assert_eq!(engine.stop(Signal::INT).status, 0);
    assert_eq!(shop.status("kept-pg")["runs"], 0, "it is not its time");
    let state = rusqlite::Connection::open(shop.project.path(".millrace/millrace.db")).expect("open the state");
    let three_days = 3 * 24 * 3_600 * 1_000;
    assert_eq!(state.execute("UPDATE schedule SET next_due = next_due - ?1", [three_days]), Ok(4));
    drop(state);

    let mut engine = shop.project.start(&["up"]);
    engine.wait_for("Ctrl-C");
    let mut tail = shop.project.start(&["runs", "tail", "--all", "--format", "jsonl"]);
    tail.wait_for("succeeded");
    tail.wait_for("succeeded");
    engine.stop(Signal::INT);
    for (flow, n_runs) in [("kept-lite", 1), ("kept-pg", 1), ("left-lite", 0), ("left-pg", 0)] {
        let status = shop.status(flow);
        assert_eq!(status["runs"], n_runs, "three times were missed: {status}");
        let next = status["next_start"].as_str().and_then(sdk::Timestamp::parse).expect("a next time");
        assert!(next > SystemClock.now(), "{status}");
    }
    assert_eq!(shop.project.rows("SELECT email FROM people WHERE score = 0"), ["kept-lite"]);
    assert_eq!(shop.database.rows("SELECT email FROM people WHERE score = 0").await, ["kept-pg"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walk_runs_once_for_every_record_that_its_filter_lets_through() {
    let shop = Shop::open(0).await;
    let walk = "trigger:
  every: 1h
  each: crm.contacts
  filter: {lifecyclestage: customer}
  where: record.email != ()
";
    shop.write("walk", &format!("{walk}{COPY}"));
    let n_wanted = 230;
    let now = SystemClock.now();
    shop.sandbox.change(|hubspot| {
        for at in 0..n_wanted + 20 {
            let email = format!("c{at:03}@x.co");
            let stage = if at < n_wanted { "customer" } else { "lead" };
            hubspot.insert("contacts", now, &[("email", &email), ("lifecyclestage", stage)], now).expect("a contact");
        }
        hubspot.insert("contacts", now, &[("firstname", "Nobody"), ("lifecyclestage", "customer")], now).expect("one");
    });
    let said = shop.project.run(&["run", "walk-lite", "--once"]);
    assert!(said.err.contains("goes by the clock; it is started once now"), "{said:?}");
    shop.project.run(&["run", "walk-pg", "--once"]).ok();
    assert_eq!(shop.rows("SELECT count(*) FROM people WHERE score = 0"), [n_wanted.to_string()]);
    for flow in ["walk-lite", "walk-pg"] {
        let status = shop.status(flow);
        assert_eq!((&status["runs"], &status["ended"]["succeeded"]), (&json!(n_wanted), &json!(n_wanted)), "{status}");
    }
    // Another walk meets everybody again, changed or not.
    once(&shop, "walk");
    assert_eq!(shop.status("walk-pg")["runs"], 2 * n_wanted);
    assert_eq!(shop.rows("SELECT count(*) FROM people WHERE score = 0"), [n_wanted.to_string()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn inputs_come_from_the_command_line_a_file_or_standard_input() {
    let shop = Shop::open(0).await;
    let manual = "trigger:
  manual:
    inputs:
      email: {type: text, required: true}
      score: {type: number, default: 5}
      since: {type: date}
steps:
  - upsert: warehouse.people
    match: email
    set: {email: '${ inputs.email }', score: '${ inputs.score }', city: '${ inputs.since ?? \"never\" }'}
    as: it
  - stop: {return: '${ it.created }'}
";
    shop.write("welcome", manual);
    shop.project.write("inputs.json", r#"{"email": "file@x.co", "score": 7}"#);
    for flow in ["welcome-lite", "welcome-pg"] {
        let said = shop.project.run(&["run", flow, "--input", "email=line@x.co", "--input", "since=2026-01-31"]).ok();
        assert!(said.contains("succeeded") && said.contains("returned true"), "{said}");
        shop.project.run(&["run", flow, "--inputs", "inputs.json", "--input", "score=8"]).ok();
        let mut piped = shop.project.command(&["run", flow, "--inputs", "-"]);
        let file = std::fs::File::open(shop.project.path("inputs.json")).expect("the inputs");
        assert!(piped.stdin(file).output().expect("the binary starts").status.success());
        let shown = shop.project.run(&["runs", "list", "--flow", flow, "--limit", "1", "--format", "json"]).json();
        let shown = shop.project.run(&["runs", "show", shown[0]["id"].as_str().expect("an id")]).ok();
        assert!(shown.contains("Its inputs") && shown.contains("file@x.co"), "{shown}");
    }
    let rows = shop.rows("SELECT email, score, city FROM people WHERE id > 3 ORDER BY id");
    assert_eq!(rows, ["line@x.co|5|2026-01-31", "file@x.co|7|never"]);

    // A running engine takes them as well, and goes on.
    let mut engine = shop.project.start(&["up"]);
    engine.wait_for("when asked");
    engine.wait_for("Ctrl-C");
    let mut tail = shop.project.start(&["runs", "tail"]);
    for flow in ["welcome-lite", "welcome-pg"] {
        shop.project.run(&["run", flow, "--input", "email=live@x.co"]).ok();
        tail.wait_for("succeeded");
    }
    assert_eq!(shop.rows("SELECT email FROM people WHERE id > 5"), ["live@x.co"]);
}
