//! `check` and `explain`: what is told of mistakes, in which form, and what mends them.

use std::fs;

use crate::project::{CONNECTIONS, PEOPLE, Project, offline};

const FLOW: &str = "flows/people.yaml";

fn text_of(project: &Project, name: &str) -> String {
    fs::read_to_string(project.path(name)).expect("the file is there")
}

#[test]
fn a_code_is_explained_where_it_was_told() {
    let project = offline();
    project.write("flows/people.yaml", PEOPLE.replace("record.email.to_lower()", "record.email.to_lowr()"));
    let said = project.run(&["check"]).refused(1, &["error[F0302]", "`millrace explain F0302` tells more about it."]);
    assert_eq!(said.err.matches("millrace explain").count(), 1, "once for all: {said:?}");
    let page = project.run(&["explain", "F0302"]).ok();
    assert!(page.starts_with("F0302: A function that does not exist\n"), "{page}");
    assert!(page.contains("Raised by") && page.contains("    flow: new-leads\n") && page.contains("Mended"), "{page}");
    assert!(!page.contains('\u{1b}') && !page.contains("```"), "plain where nobody watches: {page:?}");
}

#[test]
fn all_codes_are_listed_and_a_slip_is_answered() {
    let project = offline();
    let list = project.run(&["explain"]).ok();
    for line in ["  F0006  duplicate-key        A key that stands twice", "  M0101  ", "  P0101  "] {
        assert!(list.contains(line), "{list}");
    }
    let json = project.run(&["explain", "unknown-field", "--format", "json"]).json();
    assert_eq!((&json["code"], &json["name"]), (&"F0203".into(), &"unknown-field".into()));
    project
        .run(&["explain", "unknwon-field"])
        .refused(3, &["no code `unknwon-field`", "did you mean `unknown-field`?"]);
    project.run(&["explain", "F9999"]).refused(3, &["`millrace explain` lists all of them"]);
}

#[test]
fn functions_are_listed_with_examples() {
    let project = offline();
    let list = project.run(&["language", "functions"]).ok();
    assert!(list.contains("ends_with(") && list.lines().count() > 100, "{list}");
    let one = project.run(&["language", "functions", "to_lower", "--format", "json"]).json();
    assert_eq!((one.as_array().map(Vec::len), &one[0]["name"]), (Some(1), &"to_lower".into()));
    project.run(&["language", "functions", "to_lowr"]).refused(3, &["did you mean `to_lower`?"]);
}

/// A flow with mistakes that have a correction, one that has none, and a comment in between.
fn broken() -> String {
    PEOPLE
        .replace("when: record.email", "when: ${ record.email != () } # who can be written to\n# when: record.email")
        .replace("match: hubspot_id", "mach: hubspot_id")
        .replace("record.email.to_lower()", "record.email.to_lowr()")
        .replace("join_words(", "jam(")
}

#[test]
fn corrections_are_shown_before_they_are_written() {
    let project = offline();
    project.write(FLOW, broken());
    let said = project.run(&["check", "--diff"]);
    assert_eq!(said.status, 1, "{said:?}");
    for line in [
        "--- a/flows/people.yaml",
        "-when: ${ record.email != () } # who can be written to",
        "+when: record.email != () # who can be written to",
        "-    mach: hubspot_id",
        "+    match: hubspot_id",
        "+      email: ${ record.email.to_lower() }",
        " # when: record.email != ()",
    ] {
        assert!(said.out.lines().any(|other| other == line), "`{line}`: {said:#?}");
    }
    assert!(said.err.contains("`millrace check --fix` writes 3 corrections and leaves 1 mistake"), "{said:?}");
    assert_eq!(text_of(&project, FLOW), broken(), "nothing was written");
}

#[test]
fn corrections_are_written_and_what_is_left_is_told() {
    let project = offline();
    project.write(FLOW, broken());
    project.write("connections.yaml", CONNECTIONS.replace("token:", "tokn:"));
    let said = project.run(&["check", "--fix"]).refused(1, &["error[F0302]", "jam", "1 mistake in 2 files"]);
    for line in [
        "F0602 connections.yaml:3:3: `tokn` → `token`",
        "F0503 flows/people.yaml:4:7: `${ record.email != () }` → `record.email != ()`",
        "F0102 flows/people.yaml:8:5: `mach` → `match`",
        "F0302 flows/people.yaml:11:30: `to_lowr` → `to_lower`",
        "4 corrections written into 2 files.",
    ] {
        assert!(said.out.lines().any(|other| other == line), "`{line}`: {said:#?}");
    }
    let wanted = broken()
        .replace("${ record.email != () } #", "record.email != () #")
        .replace("mach:", "match:")
        .replace("to_lowr", "to_lower");
    assert_eq!(text_of(&project, FLOW), wanted, "nothing else has changed");
    assert_eq!(text_of(&project, "connections.yaml"), CONNECTIONS);
    let leftovers = fs::read_dir(project.path("flows")).expect("look into the folder").count();
    assert_eq!(leftovers, 1, "nothing is left beside the files");

    // A second time there is nothing to do, and once all is well it says so.
    let again = project.run(&["check", "--fix"]).refused(1, &["jam"]);
    assert_eq!(again.out, "");
    project.write(FLOW, wanted.replace("jam(", "join_words("));
    assert!(project.run(&["check", "--fix"]).ok().contains("1 flow checked, no mistakes"));
    assert!(project.run(&["check", "--diff"]).ok().contains("Nothing to correct"));
}

#[test]
fn what_was_not_looked_at_is_told() {
    let project = offline();
    let said = project.run(&["check"]).ok();
    let rest = "; fields of `crm.contacts`, `warehouse.people` were not checked, as none were pulled (`millrace schema pull`).\n";
    assert!(said.contains(&format!("1 flow checked, no mistakes{rest}")), "{said}");
    let note = &project.run(&["check", "--format", "json"]).json()[0];
    assert_eq!((&note["severity"], &note["code"]), (&"note".into(), &"P0106".into()));
    assert_eq!(note["message"], "fields of `crm.contacts` are not known here, and were not checked");

    let fields = "fields:\n  id: {type: text}\n  hubspot_id: {type: text, unique: true}\n  email: {type: text}\n  name: {type: text}\n";
    project.write("schemas/warehouse.people.yaml", format!("schema: warehouse.people\nconnector: sqlite\n{fields}"));
    let said = project.run(&["check"]).ok();
    assert!(
        said.contains("fields of `crm.contacts` were not checked, as none were pulled (`millrace schema pull crm`).\n"),
        "{said}"
    );

    // Fields that are the same for every account need not be pulled.
    project.write("connectors/shop.yaml", SHOP);
    project.write("connections.yaml", format!("{CONNECTIONS}shop: {{connector: shop}}\n"));
    let tags = "flow: tags\nconnections: {shop: shop}\ntrigger: {every: 1h}\nsteps:\n  - find: shop.tags\n    filter: {name: x}\n    as: tag\n  - skip: ${ tag?.colour }\n";
    project.write("flows/tags.yaml", tags);
    let said = project.run(&["check"]).ok();
    assert!(!said.contains("shop.tags"), "{said}");
    project.write("flows/tags.yaml", tags.replace("colour", "color"));
    project.run(&["check"]).refused(1, &["error[F0203]", "unknown field `color` of `shop.tags`"]);
}

/// A connector of a project's own, whose fields are the same for everybody.
const SHOP: &str = r#"connector: shop
title: A shop
base_url: https://shop.example.com
check: {get: /me, id: "${body.id}"}
limits: {calls: {max: 10, per: 1s}}
default_limits: [calls]
resources:
  tags:
    id: "${record.id}"
    fields: {static: {name: text, colour: text}}
    list:
      get: /tags
      items: "${body.data}"
"#;

#[test]
fn what_programs_read_holds_no_other_words() {
    let project = offline();
    project.write(FLOW, broken());
    let said = project.run(&["check", "--fix", "--format", "json"]).refused(1, &["3 corrections written into 1 file"]);
    let left: serde_json::Value = serde_json::from_str(&said.out).expect("JSON and nothing else");
    let told: Vec<_> = left.as_array().into_iter().flatten().map(|one| (&one["code"], &one["severity"])).collect();
    let (error, note) = ((&"F0302".into(), &"error".into()), (&"P0106".into(), &"note".into()));
    assert_eq!(told, [error, note, note], "of two objects no fields are known");
    for arguments in [["--diff", "--fix"], ["--watch", "--fix"]] {
        project.run(&[&["check"], &arguments[..]].concat()).refused(2, &["cannot be used with"]);
    }
}

#[test]
fn code_hosts_are_told_in_their_own_words() {
    let project = offline();
    project.write("sub/connections.yaml", CONNECTIONS);
    project.write("sub/warehouse.sql", "");
    project.write("sub/flows/people.yaml", PEOPLE.replace("to_lower", "to_lowr"));
    let mut command = project.command(&["-C", "sub", "check", "--format", "github"]);
    let said: crate::project::Said = command.env_remove("GITHUB_WORKSPACE").output().expect("it starts").into();
    let said = said.refused(1, &["1 mistake in 2 files"]);
    assert_eq!(
        said.out,
        "::error file=sub/flows/people.yaml,line=10,endLine=10,col=30,endColumn=37,\
         title=F0302%3A A function that does not exist::there is no function `to_lowr`%0Ahelp: did you mean `to_lower`?\n"
    );
    // In a workflow that works in a folder of the repository, the path begins at its root.
    let mut command = project.command(&["check", "--format", "sarif"]);
    command.current_dir(project.path("sub")).env("GITHUB_WORKSPACE", project.path(""));
    let said: crate::project::Said = command.output().expect("it starts").into();
    let log: serde_json::Value = serde_json::from_str(&said.out).expect("a log is JSON");
    let result = &log["runs"][0]["results"][0];
    assert_eq!((said.status, &log["version"], &result["ruleId"]), (1, &"2.1.0".into(), &"F0302".into()));
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "sub/flows/people.yaml");
    assert_eq!((&place["region"]["startLine"], &place["region"]["startColumn"]), (&10.into(), &30.into()));
    let markdown = &log["runs"][0]["tool"]["driver"]["rules"][0]["help"]["markdown"];
    assert!(markdown.as_str().is_some_and(|page| page.contains("```yaml")), "{markdown}");
}

#[cfg(unix)]
#[test]
fn a_change_is_checked_when_it_is_saved() {
    let project = offline();
    let mut watch = project.start(&["check", "--watch"]);
    watch.wait_for("1 flow checked, no mistakes");
    watch.wait_for("Waiting for changes of 2 files");
    project.write(FLOW, PEOPLE.replace("to_lower", "to_lowr"));
    watch.wait_for("Checked again: `flows/people.yaml` has changed");
    watch.wait_for_complaint("error[F0302]");
    watch.wait_for_complaint("1 mistake in 2 files");
    project.write("flows/second.yaml", "flow: second\ntrigger: {every: 1h}\nsteps:\n  - skip: done\n");
    watch.wait_for("Checked again: `flows/second.yaml` is new");
    project.write(FLOW, PEOPLE);
    watch.wait_for("2 flows checked, no mistakes");
    fs::remove_file(project.path("flows/second.yaml")).expect("remove a flow");
    watch.wait_for("`flows/second.yaml` is gone");
    // Even a broken project is waited for.
    fs::rename(project.path("flows"), project.path("away")).expect("move the flows");
    watch.wait_for_complaint("there are no flows");
    fs::rename(project.path("away"), project.path("flows")).expect("move them back");
    watch.wait_for("1 flow checked, no mistakes");
    watch.wait_for("Ctrl-C ends");
    let said = watch.stop(rustix::process::Signal::INT);
    assert_eq!(said.status, 0, "{said:?}");
}
