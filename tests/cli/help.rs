//! Every command explains itself, with an example.

use crate::project::offline;

const COMMANDS: [&[&str]; 33] = [
    &["demo"],
    &["init"],
    &["check"],
    &["fmt"],
    &["explain"],
    &["language", "functions"],
    &["up"],
    &["run"],
    &["status"],
    &["pause"],
    &["resume"],
    &["runs", "list"],
    &["runs", "show"],
    &["runs", "tail"],
    &["runs", "retry"],
    &["runs", "cancel"],
    &["failures", "list"],
    &["failures", "show"],
    &["failures", "retry"],
    &["failures", "dismiss"],
    &["cursor", "show"],
    &["connectors", "list"],
    &["connectors", "show"],
    &["connectors", "check"],
    &["connections", "list"],
    &["connections", "test"],
    &["connections", "scopes"],
    &["schema", "pull"],
    &["schema", "show"],
    &["completions"],
    &["man"],
    &["sandbox", "hubspot"],
    &["sandbox"],
];

#[test]
fn every_command_has_help_with_an_example() {
    let project = offline();
    for command in COMMANDS {
        let help = project.run(&[command, &["--help"]].concat()).ok();
        assert!(help.contains("Usage: millrace"), "{command:?}: {help}");
        // `sandbox` itself only lists what can be served.
        assert!(help.contains("Example") || command == ["sandbox"], "{command:?}: {help}");
    }
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
        &["run"],
        &[],
    ] {
        project.run(arguments).refused(2, &[]);
    }
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
