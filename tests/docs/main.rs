//! What our pages say is tried: every flow compiles, every command is understood.
//!
//! A block marked `yaml` is a whole document, `yaml fragment` a piece of one; a block marked `sh` is what a person
//! types, and one marked `console` what a person types and sees. Every page of the repository is one of ours; those of
//! codes have tests of their own, where `millrace explain` is.

mod reference;
mod schemas;
mod tutorial;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use database::Database;

#[path = "../support/database.rs"]
mod database;

/// The page that is followed from its first command to its last.
const TUTORIAL: &str = "docs/tutorial.md";
/// The section of the README that is followed as a whole, against a real server.
const INTO_POSTGRESQL: &str = "Into PostgreSQL";

/// A fenced block of a page.
struct Block {
    /// The page and the line at which it begins.
    place: String,
    /// The heading it stands under.
    section: String,
    /// What stands behind the fence.
    kind: String,
    text: String,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every page, by its path from the root, but for those of codes.
fn pages() -> Vec<String> {
    let mut pages: Vec<String> = files(&root(), "md")
        .into_iter()
        .map(|path| path.strip_prefix(root()).expect("it lies below").to_string_lossy().into_owned())
        .filter(|page| !page.contains("/pages/"))
        .collect();
    // The README comes first: it has the first flow.
    pages.sort_by_key(|page| (page != "README.md", page.clone()));
    pages
}

/// Every file of ours whose name ends so; what is hidden or built is not ours.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with('.') || name == "target" {
            continue;
        }
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|known| known == extension) {
            found.push(path);
        }
    }
    found
}

fn blocks() -> Vec<Block> {
    let mut blocks = Vec::new();
    for page in pages() {
        let text = fs::read_to_string(root().join(&page)).expect("the page is there");
        let mut open: Option<Block> = None;
        let mut section = String::new();
        for (number, line) in text.lines().enumerate() {
            match (line.strip_prefix("```"), open.take()) {
                (Some(kind), None) => {
                    let place = format!("{page}:{}", number + 1);
                    let kind = kind.trim().to_owned();
                    open = Some(Block { place, section: section.clone(), kind, text: String::new() });
                }
                (Some(_), Some(block)) => blocks.push(block),
                (None, Some(mut block)) => {
                    block.text.push_str(line);
                    block.text.push('\n');
                    open = Some(block);
                }
                (None, None) => {
                    if let Some(heading) = line.strip_prefix("## ") {
                        section = heading.to_owned();
                    }
                }
            }
        }
        assert!(open.is_none(), "{page} leaves a block open");
    }
    blocks
}

fn millrace(dir: &Path, arguments: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_millrace")).args(arguments).current_dir(dir).output().expect("the binary starts")
}

/// A stand-in of HubSpot, and where it is served as long as the runtime lives.
async fn served_hubspot() -> String {
    let options = sandbox::Options { records: 50, tier: sandbox::hubspot::Tier::Unlimited, ..Default::default() };
    let hubspot = std::sync::Arc::new(std::sync::Mutex::new(sandbox::HubSpot::new(options)));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let clock = std::sync::Arc::new(sdk::SystemClock);
    sandbox::hubspot::serve(hubspot, listener, clock, sandbox::hubspot::ServeOptions::default()).expect("serve").url()
}

#[test]
fn every_flow_on_our_pages_is_checked() {
    let mut n_checked = 0;
    // What PostgreSQL needs besides is followed to the end elsewhere.
    let is_checked = |block: &&Block| block.kind == "yaml" && block.section != INTO_POSTGRESQL;
    for block in blocks().iter().filter(is_checked) {
        let project = tempfile::tempdir().expect("a temporary folder");
        assert!(millrace(project.path(), &["init", "."]).status.success());
        fs::write(project.path().join("flows/block.yaml"), &block.text).expect("write the block");
        let said = millrace(project.path(), &["check"]);
        assert!(said.status.success(), "{}: {}", block.place, String::from_utf8_lossy(&said.stderr));
        n_checked += 1;
    }
    assert!(n_checked > 0, "there are flows on our pages");
}

#[test]
fn every_flow_on_our_pages_is_laid_out() {
    let mut n_laid = 0;
    for block in blocks().iter().filter(|block| block.kind.starts_with("yaml")) {
        match flow::lay_out(&text::SourceFile::new(block.place.as_str(), &block.text)) {
            Ok(laid) => assert_eq!(laid, block.text, "{}: not as `millrace fmt` writes it", block.place),
            // A piece may be none that can be read alone.
            Err(_) => assert_eq!(block.kind, "yaml fragment", "{}", block.place),
        }
        n_laid += 1;
    }
    assert!(n_laid > 0, "there are flows on our pages");
}

#[test]
fn the_first_flow_has_ten_lines() {
    let first = blocks().into_iter().find(|block| block.kind == "yaml").expect("the README shows a flow");
    assert_eq!(first.text.lines().count(), 10, "{}", first.place);
}

#[test]
fn a_flow_as_the_readme_writes_it_works() {
    let first = blocks().into_iter().find(|block| block.kind == "yaml").expect("the README shows a flow");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let url = runtime.block_on(served_hubspot());
    let project = tempfile::tempdir().expect("a temporary folder");
    assert!(millrace(project.path(), &["init", "."]).status.success());
    fs::write(project.path().join("flows/first.yaml"), &first.text).expect("write the flow");
    let said = Command::new(env!("CARGO_BIN_EXE_millrace"))
        .args(["run", "big-companies", "--once"])
        .env("HUBSPOT_URL", url)
        .env("HUBSPOT_TOKEN", sandbox::hubspot::DEFAULT_TOKEN)
        .current_dir(project.path())
        .output()
        .expect("the binary starts");
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
}

/// The section is typed as it stands, by a user of the server's, into a shell that stops at the first mistake.
#[tokio::test(flavor = "multi_thread")]
async fn into_postgresql_as_the_readme_writes_it() {
    let blocks: Vec<Block> = blocks().into_iter().filter(|block| block.section == INTO_POSTGRESQL).collect();
    let kinds: Vec<&str> = blocks.iter().map(|block| block.kind.as_str()).collect();
    assert_eq!(kinds, ["sh", "yaml fragment", "yaml", "sh"], "the section reads as it is followed here");
    let database = Database::with("").await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let address = database.url().replace(&database.name, "sales");
    let begin: String = blocks[0]
        .text
        .lines()
        .map(|line| match line.strip_prefix("export PG_URL=") {
            Some(theirs) => {
                assert!(theirs.ends_with(":5432/sales"), "{theirs}");
                format!("export PG_URL={address}\n")
            }
            None => format!("{line}\n"),
        })
        .collect();
    let script = format!(
        "set -e\n{begin}cat >> connections.yaml <<'END'\n{}END\ncat > flows/customers-to-sales.yaml <<'END'\n{}END\n{}",
        blocks[1].text, blocks[2].text, blocks[3].text
    );
    let binary = Path::new(env!("CARGO_BIN_EXE_millrace"));
    let path = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{path}", binary.parent().expect("a binary lies in a folder").display());
    let said = tokio::process::Command::new("sh")
        .args(["-c", &script])
        .current_dir(folder.path())
        .env("PATH", path)
        .env("PGHOST", "127.0.0.1")
        .env("PGPORT", database.port.to_string())
        .env("PGUSER", "millrace")
        .env("HUBSPOT_URL", served_hubspot().await)
        .env("HUBSPOT_TOKEN", sandbox::hubspot::DEFAULT_TOKEN)
        .output()
        .await
        .expect("the shell starts");
    let (out, err) = (String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    assert!(said.status.success(), "{out}\n{err}");
    assert!(out.contains("(5 rows)"), "customers have come: {out}\n{err}");
}

/// The night's work, of a copy of the example: what it says of itself is what is in its databases.
#[test]
fn the_nightly_example_does_what_it_says() {
    let copy = tempfile::tempdir().expect("a temporary folder");
    let example = root().join("examples/nightly");
    fs::create_dir(copy.path().join("flows")).expect("a folder");
    for name in ["connections.yaml", "shop.sql", "office.sql", "flows/nightly-reminders.yaml", "flows/remind.yaml"] {
        fs::copy(example.join(name), copy.path().join(name)).expect("a file of the example");
    }
    let tonight = |letters: &[&str]| {
        let said = millrace(copy.path(), &["run", "nightly-reminders", "--once"]);
        assert_eq!(said.status.code(), Some(5), "{said:?}");
        assert_eq!(
            rows(copy.path(), "office.db", "SELECT order_id, stage FROM letters ORDER BY stage, order_id"),
            letters
        );
    };
    tonight(&["1001 1", "1003 1", "1005 1"]);
    tonight(&["1001 1", "1003 1", "1005 1", "1001 2", "1003 2", "1005 2"]);
    let todo = rows(copy.path(), "office.db", "SELECT order_id, what FROM todo");
    assert!(todo.len() == 1 && todo[0].contains("1004 has no address to write to"), "{todo:?}");
    let stages = rows(copy.path(), "shop.db", "SELECT id, stage FROM orders ORDER BY id");
    assert_eq!(stages, ["1001 2", "1002 0", "1003 2", "1004 0", "1005 2"]);
    let shown = millrace(copy.path(), &["failures", "list"]);
    assert!(String::from_utf8_lossy(&shown.stdout).contains("nightly-reminders"), "{shown:?}");
    assert!(millrace(copy.path(), &["runs", "list"]).status.success());
}

/// Every row of two columns.
fn rows(folder: &Path, database: &str, query: &str) -> Vec<String> {
    let database = rusqlite::Connection::open(folder.join(database)).expect("the database");
    let mut query = database.prepare(query).expect("a query");
    let row = |row: &rusqlite::Row<'_>| {
        let value = |at| -> rusqlite::Result<String> {
            Ok(match row.get(at)? {
                rusqlite::types::Value::Integer(number) => number.to_string(),
                rusqlite::types::Value::Text(text) => text,
                other => format!("{other:?}"),
            })
        };
        Ok(format!("{} {}", value(0)?, value(1)?))
    };
    query.query_map([], row).expect("rows").map(|row: rusqlite::Result<String>| row.expect("a row")).collect()
}

/// Commands that other tests run as they stand, and those that only a person can run.
const RUN_ELSEWHERE: [&str; 5] = [
    // tests/cli runs the demo; this binary is part of what tests/run runs.
    "cargo run --release -- demo",
    "tests/run",
    // The nightly example's test has run it before.
    "millrace runs list -C examples/nightly",
    "millrace failures list -C examples/nightly",
    "export HUBSPOT_URL=https://api.hubapi.com HUBSPOT_TOKEN=your-private-app-token",
];

/// Pages whose commands only developers type: how certificates of tests were made, how measurements are taken. The
/// tutorial is followed by a test of its own.
const NOT_TYPED_HERE: [&str; 3] = ["connectors/src/http/tests/testdata/README.md", "tests/bench/README.md", TUTORIAL];

#[test]
fn every_command_on_our_pages_is_run() {
    let is_typed = |block: &&Block| {
        let is_elsewhere = NOT_TYPED_HERE.iter().any(|page| block.place.starts_with(page));
        block.kind == "sh" && block.section != INTO_POSTGRESQL && !is_elsewhere
    };
    for block in blocks().iter().filter(is_typed) {
        for line in block.text.lines() {
            if RUN_ELSEWHERE.contains(&line) {
                continue;
            }
            let arguments = line.strip_prefix("millrace ");
            assert!(arguments.is_some(), "{}: run `{line}` somewhere", block.place);
            let arguments = arguments.unwrap_or_default();
            let said = millrace(&root(), &arguments.split(' ').collect::<Vec<_>>());
            assert!(said.status.success(), "{}: {line}: {}", block.place, String::from_utf8_lossy(&said.stderr));
        }
    }
}

#[test]
fn every_command_in_our_sentences_exists() {
    for page in pages() {
        let text = fs::read_to_string(root().join(&page)).expect("the page is there");
        for command in text.split('`').skip(1).step_by(2).filter_map(|code| code.strip_prefix("millrace ")) {
            // The words before the first argument are the command.
            let words = command.split(' ').take_while(|word| word.chars().all(|letter| letter.is_ascii_lowercase()));
            let arguments: Vec<&str> = words.filter(|word| *word != "my-flows").chain(["--help"]).collect();
            let said = millrace(&root(), &arguments);
            assert!(said.status.success(), "{page}: `millrace {command}`: {}", String::from_utf8_lossy(&said.stderr));
        }
    }
}

#[test]
fn the_readme_has_exactly_two_commands_to_begin_with() {
    let commands: Vec<String> = blocks()
        .into_iter()
        .filter(|block| block.kind == "sh" && block.place.starts_with("README.md") && block.section != INTO_POSTGRESQL)
        .flat_map(|block| block.text.lines().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    assert_eq!(commands, ["cargo run --release -- demo", "tests/run"]);
}

#[test]
fn every_link_leads_somewhere() {
    for page in pages() {
        let text = fs::read_to_string(root().join(&page)).expect("the page is there");
        let folder = root().join(&page).parent().expect("a page lies in a folder").to_owned();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link) {
            let file = link.split('#').next().unwrap_or_default();
            assert!(link.starts_with("https://") || folder.join(file).exists(), "{page}: {link}");
        }
    }
}
