//! Every command explains itself, with an example.

use clap::{Command, CommandFactory as _};

use crate::project::offline;

/// Every command that does something, as it is called.
fn commands() -> Vec<(Vec<String>, Command)> {
    fn below(name: &[String], command: &Command, found: &mut Vec<(Vec<String>, Command)>) {
        if !command.has_subcommands() {
            found.push((name.to_vec(), command.clone()));
        }
        for child in command.get_subcommands() {
            below(&[name, &[child.get_name().to_owned()]].concat(), child, found);
        }
    }
    let mut found = Vec::new();
    below(&[], &millrace::Arguments::command(), &mut found);
    found
}

#[test]
fn every_command_has_help_with_an_example() {
    let project = offline();
    let commands = commands();
    assert!(commands.len() > 35, "{}", commands.len());
    for (name, _) in commands {
        let name: Vec<&str> = name.iter().map(String::as_str).collect();
        let help = project.run(&[&name[..], &["--help"]].concat()).ok();
        assert!(help.contains(&format!("Usage: millrace {}", name.join(" "))), "{name:?}: {help}");
        assert!(help.contains("Example"), "{name:?}: {help}");
    }
    assert!(project.run(&["sandbox", "--help"]).ok().contains("hubspot"));
}

/// Commands that print no data that a program would read, and why not.
const WITHOUT_DATA: [(&str, &str); 16] = [
    ("demo", "is a picture for people"),
    ("init", "writes files, and tells what to do with them"),
    ("fmt", "writes files, or the one that it was given"),
    ("language schema", "is JSON as it is"),
    ("language reference", "is a page of Markdown"),
    ("lsp", "speaks a protocol of its own"),
    ("up", "stays; `status` tells how its flows stand"),
    ("pause", "changes a flow; `status` tells how it stands"),
    ("resume", "changes a flow; `status` tells how it stands"),
    ("runs retry", "changes runs; `runs list` tells how they stand"),
    ("runs cancel", "changes runs; `runs list` tells how they stand"),
    ("failures retry", "changes runs; `runs list` tells how they stand"),
    ("failures dismiss", "changes runs; `runs list` tells how they stand"),
    ("sandbox hubspot", "stays"),
    ("completions", "is a shell's script"),
    ("man", "writes files"),
];

#[test]
fn every_command_that_prints_data_prints_it_for_programs() {
    let mut without: Vec<&str> = WITHOUT_DATA.iter().map(|(name, _)| *name).collect();
    for (name, command) in commands() {
        let name = name.join(" ");
        let format = command.get_arguments().find(|argument| argument.get_long() == Some("format"));
        let words = format.map(|format| format.get_possible_values()).unwrap_or_default();
        let has_json = words.iter().any(|word| word.get_name() == "json");
        let is_listed = without.contains(&name.as_str());
        assert_ne!(has_json, is_listed, "`{name}` has `--format json` or a reason to have none, and not both");
        without.retain(|listed| *listed != name);
    }
    assert_eq!(without, [""; 0], "these are no commands");
}

#[test]
fn help_can_be_asked_for_as_a_command() {
    let project = offline();
    assert_eq!(project.run(&["help"]).ok(), project.run(&["--help"]).ok());
    assert_eq!(project.run(&["help", "runs", "list"]).ok(), project.run(&["runs", "list", "--help"]).ok());
    project.run(&["help", "fly"]).refused(2, &["fly"]);
}

#[test]
fn the_help_lists_every_exit_status() {
    let help = offline().run(&["--help"]).ok();
    for (status, meaning) in millrace::exit::Status::ALL {
        assert!(help.contains(&format!("{}  {meaning}", status as u8)), "{help}");
    }
}

#[test]
fn a_wrong_command_line_is_told_apart_from_other_failures() {
    let project = offline();
    for arguments in [
        &["fly"][..],
        &["up", "--data"],
        &["demo", "--for", "soon"],
        &["demo", "--churn", "-1"],
        &["runs", "list", "--state", "lost"],
        &["runs", "list", "--limit", "0"],
        &["failures", "list", "--limit", "0"],
        &["run"],
        &[],
    ] {
        project.run(arguments).refused(2, &[]);
    }
    project.run(&["runs", "list", "--limit", "0"]).refused(2, &["the least is 1"]);
    project.run(&["runs", "list", "--limit", "all"]).refused(2, &["such as 20"]);
    project.run(&["demo", "--for", "soon"]).refused(2, &["`30s`"]);
    project.run(&["runs", "list", "--state", "lost"]).refused(2, &["succeeded"]);
    let help = project.run(&["runs", "list", "--help"]).ok();
    for state in store::RunState::ALL {
        assert!(help.contains(state.word()), "`{}` is not listed: {help}", state.word());
    }
}

#[test]
fn nothing_is_coloured_where_there_is_no_terminal() {
    let project = offline();
    project.write("flows/bad.yaml", "flow: bad\n");
    let said = project.run(&["check"]);
    assert!(!said.err.contains('\u{1b}') && !said.out.contains('\u{1b}'), "{said:?}");
}
