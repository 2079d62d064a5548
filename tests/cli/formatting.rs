//! `millrace fmt` on real files, and on our own.

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use crate::project::{Project, Said, offline};

/// A flow as somebody in a hurry writes it.
const HASTY: &str = "\
# Copies people.

flow: people
steps:
# one for each
- match: hubspot_id
  upsert: warehouse.people   # by its id
  set: {hubspot_id: \"${ record.id }\",zip: '01432'}


trigger:
    every: 1s
    poll: crm.contacts
    start: beginning
connections: {crm: hubspot,  warehouse: sqlite}
";

const LAID_OUT: &str = "\
# Copies people.

flow: people
connections: {crm: hubspot, warehouse: sqlite}

trigger:
  poll: crm.contacts
  every: 1s
  start: beginning
steps:
  # one for each
  - upsert: warehouse.people  # by its id
    match: hubspot_id
    set: {hubspot_id: \"${ record.id }\", zip: \"01432\"}
";

fn read(project: &Project, name: &str) -> String {
    std::fs::read_to_string(project.path(name)).expect("the file is there")
}

/// What a command makes of standard input.
fn filtered(project: &Project, arguments: &[&str], input: &str) -> Said {
    let mut command = project.command(arguments);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts");
    child.stdin.take().expect("standard input is a pipe").write_all(input.as_bytes()).expect("it reads");
    child.wait_with_output().expect("it ends").into()
}

#[test]
fn files_are_laid_out_and_a_check_shows_what_would_change() {
    let project = offline();
    project.write("flows/people.yaml", HASTY);
    let said = project.run(&["fmt", "--check"]).refused(1, &["`millrace fmt` lays 1 file out anew"]);
    for line in ["--- a/flows/people.yaml", "-- match: hubspot_id", "+  - upsert: warehouse.people  # by its id"] {
        assert!(said.out.contains(line), "`{line}` is missing: {}", said.out);
    }
    assert_eq!(read(&project, "flows/people.yaml"), HASTY, "a check changes nothing");
    let said = project.run(&["fmt"]).ok();
    assert_eq!(said, "flows/people.yaml\n1 file laid out; 1 was already.\n");
    assert_eq!(read(&project, "flows/people.yaml"), LAID_OUT);
    assert_eq!(project.run(&["fmt", "--check"]).ok(), "2 files were laid out already.\n");
    assert_eq!(project.run(&["fmt", "flows"]).ok(), "1 file was laid out already.\n");
}

#[test]
fn a_file_with_mistakes_is_left_alone_and_hides_no_other() {
    let project = offline();
    let bad = "flow: bad\nwhen: !record.vip\n";
    project.write("flows/bad.yaml", bad);
    project.write("flows/people.yaml", HASTY);
    project.run(&["fmt"]).refused(1, &["flows/bad.yaml:2:7", "not(", "1 file left as it was"]);
    assert_eq!((read(&project, "flows/bad.yaml"), read(&project, "flows/people.yaml")), (bad.into(), LAID_OUT.into()));
    project.run(&["fmt", "flows/none.yaml"]).refused(9, &["flows/none.yaml"]);
}

#[test]
fn an_editor_hands_a_document_in_and_gets_it_back() {
    let project = offline();
    for arguments in [&["fmt", "-"][..], &["fmt", "--stdin"]] {
        assert_eq!(filtered(&project, arguments, HASTY).ok(), LAID_OUT);
        let said = filtered(&project, arguments, "flow: [").refused(1, &["standard input:1:", "nothing was laid out"]);
        assert_eq!(said.out, "", "an editor would take it for the document");
    }
    let said = filtered(&project, &["fmt", "-", "--check"], HASTY).refused(1, &["lays it out anew"]);
    assert!(said.out.contains("+connections:"), "{}", said.out);
    assert_eq!(filtered(&project, &["fmt", "-", "--check"], LAID_OUT).ok(), "");
}

#[test]
fn our_own_files_are_laid_out() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let own = ["examples/quickstart", "examples/nightly", "engine/cli/init"].map(|folder| root.join(folder));
    let own = own.each_ref().map(|path| path.to_str().expect("our folders are UTF-8"));
    offline().run(&[&["fmt", "--check"][..], &own].concat()).ok();
}
