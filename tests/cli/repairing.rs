//! What gave up is listed by cause, shown, tried again, put aside; and runs tell what they did.

use rustix::process::Signal;

use crate::project::{PEOPLE, Project, Sandbox};

/// What the flow does once it is mended.
const MENDED: &str = "  - upsert: warehouse.people\n    match: hubspot_id\n    set: {hubspot_id: \"${ record.id }\"}\n";

/// The flow `people` with other steps, for every contact.
fn people(steps: &str) -> String {
    let (head, _) = PEOPLE.split_once("when:").expect("the flow has a `when`");
    format!("{head}steps:\n{steps}")
}

/// A project whose runs have all failed, each with a message of its own.
async fn failed(records: usize) -> (Sandbox, Project) {
    let sandbox = Sandbox::with_records(records).await;
    let project = Project::new(&sandbox.url());
    project.write("flows/people.yaml", people("  - fail: the warehouse is closed to ${ record.id }\n"));
    let said = project.run(&["run", "people", "--once"]);
    assert!(said.status == 5 && !said.err.contains("other reason"), "one cause is told once: {said:?}");
    (sandbox, project)
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_of_one_cause_are_one_line_until_they_are_retried() {
    let (_sandbox, project) = failed(30).await;
    let groups = project.run(&["failures", "list", "--format", "json"]).json();
    assert_eq!(groups.as_array().map(Vec::len), Some(1), "{groups}");
    assert_eq!((&groups[0]["runs"], &groups[0]["class"]), (&30.into(), &"flow".into()));
    let group = groups[0]["group"].as_str().expect("a group");

    let listed = project.run(&["failures", "list"]);
    assert!(listed.err.contains("millrace failures show GROUP` tells all of one"), "{listed:?}");
    let table = listed.ok();
    assert!(table.contains(group) && table.contains("people") && table.contains("30"), "{table}");
    let shown = project.run(&["failures", "show", group]).ok();
    assert!(shown.contains("30 runs") && shown.contains(&format!("failures retry {group}")), "{shown}");
    let lines = project.run(&["failures", "list", "--all", "--format", "jsonl"]).ok();
    assert_eq!(lines.lines().count(), 20, "a page of single runs");
    let run: serde_json::Value = serde_json::from_str(lines.lines().next().expect("a line")).expect("JSON");
    let run = run["id"].as_str().expect("an id");
    let shown = project.run(&["failures", "show", run]).ok();
    for part in ["fail", "closed to", "Nothing was written", "What to do", "✗ gave up"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }

    project.run(&["failures", "dismiss", run]).ok();
    let rest = project.run(&["failures", "list", "--format", "json"]).json();
    assert_eq!(rest[0]["runs"], 29);
    let table = project.run(&["status"]).ok();
    assert!(table.contains("      29"), "{table}");
    let status = project.run(&["status", "--format", "json"]).json();
    assert_eq!((&status["flows"][0]["ended"]["failed"], &status["flows"][0]["dismissed"]), (&30.into(), &1.into()));
    project.run(&["failures", "list", "--class", "transent"]).refused(2, &["transent", "transient, rate_limited"]);
    project.run(&["failures", "retry", "--class", "Flow"]).refused(2, &["there are transient", "expression, flow"]);
    assert_eq!(project.run(&["runs", "show", run, "--format", "json"]).json()["state"], "failed", "history keeps it");

    project.write("flows/people.yaml", people(MENDED));
    let said = project.run(&["failures", "retry", group]);
    assert!(said.err.contains("29 failures to retry"), "{said:?}");
    assert!(said.ok().contains("retried 29 runs; no engine runs now, and the next one takes them up"));
    project.run(&["run", "people", "--once"]).ok();
    assert!(project.run(&["failures", "list"]).err.contains("No failures"));
    assert_eq!(project.count("SELECT count(*) FROM people"), 29);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_said_or_not_there_is_refused_with_the_remedy() {
    let (_sandbox, project) = failed(101).await;
    project.run(&["failures", "retry"]).refused(2, &["which runs to retry is not said", "--flow"]);
    project.run(&["failures", "retry", "g0000000"]).refused(3, &["no group `g0000000`", "failures list"]);
    project.run(&["failures", "show", "ffffffff"]).refused(3, &["no run `ffffffff`"]);
    project.run(&["failures", "list", "--flow", "peple"]).refused(3, &["did you mean `people`?"]);
    project.run(&["failures", "list", "--since", "soon"]).refused(2, &["`7d`"]);
    project.run(&["runs", "retry", "x", "--resend", "--skip"]).refused(2, &[]);
    let all = ["runs", "retry", "--flow", "people"];
    project.run(&all).refused(2, &["101 failures to retry", "would retry 101 runs", "--yes"]);
    assert!(project.run(&["failures", "list", "--since", "1h"]).ok().contains("101"), "nothing was done");
    assert!(project.run(&[&all[..], &["--class", "auth"]].concat()).err.contains("Nothing to retry"));
    assert!(project.run(&[&all[..], &["--yes"]].concat()).ok().contains("retried 101 runs"));

    let run = project.run(&["runs", "list", "--limit", "1", "--format", "json"]).json();
    let run = run[0]["id"].as_str().expect("an id").to_owned();
    project.run(&["failures", "show", &run]).refused(3, &["is pending and no failure", "runs show"]);
    project.run(&["failures", "dismiss", &run]).refused(3, &["is pending, so it cannot be dismissed", "runs show"]);
    assert!(project.run(&["runs", "cancel", &run, "--reason", "not needed"]).ok().contains("cancelled 1 run"));
    let shown = project.run(&["runs", "show", &run]).ok();
    assert!(shown.contains("cancelled") && shown.contains("not needed"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_engine_retries_by_itself_and_tells_what_it_did() {
    let (_sandbox, project) = failed(3).await;
    project.write("flows/people.yaml", people(MENDED));
    let mut engine = project.start(&["up"]);
    engine.wait_for("Ctrl-C");
    let mut tail = project.start(&["runs", "tail", "--format", "jsonl"]);
    let said = project.run(&["runs", "retry", "--flow", "people"]).ok();
    assert!(said.contains("retried 3 runs; the engine takes them up now"), "{said}");
    let line = tail.wait_for("\"state\":");
    let run: serde_json::Value = serde_json::from_str(&line).expect("one object a line");
    let id = run["id"].as_str().expect("an id");
    let log = |arguments: &[&str]| {
        let shown = project.run(&[&["runs", "show", id, "--format", "json"], arguments].concat()).json();
        let lines = shown["log"].as_array().expect("lines").clone();
        lines.iter().map(|line| line["message"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    let told = log(&[]);
    assert!(told[0].starts_with("gave up: the warehouse is closed to"), "{told:?}");
    assert_eq!(log(&["--log", "error"]).len(), 1);
    assert_eq!(log(&["--step", "nosuch"]).len(), 0);
    let status = project.run(&["status", "--format", "json"]).json();
    assert_eq!(status["flows"][0]["ended"]["failed"], 0, "{status}");
    assert_eq!(engine.stop(Signal::TERM).status, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_in_doubt_waits_for_a_decision_and_is_not_made_twice() {
    let sandbox = Sandbox::with_records(1).await;
    let project = Project::new(&sandbox.url());
    let create =
        "when: record.email != \"copy@example.com\"\nsteps:\n  - create: crm.companies\n    set: {name: Copy}\n";
    let (head, _) = PEOPLE.split_once("when:").expect("the flow has a `when`");
    project.write("flows/people.yaml", format!("{}{create}", head.replace(", warehouse: sqlite", "")));
    let companies = || sandbox.change(|hubspot| hubspot.records("companies").expect("an object").count());
    let before = companies();
    // The company is made, and the engine dies before it has kept that.
    let mut command = project.command(&["run", "people", "--once"]);
    let died = command.env("MILLRACE_CRASH", "effect.answered:1").output().expect("the binary starts");
    assert!(!died.status.success());
    project.run(&["run", "people", "--once"]).refused(5, &["may or may not have been applied"]);
    assert_eq!(companies(), before + 1);

    let failures = project.run(&["failures", "list", "--format", "json"]).json();
    assert_eq!(failures[0]["class"], "unknown");
    let group = failures[0]["group"].as_str().expect("a group").to_owned();
    let refused = project.run(&["failures", "retry", &group]);
    refused.refused(3, &["may or may not have been applied", "--assume-applied", "--resend", "--skip"]);
    assert!(project.run(&["failures", "retry", &group, "--assume-applied"]).ok().contains("retried 1 run"));
    project.run(&["run", "people", "--once"]).ok();
    assert_eq!(companies(), before + 1, "it was not made twice");
}

/// The id of one record was taken for that of every run in a group.
#[tokio::test(flavor = "multi_thread")]
async fn one_record_is_told_for_one_run_at_a_time() {
    let sandbox = Sandbox::with_records(2).await;
    let project = Project::new(&sandbox.url());
    project.write("flows/people.yaml", people("  - fail: not today\n"));
    project.run(&["run", "people", "--once"]);
    let refused = project.run(&["failures", "retry", "--flow", "people", "--assume-applied", "220006890315"]);
    refused.refused(3, &["`220006890315` cannot be the record of 2 runs", "--assume-applied"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_gets_into_what_a_run_notes() {
    let sandbox = Sandbox::with_records(1).await;
    let project = Project::new(&sandbox.url());
    let token = sandbox::hubspot::DEFAULT_TOKEN;
    project.write("flows/people.yaml", people(&format!("  - fail: the service said {token}\n")));
    project.run(&["run", "people", "--once"]);
    let runs = project.run(&["runs", "list", "--format", "json"]).json();
    let shown = project.run(&["runs", "show", runs[0]["id"].as_str().expect("an id"), "--format", "json"]).json();
    assert_eq!(shown["log"][0]["message"], "gave up: the service said ***");
}
