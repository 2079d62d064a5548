//! The tutorial is followed, line by line, and what it shows is compared with what is seen.
//!
//! In what a page shows, `…` stands for anything, and alone on a line for any lines. Run ids, groups, times and
//! durations differ each time: they must be of the same form, and an id that the page repeats must be the same one
//! again.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::{Block, TUTORIAL, blocks, root};

/// A terminal: its folder, its variables, and the ids that it has seen by those of the page.
struct Terminal {
    folder: PathBuf,
    variables: BTreeMap<String, String>,
    ids: BTreeMap<String, String>,
}

/// The other terminal, in which an account is served. It ends with the test.
struct Served {
    child: Child,
    url: String,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.child.kill().expect("it is ours to stop");
        self.child.wait().expect("it ends");
    }
}

#[test]
fn the_tutorial_is_as_it_says() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut terminal = Terminal { folder: folder.path().to_owned(), variables: BTreeMap::new(), ids: BTreeMap::new() };
    let mut served: Option<Served> = None;
    let mut n_commands = 0;
    for block in blocks().iter().filter(|block| block.place.starts_with(TUTORIAL)) {
        match block.kind.as_str() {
            "yaml" | "yaml mistaken" => {
                let path = block.text.lines().next().and_then(|line| line.strip_prefix("# "));
                let path = path.unwrap_or_else(|| panic!("{}: the first line says which file it is", block.place));
                fs::write(terminal.folder.join(path), &block.text).expect("write the file");
            }
            "sh" => served = Some(serve(block)),
            "console" => {
                for (command, shown) in commands(&block.text) {
                    n_commands += 1;
                    let seen = terminal.run(&command, served.as_ref());
                    terminal.compare(&shown, &seen, &format!("{}: $ {command}", block.place));
                }
            }
            other => panic!("{}: what is done with {other}?", block.place),
        }
    }
    assert!(n_commands >= 12, "{n_commands}");
}

/// The account that the page serves, at a port that is free.
fn serve(block: &Block) -> Served {
    let (port, rest) = ("--port 8090", block.text.trim().strip_prefix("millrace ").expect("a command of ours"));
    assert!(rest.contains(port), "{}", block.place);
    let mut child = Command::new(env!("CARGO_BIN_EXE_millrace"))
        .args(rest.replace(port, "--port 0").split(' '))
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let url = lines.find_map(|line| Some(line.expect("text").trim().strip_prefix("export HUBSPOT_URL=")?.to_owned()));
    Served { child, url: url.expect("it says where it is served") }
}

/// The commands of a block, each with the lines that are shown below it.
fn commands(text: &str) -> Vec<(String, Vec<String>)> {
    let mut commands: Vec<(String, Vec<String>)> = Vec::new();
    for line in text.lines() {
        match line.strip_prefix("$ ") {
            Some(command) => commands.push((command.to_owned(), Vec::new())),
            None => commands.last_mut().expect("a block begins with a command").1.push(line.to_owned()),
        }
    }
    commands
}

impl Terminal {
    /// Types a command, and gives what is seen of it, in both streams.
    fn run(&mut self, command: &str, served: Option<&Served>) -> Vec<String> {
        if let Some(folder) = command.strip_prefix("cd ") {
            self.folder = self.folder.join(folder);
            return Vec::new();
        }
        if let Some(variables) = command.strip_prefix("export ") {
            for (name, value) in variables.split(' ').filter_map(|pair| pair.split_once('=')) {
                let value = match value {
                    "http://127.0.0.1:8090" => &served.expect("the account was served").url,
                    other => other,
                };
                self.variables.insert(name.to_owned(), value.to_owned());
            }
            return Vec::new();
        }
        let words = command.split(' ').map(|word| self.ids.get(word).map_or(word, String::as_str));
        let command = format!("{} 2>&1", words.collect::<Vec<_>>().join(" "));
        let binary = Path::new(env!("CARGO_BIN_EXE_millrace")).parent().expect("a binary lies in a folder");
        let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap_or_default());
        let said = Command::new("sh")
            .args(["-c", &command])
            .current_dir(&self.folder)
            .env_remove("HUBSPOT_URL")
            .env_remove("HUBSPOT_TOKEN")
            .env("PATH", path)
            .envs(&self.variables)
            .output()
            .expect("the shell starts");
        String::from_utf8(said.stdout).expect("text").lines().map(|line| line.trim_end().to_owned()).collect()
    }

    fn compare(&mut self, shown: &[String], seen: &[String], place: &str) {
        let mut rest = seen;
        let mut may_skip = false;
        let all = || seen.join("\n");
        for line in shown.iter().map(|line| line.trim_end()) {
            if line == "…" {
                may_skip = true;
                continue;
            }
            let at = rest.iter().position(|seen| fits(line, seen));
            let at = at.filter(|at| *at == 0 || may_skip);
            assert!(at.is_some(), "{place}\nthe page shows\n{line}\nand what is seen is\n{}", all());
            let at = at.unwrap_or_default();
            self.bind(line, &rest[at], place);
            rest = &rest[at + 1..];
            may_skip = false;
        }
        assert!(rest.is_empty() || may_skip, "{place}\nthe page does not show\n{}\nof\n{}", rest.join("\n"), all());
    }

    /// Remembers which of ours the page's ids are.
    fn bind(&mut self, shown: &str, seen: &str, place: &str) {
        for (shown, seen) in words(shown).zip(words(seen)) {
            if matches!(form(shown), Some("an id" | "a group")) {
                let known = self.ids.entry(shown.to_owned()).or_insert_with(|| seen.to_owned());
                assert_eq!(known, seen, "{place}: the page calls two things {shown}");
            }
        }
    }
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split_whitespace().map(|word| word.trim_end_matches([',', ';']))
}

/// What differs each time, by its form.
fn form(word: &str) -> Option<&'static str> {
    let is_like = |pattern: &str| {
        word.len() == pattern.len()
            && word.bytes().zip(pattern.bytes()).all(|(byte, like)| match like {
                b'x' => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
                b'9' => byte.is_ascii_digit(),
                other => byte == other,
            })
    };
    match word {
        _ if is_like("xxxxxxxx") || is_like("xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx") => Some("an id"),
        _ if is_like("gxxxxxxx") => Some("a group"),
        _ if is_like("99:99:99") => Some("a time"),
        _ if is_like("9999-99-99") => Some("a day"),
        _ if is_like("9.9") => Some("seconds"),
        _ => None,
    }
}

/// Whether a line is as the page shows it.
fn fits(shown: &str, seen: &str) -> bool {
    let alike = |line: &str| {
        let alike = |word: &str| match form(word.trim_end_matches([',', ';'])) {
            Some(form) => format!("<{form}>"),
            None => word.to_owned(),
        };
        line.split(' ').map(alike).collect::<Vec<_>>().join(" ")
    };
    let (shown, seen) = (alike(shown), alike(seen));
    let mut parts = shown.split('…');
    let Some(mut rest) = seen.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut is_open = false;
    for part in parts {
        is_open = part.is_empty();
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.is_empty() || is_open
}

#[test]
fn a_page_is_compared_strictly() {
    assert!(fits("a …", "a b c") && fits("a … c", "a b c") && fits("───…", "─────"));
    assert!(!fits("a …", "b a") && !fits("a", "a b") && !fits("a … d", "a b c"));
    assert!(fits("run 0a859d22 at 08:42:54", "run 7a4693f5 at 23:00:01"));
    assert!(!fits("run 0a859d22", "run 0a859d2") && !fits("20 records", "21 records"));
    let mut terminal = Terminal { folder: root(), variables: BTreeMap::new(), ids: BTreeMap::new() };
    terminal.compare(&["run 0a859d22".to_owned()], &["run 7a4693f5".to_owned()], "");
    assert_eq!(terminal.ids["0a859d22"], "7a4693f5");
}
