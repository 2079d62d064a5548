//! The demo: every record it reads has an outcome, and a second one over the same folder writes nothing again.

use rustix::process::Signal;

use crate::project::{exists, offline};

#[test]
fn once_adds_up_and_a_second_one_writes_nothing() {
    let project = offline();
    let once = ["demo", "--once", "--data", "kept", "--records", "60", "--tier", "unlimited", "--lag", "1s"];
    let said = project.run(&once).ok();
    // Of 60 contacts those that a trigger asks for, and 12 companies.
    assert!(said.contains("All 56 records that were read have an outcome"), "{said}");
    for fact in ["companies-to-accounts", "total", "warehouse.db", "sqlite3", "runs list --data"] {
        assert!(said.contains(fact), "{fact}: {said}");
    }
    let warehouse = rusqlite::Connection::open(project.path("kept/warehouse.db")).expect("the warehouse is kept");
    let ask = |query: &str| warehouse.query_row(query, [], |row| row.get::<_, i64>(0)).expect("ask the warehouse");
    assert_eq!(ask("SELECT count(*) FROM accounts"), 12);
    let version = ask("PRAGMA data_version");

    let said = project.run(&once).ok();
    assert!(said.contains("Nothing was new, and nothing was written"), "{said}");
    assert_eq!(ask("PRAGMA data_version"), version, "no other connection has committed anything");
}

/// A demo over somebody's project would run the flows of that project on invented people.
#[test]
fn it_leaves_a_project_alone() {
    let project = offline();
    let said =
        project.run(&["demo", "--once", "--data", "."]).refused(9, &["`.` is a project and not a demo's folder"]);
    assert!(said.err.contains("nothing was written") && said.err.contains("demo --data my-demo"), "{said:?}");
    let mut names: Vec<_> =
        std::fs::read_dir(project.path("")).expect("look").flatten().map(|e| e.file_name()).collect();
    names.sort();
    assert_eq!(names, ["connections.yaml", "flows", "warehouse.sql"]);
    assert_eq!(std::fs::read_dir(project.path("flows")).expect("look").count(), 1);
}

#[test]
fn it_fails_where_none_of_its_flows_can_work() {
    let project = offline();
    let once = ["demo", "--once", "--data", "kept", "--records", "5", "--tier", "unlimited", "--lag", "0s"];
    project.run(&once).ok();
    for flow in ["customers-to-warehouse", "companies-to-accounts", "leads-to-call-list"] {
        project.write(&format!("kept/flows/{flow}.yaml"), format!("flow: {flow}\nsteps: []\n"));
    }
    project.write(
        "kept/flows/mine.yaml",
        crate::project::PEOPLE
            .replace("warehouse.people", "warehouse.accounts")
            .replace("      email: ${ record.email.to_lower() }\n", ""),
    );
    project.run(&once).refused(4, &["no flow could work", "mistake"]);
}

#[test]
fn it_shows_what_happens_and_ends_cleanly() {
    let project = offline();
    let mut demo = project.start(&["demo", "--records", "30", "--tier", "unlimited", "--lag", "0s", "--churn", "20"]);
    demo.wait_for("customers-to-warehouse: ");
    demo.wait_for("succeeded");
    let said = demo.stop(Signal::INT);
    assert_eq!(said.status, 0, "{said:?}");
    let (_, rest) = said.out.split_once("The warehouse is ").expect("it says where");
    let (kept, _) = rest.split_once(". ").expect("the path ends");
    assert!(exists(kept.as_ref()), "{kept} is kept");
    assert!(said.out.contains(&format!("sqlite3 {kept} 'SELECT")), "{said:?}");
}

#[test]
fn it_can_be_bounded() {
    let said = offline().run(&["demo", "--for", "1s", "--records", "5", "--tier", "unlimited", "--lag", "0s"]).ok();
    assert!(said.contains("adds up"), "{said}");
}
