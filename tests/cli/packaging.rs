//! The service file, by the words of the program that will read it.

use std::fs;
use std::process::Command;

/// The service as it stands, for the binary of this test in place of the installed one.
fn unit(dir: &tempfile::TempDir) -> std::path::PathBuf {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/millrace.service"))
        .expect("the unit is there");
    let path = dir.path().join("millrace.service");
    fs::write(&path, text.replace("/usr/local/bin/millrace", env!("CARGO_BIN_EXE_millrace"))).expect("write the unit");
    path
}

#[expect(clippy::print_stderr, reason = "what was not tested is said")]
fn analyze(arguments: &[&str], unit: &std::path::Path) -> Option<std::process::Output> {
    match Command::new("systemd-analyze").args(arguments).arg(unit).output() {
        Ok(said) => Some(said),
        Err(_) => {
            eprintln!("no systemd-analyze here: the service file was not looked at");
            None
        }
    }
}

#[test]
fn systemd_understands_every_line_of_the_service() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let unit = unit(&dir);
    let Some(said) = analyze(&["verify", "--man=no"], &unit) else { return };
    let err = String::from_utf8_lossy(&said.stderr);
    let ours: Vec<&str> = err.lines().filter(|line| line.contains("millrace.service")).collect();
    assert!(said.status.success() && ours.is_empty(), "{err}");
    fs::write(
        &unit,
        fs::read_to_string(&unit).expect("it was written").replace("ProtectSystem=strict", "ProtectSytem=strict"),
    )
    .expect("write the unit");
    let said = analyze(&["verify", "--man=no"], &unit).expect("it was there a moment ago");
    assert!(String::from_utf8_lossy(&said.stderr).contains("ProtectSytem"), "a slip would be seen: {said:?}");
}

#[test]
fn the_service_can_reach_little() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    // Of ten: nothing is held back. Only the network, which it works with, is left open.
    let Some(said) = analyze(&["security", "--offline=yes", "--threshold=15", "--no-pager"], &unit(&dir)) else {
        return;
    };
    assert!(
        said.status.success(),
        "{}{}",
        String::from_utf8_lossy(&said.stdout),
        String::from_utf8_lossy(&said.stderr)
    );
}
