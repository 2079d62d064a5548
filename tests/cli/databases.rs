//! PostgreSQL as people meet it: as a source, as a target that refuses, that is changed under a running engine, or that
//! is away. Each mistake is told with the connection, its line and the remedy, and a password is never shown.

use rustix::process::Signal;
use serde_json::{Value as Json, json};

use crate::database::Database;
use crate::project::{Project, Running, Sandbox};
use crate::shop::Shop;

const CONNECTIONS: &str = "pg:\n  connector: postgres\n  url: ${ env.PG_URL }\n";

const SAVE: &str = "\
flow: save
connections: {pg: postgres}
trigger: {manual: {inputs: {email: {type: text, required: true}, score: {type: text, default: '0'}}}}
steps:
  - upsert: pg.people
    match: email
    set: {email: '${ inputs.email }', score: '${ inputs.score }'}
";

/// A project with one flow and a database at this address.
fn project(url: &str) -> Project {
    let project = Project::empty("http://127.0.0.1:1").with_variable("PG_URL", url);
    project.write("connections.yaml", CONNECTIONS);
    project.write("flows/save.yaml", SAVE);
    project
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_does_not_let_us_in_is_named_with_its_line() {
    let database = Database::with("CREATE TABLE people (id int PRIMARY KEY, email text UNIQUE, score text)").await;
    let by_password =
        |password: &str| format!("postgres://locked:{password}@127.0.0.1:{}/{}", database.port, database.name);
    let run = ["run", "save", "--input", "email=a@x.co"];
    for (url, status, parts) in [
        ("postgres://me:hunter2@127.0.0.1:1/x".to_owned(), 4, ["`pg` is not reached", "refused"]),
        (by_password("hunter2"), 4, ["`pg` refuses", "password"]),
        (
            by_password("hunter2-hunter2").replace(&database.name, "nowhere"),
            4,
            ["`pg.people` (connections.yaml:1)", "database \"nowhere\" does not exist"],
        ),
        ("postgres://me:hunter2@/".to_owned(), 1, ["`pg`", "postgres://USER:PASSWORD@HOST/DATABASE"]),
        ("hunter2".to_owned(), 1, ["`pg`", "postgres://USER:PASSWORD@HOST/DATABASE"]),
    ] {
        let project = project(&url);
        let said = project.run(&run).refused(status, &parts);
        assert!(said.err.contains("connections.yaml:") && !said.err.contains("hunter2"), "{url}: {said:#?}");
        let tested = project.run(&["connections", "test", "pg"]).refused(4, &["1 of 1 connection"]);
        assert!(tested.out.contains("connections.yaml:") && !tested.out.contains("hunter2"), "{tested:#?}");
        assert!(project.run(&["runs", "list", "--format", "json"]).json().as_array().is_some_and(Vec::is_empty));
    }
    assert_eq!(database.rows("SELECT * FROM people").await, Vec::<String>::new());
    let project = project(&by_password("hunter2-hunter2"));
    let tested = project.run(&["connections", "test", "pg"]).refused(4, &[]);
    assert!(tested.out.contains("permission denied for table people"), "{tested:#?}");
    let said = project.run(&run);
    assert!(said.status == 5 && said.out.contains("permission denied for table people"), "{said:#?}");
    database.rows("GRANT ALL ON people TO locked").await;
    project.run(&["connections", "test", "pg"]).ok();
}

/// A write for which there was never a connection was told as one that was sent.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_reached_nobody_was_tried_and_not_sent() {
    let project = project("postgres://me:hunter2@127.0.0.1:1/x");
    project.write("flows/save.yaml", SAVE.replace("    match", "    retry: {attempts: 9, initial: 1ms}\n    match"));
    let mut engine = project.start(&["up"]);
    engine.wait_for("Ctrl-C");
    let answer = project.run(&["run", "save", "--input", "email=a@x.co", "--format", "json"]).json();
    let id = answer["id"].as_str().expect("the run that was made").to_owned();
    // Asked again and again, for nothing tells of a try.
    let tried =
        (0..1_000).map(|_| project.run(&["runs", "show", &id]).ok()).find(|shown| shown.contains("planned, tried"));
    let tried = tried.expect("the write is tried");
    assert!(tried.contains(" and not applied"), "{tried}");
    assert!(!tried.contains("sent"), "{tried}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_and_columns_that_are_not_there_are_told_at_the_start() {
    let database = Database::with("CREATE TABLE people (id int PRIMARY KEY, email text UNIQUE, score text)").await;
    let project = project(&database.url());
    let run = ["run", "save", "--input", "email=a@x.co"];
    project.write("flows/save.yaml", SAVE.replace("pg.people", "pg.poeple"));
    project.run(&run).refused(1, &["`save`", "`pg` has no `poeple`", "it has people"]);
    project.write("flows/save.yaml", SAVE.replace(", score:", ", scroe:"));
    project.run(&run).refused(1, &["flows/save.yaml:", "scroe", "did you mean `score`"]);
    project.write("flows/save.yaml", SAVE.replace("'${ inputs.score }'", "[1, 2]"));
    project.run(&run).refused(1, &["flows/save.yaml:7:", "score"]);
    project.write("flows/save.yaml", SAVE.replace("match: email", "match: score"));
    // A field that is not unique is allowed, and warned of.
    let said = project.run(&["run", "save", "--input", "email=a@x.co", "--input", "score=1"]);
    assert_eq!(said.status, 5, "no default for the id: {said:?}");
    assert!(said.out.contains("`id` must not be empty"), "{said:?}");
    assert_eq!(database.rows("SELECT * FROM people").await, Vec::<String>::new());
}

/// Runs the flow in the engine at work, and gives how it ended.
fn run(project: &Project, tail: &mut Running, score: &str) -> Json {
    project.run(&["run", "save", "--input", "email=a@x.co", "--input", &format!("score={score}")]).ok();
    serde_json::from_str(&tail.wait_for("\"state\":")).expect("one object a line")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_changes_under_a_running_engine_fails_runs_that_can_be_retried() {
    let id = "id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY";
    let database = Database::with(&format!("CREATE TABLE people ({id}, email text UNIQUE, score text)")).await;
    let project = project(&database.url());
    project.write("flows/save.yaml", SAVE.replace("    match", "    retry: {attempts: 2, initial: 1ms}\n    match"));
    let mut engine = project.start(&["up"]);
    engine.wait_for("Ctrl-C");
    let mut tail = project.start(&["runs", "tail", "--format", "jsonl"]);
    assert_eq!(run(&project, &mut tail, "1")["state"], "succeeded");

    for (change, undo, score, class, part) in [
        (
            "ALTER TABLE people ALTER score TYPE bigint USING score::bigint",
            "ALTER TABLE people ALTER score TYPE text",
            "many",
            "invalid",
            "bigint",
        ),
        (
            "ALTER TABLE people RENAME score TO points",
            "ALTER TABLE people RENAME points TO score",
            "2",
            "invalid",
            "score",
        ),
        ("ALTER TABLE people RENAME TO persons", "ALTER TABLE persons RENAME TO people", "3", "not_found", "people"),
        (
            "ALTER TABLE people ADD CONSTRAINT short CHECK (length(score) < 3)",
            "ALTER TABLE people DROP CONSTRAINT short",
            "4444",
            "invalid",
            "short",
        ),
    ] {
        database.rows(change).await;
        let ended = run(&project, &mut tail, score);
        assert_eq!(
            (&ended["state"], &ended["failure"]["class"]),
            (&json!("failed"), &json!(class)),
            "{change}: {ended}"
        );
        assert!(ended["failure"]["message"].as_str().expect("a message").contains(part), "{change}: {ended}");
        database.rows(undo).await;
        let said = project.run(&["failures", "retry", "--flow", "save"]).ok();
        assert!(said.contains("retried 1 run"), "{said}");
        tail.wait_for("succeeded");
        assert_eq!(database.rows("SELECT email, score FROM people").await, [format!("a@x.co|{score}")]);
    }
    assert_eq!(engine.stop(Signal::INT).status, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_cut_are_opened_again_and_nothing_is_written_twice() {
    let shop = Shop::open(30).await;
    let flow =
        "trigger: {poll: crm.contacts, on: new_or_updated, every: 1s, start: beginning, where: record.email != ()}
steps:
  - create: warehouse.people
    set: {email: '${ record.email }', city: '${ record.id }'}
";
    shop.write("copy", flow);
    let mut engine = shop.project.start(&["up"]);
    engine.wait_for("Ctrl-C");
    let mut tail = shop.project.start(&["runs", "tail", "--all", "--flow", "copy-pg", "--format", "jsonl"]);
    tail.wait_for("succeeded");
    let cut = "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE application_name = 'millrace'";
    shop.database.rows(&format!("{cut} AND datname = current_database()")).await;
    let now = sdk::Clock::now(&sdk::SystemClock);
    shop.sandbox.change(|hubspot| hubspot.insert("contacts", now, &[("email", "late@x.co")], now)).expect("a contact");
    tail.wait_for("succeeded");
    while shop.database.rows("SELECT 1 FROM people WHERE email = 'late@x.co'").await.is_empty() {}
    engine.stop(Signal::INT);
    let twice = shop.database.rows("SELECT email FROM people GROUP BY email HAVING count(*) > 1").await;
    assert_eq!(twice, Vec::<String>::new());
}

/// A flow that polls a table without a key was started, and each of its polls failed.
#[tokio::test(flavor = "multi_thread")]
async fn a_table_without_a_key_is_refused_before_a_flow_reads_it() {
    let database = Database::with("CREATE TABLE people (email text, updated_at timestamptz)").await;
    let project = Project::empty("http://127.0.0.1:1").with_variable("PG_URL", &database.url());
    project.write("connections.yaml", CONNECTIONS);
    let flow = "flow: people\nconnections: {pg: postgres}\n\
                trigger: {poll: pg.people, by: updated_at, on: new, every: 1s}\nsteps: [{skip: x}]\n";
    project.write("flows/people.yaml", flow);
    let says = "the table `people` has no primary key, so its rows have no id; add one";
    project.run(&["up"]).refused(4, &[says]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_a_table_go_to_hubspot() {
    let sandbox = Sandbox::with_records(0).await;
    let database = Database::with(
        "CREATE TABLE people (id int PRIMARY KEY, email text, name text, born date, updated_at timestamptz NOT NULL DEFAULT now());
         INSERT INTO people SELECT n, 'p' || n || '@x.co', 'P' || n, NULL FROM generate_series(1, 120) AS n;
         UPDATE people SET email = NULL WHERE id = 7",
    )
    .await;
    let project = Project::empty(&sandbox.url()).with_variable("PG_URL", &database.url());
    let crm = "crm: {connector: hubspot, token: '${ env.HUBSPOT_TOKEN }', base_url: '${ env.HUBSPOT_URL }', tier: unlimited}\n";
    project.write("connections.yaml", format!("{CONNECTIONS}{crm}"));
    let flow = "flow: people-to-hubspot
connections: {crm: hubspot, pg: postgres}
trigger: {poll: pg.people, by: updated_at, on: new_or_updated, every: 1s, start: beginning}
when: record.email != ()
steps:
  - upsert: crm.contacts
    match: email
    set: {email: '${ record.email }', firstname: '${ record.name }'}
";
    project.write("flows/people.yaml", flow);
    project.run(&["run", "people-to-hubspot", "--once"]).ok();
    let names = |wanted: &str| {
        let is_wanted =
            |record: &sandbox::hubspot::RecordView| record.values.get("firstname").is_some_and(|name| name == wanted);
        sandbox.change(|hubspot| hubspot.records("contacts").expect("contacts").filter(is_wanted).count())
    };
    assert_eq!(sandbox.change(|hubspot| hubspot.records("contacts").expect("contacts").count()), 119);
    assert_eq!((names("P1"), names("P7")), (1, 0));
    database.rows("UPDATE people SET name = 'Paul', updated_at = clock_timestamp() WHERE id = 1").await;
    project.run(&["run", "people-to-hubspot", "--once"]).ok();
    assert_eq!((names("P1"), names("Paul")), (0, 1));
    assert_eq!(sandbox.change(|hubspot| hubspot.writes().len()), 120, "one write for each change, and no more");
}
