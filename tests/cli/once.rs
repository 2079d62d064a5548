//! `run`, `init`, `check` and the windows into history, on engines that stop by themselves.

use crate::project::{PEOPLE, Project, Sandbox, exists};

#[tokio::test(flavor = "multi_thread")]
async fn one_run_copies_every_record_and_a_second_one_nothing() {
    let sandbox = Sandbox::with_records(40).await;
    let project = Project::new(&sandbox.url());
    let table = project.run(&["run", "people", "--once"]).ok();
    assert!(table.contains("people") && table.contains('✓'), "{table}");
    let copied = project.count("SELECT count(*) FROM people");
    let with_address = sandbox.change(|hubspot| {
        let has_address = |record: &sandbox::hubspot::RecordView| record.values.contains_key("email");
        hubspot.records("contacts").expect("an object").filter(has_address).count()
    });
    assert_eq!(usize::try_from(copied), Ok(with_address));

    let changes = project.count("SELECT total_changes()");
    let second = project.run(&["run", "people", "--once"]).ok();
    let row = second.lines().find(|line| line.contains("people")).unwrap_or_default();
    assert!(row.split_whitespace().take(3).eq(["people", "0", "0"]), "it tells of this pass: {second}");
    assert!(second.contains("With earlier passes: 40 records: "), "{second}");
    assert_eq!(project.count("SELECT count(*) FROM people"), copied);
    assert_eq!(project.count("SELECT total_changes()"), changes);
    let runs = project.run(&["runs", "list", "--limit", "1000", "--format", "json"]).json();
    assert_eq!(runs.as_array().map(Vec::len), Some(40), "the second run made no runs");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_reads_what_a_run_came_to() {
    let sandbox = Sandbox::with_records(12).await;
    let project = Project::new(&sandbox.url());
    let first = project.run(&["run", "people", "--once", "--format", "json"]).json();
    let flow = &first["flows"][0];
    let ended: u64 = flow["pass"]["ended"].as_object().expect("states").values().filter_map(|n| n.as_u64()).sum();
    assert_eq!((&flow["flow"], &flow["pass"]["records"], ended), (&"people".into(), &12.into(), 12), "{first}");
    let second = project.run(&["run", "people", "--once", "--format", "json"]).json();
    let flow = &second["flows"][0];
    assert_eq!((&flow["pass"]["records"], &flow["with_earlier"]["records"]), (&0.into(), &12.into()), "{second}");
    assert_eq!((&flow["open"], &flow["missing"]), (&0.into(), &0.into()));

    // Only the wording differs: the status is the same, and what went wrong is said beside the data.
    project.write("flows/people.yaml", PEOPLE.replace("steps:\n", "steps:\n  - fail: no\n"));
    let runs = project.run(&["runs", "list", "--limit", "1", "--format", "json"]).json();
    let record = runs[0]["record"].as_str().expect("a record");
    let said = project.run(&["run", "people", "--record", record, "--format", "json"]).refused(5, &["did not succeed"]);
    let run: serde_json::Value = serde_json::from_str(&said.out).expect("the answer is JSON");
    assert_eq!((&run["record"], &run["state"]), (&record.into(), &"failed".into()), "{run}");
    assert!(run["log"].is_array() && run["writes"].is_array(), "as `runs show` prints it: {run}");

    let hello = "flow: hello\ntrigger: {manual: {inputs: {who: {type: text, required: true}}}}\nsteps:\n  - stop: {return: '${ inputs.who }'}\n";
    project.write("flows/hello.yaml", hello);
    let run = project.run(&["run", "hello", "--input", "who=you", "--format", "json"]).json();
    assert_eq!((&run["state"], &run["returned"]), (&"succeeded".into(), &"you".into()), "{run}");

    // What a running engine does, it tells as far as it has come; one that stays tells at its end.
    let mut engine = project.start(&["run", "people", "--format", "json"]);
    engine.wait_for_complaint("Ctrl-C stops it");
    let run = project.run(&["run", "people", "--record", record, "--format", "json"]).json();
    assert_eq!((&run["flow"], &run["record"]), (&"people".into(), &record.into()), "{run}");
    let said = engine.stop(rustix::process::Signal::TERM);
    // The complaints that were waited for stand before it.
    let data = &said.out[said.out.find('{').expect("an object")..];
    let told: serde_json::Value = serde_json::from_str(data).expect("the answer is JSON");
    assert_eq!(told["flows"][0]["flow"], "people", "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn history_can_be_looked_at_from_every_side() {
    let sandbox = Sandbox::with_records(40).await;
    let project = Project::new(&sandbox.url());
    project.run(&["run", "people", "--once"]).ok();

    let first = project.run(&["runs", "list", "--limit", "1", "--format", "json"]).json();
    let (id, record) = (first[0]["id"].as_str().expect("an id"), first[0]["record"].as_str().expect("a record"));
    let short = &id[id.len() - 8..];

    let detail = project.run(&["runs", "show", short]).ok();
    assert!(detail.contains(id) && detail.contains("lastname"), "{detail}");
    let detail = project.run(&["runs", "show", id, "--format", "json"]).json();
    assert_eq!(detail["record"], record);
    project.run(&["failures", "show", "gxxxx"]).refused(3, &["there is no group `gxxxx`"]);
    project.run(&["runs", "show", "ffffffff"]).refused(3, &["there is no run `ffffffff`"]);

    let of_record = project.run(&["runs", "list", "--record", record, "--format", "json"]).json();
    assert_eq!(of_record.as_array().map(Vec::len), Some(1));
    let older = project.run(&["runs", "list", "--before", short, "--limit", "100", "--format", "json"]).json();
    assert_eq!(older.as_array().map(Vec::len), Some(39), "the next page begins after the last run of this one");
    let page = ["runs", "list", "--flow", "people", "--state", "succeeded", "--state", "skipped", "--limit", "2"];
    let more = project.run(&page).err;
    assert!(more.contains("--flow people --state succeeded --state skipped --limit 2 --before "), "{more}");
    let failed = project.run(&["runs", "list", "--state", "failed", "--format", "json"]).json();
    assert_eq!(failed, serde_json::json!([]));
    project.run(&["runs", "list", "--flow", "peple"]).refused(3, &["did you mean `people`?"]);

    let status = project.run(&["status", "--format", "json"]).json();
    assert_eq!((&status["running"], &status["flows"][0]["records"]), (&false.into(), &40.into()));
    assert!(project.run(&["status"]).ok().contains("No engine runs"));
    let list = project.command(&["runs", "list"]).env("COLUMNS", "60").output().expect("the binary starts");
    let list = String::from_utf8(list.stdout).expect("text");
    assert!(list.lines().all(|line| line.chars().count() <= 60) && list.contains('…'), "{list}");
    let inside = project.command(&["status"]).current_dir(project.path("flows")).output().expect("the binary starts");
    assert!(String::from_utf8_lossy(&inside.stdout).contains("No engine runs"), "{inside:?}");
    let cursor = project.run(&["cursor", "show", "people"]).ok();
    assert!(cursor.contains("crm.contacts") && cursor.contains("40 records"), "{cursor}");
    project.run(&["cursor", "show", "poeple"]).refused(3, &["did you mean `people`?"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_record_can_be_run_again() {
    let sandbox = Sandbox::with_records(5).await;
    let project = Project::new(&sandbox.url());
    let id = sandbox.change(|hubspot| {
        let mut contacts = hubspot.records("contacts").expect("an object");
        contacts.find(|record| record.values.contains_key("email")).expect("a contact with an address").id
    });
    let said = project.run(&["run", "people", "--record", &id]).ok();
    assert!(said.contains(&id) && said.contains("succeeded"), "{said}");
    assert_eq!(project.count("SELECT count(*) FROM people"), 1, "nothing else was polled");
    let status = project.run(&["status"]).ok();
    assert!(status.contains("asked for") && status.contains("○ people"), "no engine runs: {status}");
    // Another flow's missing variable is not this one's, and leaves no mark on it.
    project.write("flows/other.yaml", crate::project::PEOPLE.replace("flow: people", "flow: other"));
    let mut command = project.command(&["run", "other", "--once"]);
    assert!(!command.env_remove("HUBSPOT_TOKEN").output().expect("the binary starts").status.success());
    let states = project.run(&["status", "--format", "json"]).json();
    let state = |name: &str| {
        let flows = states["flows"].as_array().expect("flows").clone();
        flows.into_iter().find(|one| one["flow"] == name).map(|one| one["state"].clone())
    };
    assert_eq!((state("people"), state("other")), (Some("active".into()), Some("invalid".into())));
    project.run(&["run", "people", "--record", "7"]).refused(3, &["no record `7`"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_init_writes_is_a_project_that_works() {
    let sandbox = Sandbox::with_records(10).await;
    let project = Project::empty(&sandbox.url());
    assert!(project.run(&["init", "mine"]).ok().contains("check -C mine"));
    assert!(project.run(&["check", "-C", "mine"]).ok().contains("no mistakes"));
    project.run(&["run", "new-contacts", "--once", "-C", "mine"]).ok();
    assert!(exists(&project.path("mine/warehouse.db")));
    project.run(&["init", "mine"]).refused(9, &["`mine` is not empty", "millrace init"]);
}

#[test]
fn check_needs_no_secret_and_leaves_nothing_behind() {
    let project = crate::project::offline();
    let mut command = project.command(&["check"]);
    command.env_remove("HUBSPOT_TOKEN").env_remove("HUBSPOT_URL");
    let said = crate::project::Said::from(command.output().expect("the binary starts")).ok();
    assert!(said.contains("1 flow checked, no mistakes"), "{said}");
    assert!(!exists(&project.path(".millrace")) && !exists(&project.path("warehouse.db")));

    project.write("flows/bad.yaml", "flow: bad\ntrigger: {poll: crm.contacts, every: 15s}\nsteps: [{skp: x}]\n");
    let json = project.run(&["check", "flows/bad.yaml", "--format", "json"]);
    assert_eq!(json.status, 1);
    let diagnostics: serde_json::Value = serde_json::from_str(&json.out).expect("the answer is JSON");
    assert_eq!(diagnostics[0]["file"], "flows/bad.yaml");
    assert!(project.run(&["check", "flows/people.yaml"]).ok().contains("1 flow checked"));
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_that_wait_are_left_to_the_next_start() {
    let sandbox = Sandbox::with_records(3).await;
    let project = Project::new(&sandbox.url());
    project.write("flows/people.yaml", crate::project::PEOPLE.replace("steps:\n", "steps:\n  - wait: 3d\n"));
    let said = project.run(&["run", "people", "--once"]);
    assert!(said.err.contains(" until 20") && said.err.contains("the next start goes on with"), "{said:?}");
    let runs = project.run(&["runs", "list", "--state", "waiting", "--format", "jsonl"]).ok();
    assert!(!runs.is_empty(), "they are in the store");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_that_may_have_been_renamed_is_told_before_it_begins_anew() {
    let sandbox = Sandbox::with_records(10).await;
    let project = Project::new(&sandbox.url());
    project.run(&["run", "people", "--once"]).ok();
    project.write("flows/people.yaml", PEOPLE.replace("flow: people", "flow: persons\nwas: people"));
    let renamed = project.run(&["run", "persons", "--once"]);
    assert_eq!((renamed.status, renamed.err.contains("was:")), (0, false), "{renamed:?}");
    project.write("flows/people.yaml", PEOPLE.replace("flow: people", "flow: folks"));
    for is_told in [true, false] {
        let said = project.run(&["run", "folks", "--once"]);
        let tells = said.err.contains("`persons`, which did, is in no file") && said.err.contains("`was: persons`");
        assert_eq!((said.status, tells), (0, is_told), "{said:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_that_cannot_be_read_is_told_and_not_taken_for_missing() {
    let sandbox = Sandbox::with_records(10).await;
    let project = Project::new(&sandbox.url());
    project.write("flows/other.yaml", "flow: other\nconnections: [\n");
    project.write("flows/sync.yaml", "sync: s\nbetwen: [a.b, c.d]\n");
    let damaged = project.run(&["run", "other", "--once"]);
    damaged.refused(1, &["`other` cannot run: 1 mistake in `flows/other.yaml`", "flows/other.yaml:"]);
    let said = project.run(&["run", "people", "--once"]);
    assert!(said.status == 0 && !said.err.contains("flows/"), "what is wrong elsewhere is not its concern: {said:?}");
    project.run(&["run", "nobody", "--once"]).refused(3, &["no flow `nobody`"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_that_takes_a_name_with_a_history_is_not_at_work() {
    let sandbox = Sandbox::with_records(10).await;
    let project = Project::new(&sandbox.url());
    project.run(&["run", "people", "--once"]).ok();
    project.write("flows/old.yaml", PEOPLE.replace("flow: people", "flow: old"));
    project.run(&["run", "old", "--once"]).ok();
    std::fs::remove_file(project.path("flows/old.yaml")).expect("it is there");
    project.write("flows/people.yaml", PEOPLE.replace("flow: people", "flow: people\nwas: old"));
    project.run(&["run", "people", "--once"]).refused(1, &["`people` cannot run", "take `was` out of its file"]);
    project.write("flows/third.yaml", PEOPLE.replace("flow: people", "flow: third"));
    let mut engine = project.start(&["up"]);
    let greeting = engine.wait_for("■ people");
    assert!(greeting.contains("has runs of its own"), "{greeting}");
    assert_eq!(engine.stop(rustix::process::Signal::TERM).status, 0);
}
