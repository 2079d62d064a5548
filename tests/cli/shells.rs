//! What shells and readers of manuals get, tried with the programs that read it.

use std::fs;
use std::process::Command;

use crate::project::offline;

/// Asks a real bash what it would offer after this line.
fn offered(script: &str, line: &str) -> Vec<String> {
    let words: Vec<&str> = line.split(' ').collect();
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let asking = format!(
        "{script}\nCOMP_WORDS=({})\nCOMP_CWORD={}\n_millrace millrace '{}' '{}'\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"\n",
        quoted.join(" "),
        words.len() - 1,
        words[words.len() - 1],
        words[words.len() - 2],
    );
    let said = Command::new("bash").args(["--norc", "-c", &asking]).output().expect("there is a bash");
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    String::from_utf8_lossy(&said.stdout).lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_and_options() {
    let script = offline().run(&["completions", "bash"]).ok();
    assert_eq!(offered(&script, "millrace ru"), ["run", "runs"]);
    assert_eq!(offered(&script, "millrace schema pu"), ["pull"]);
    assert_eq!(offered(&script, "millrace schema he"), [""; 1], "every command has `--help`");
    assert!(offered(&script, "millrace connections test --fo").contains(&"--format".to_owned()));
}

#[test]
fn every_shell_has_a_script() {
    let project = offline();
    for shell in ["zsh", "fish", "elvish", "powershell"] {
        let script = project.run(&["completions", shell]).ok();
        assert!(script.contains("connections") && script.contains("millrace"), "{shell}");
    }
    project.run(&["completions", "tcsh"]).refused(2, &["zsh"]);
}

#[test]
fn every_command_has_a_manual_page() {
    let project = offline();
    let said = project.run(&["man", "man1"]).ok();
    assert!(said.contains("manual pages written"), "{said}");
    for page in ["millrace.1", "millrace-run.1", "millrace-schema-pull.1", "millrace-connections-test.1"] {
        let text = fs::read_to_string(project.path("man1").join(page)).expect("the page was written");
        assert!(text.contains(".TH") && text.contains("SYNOPSIS"), "{page}: {text}");
    }
    // The formatter complains of whatever it does not understand.
    let page = project.path("man1/millrace-schema-pull.1");
    match Command::new("groff").args(["-man", "-Tutf8", "-ww"]).arg(&page).output() {
        Ok(formatted) => {
            let text = String::from_utf8_lossy(&formatted.stdout);
            assert!(formatted.status.success() && text.contains("pull"), "{text}");
            assert!(formatted.stderr.is_empty(), "{}", String::from_utf8_lossy(&formatted.stderr));
        }
        Err(_) => eprintln!("no groff here: only the structure of manual pages was looked at"),
    }
}

#[test]
fn the_folder_may_stand_before_the_command() {
    let project = offline();
    project.write("inner/flows/bad.yaml", "flow: bad\n");
    project.run(&["-C", "inner", "check"]).refused(1, &["flows/bad.yaml:"]);
    project.run(&["-C", "nowhere", "check", "-C", "inner"]).refused(1, &["flows/bad.yaml:"]);
    project.run(&["-C", "nowhere", "status"]).refused(3, &["no folder `nowhere`"]);
    project.run(&["-C", "inner", "status"]).refused(7, &["-C inner"]);
    project.run(&["-C", "inner", "init"]).refused(2, &["works on no project"]);
}
