//! What our pages say is tried: every flow compiles, every command is understood.
//!
//! A block marked `yaml` is a whole document, `yaml fragment` a piece of one; a block marked `sh` is what a person types.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The pages.
const PAGES: [&str; 3] = ["README.md", "examples/quickstart/README.md", "packaging/README.md"];

/// A fenced block of a page.
struct Block {
    /// The page and the line at which it begins.
    place: String,
    /// What stands behind the fence.
    kind: String,
    text: String,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn blocks() -> Vec<Block> {
    let mut blocks = Vec::new();
    for page in PAGES {
        let text = fs::read_to_string(root().join(page)).expect("the page is there");
        let mut open: Option<Block> = None;
        for (number, line) in text.lines().enumerate() {
            match (line.strip_prefix("```"), open.take()) {
                (Some(kind), None) => {
                    let place = format!("{page}:{}", number + 1);
                    open = Some(Block { place, kind: kind.trim().to_owned(), text: String::new() });
                }
                (Some(_), Some(block)) => blocks.push(block),
                (None, Some(mut block)) => {
                    block.text.push_str(line);
                    block.text.push('\n');
                    open = Some(block);
                }
                (None, None) => {}
            }
        }
        assert!(open.is_none(), "{page} leaves a block open");
    }
    blocks
}

fn millrace(dir: &Path, arguments: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_millrace")).args(arguments).current_dir(dir).output().expect("the binary starts")
}

#[test]
fn every_flow_on_our_pages_is_checked() {
    let mut n_checked = 0;
    for block in blocks().iter().filter(|block| block.kind == "yaml") {
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
fn the_first_flow_has_ten_lines() {
    let first = blocks().into_iter().find(|block| block.kind == "yaml").expect("the README shows a flow");
    assert_eq!(first.text.lines().count(), 10, "{}", first.place);
}

#[test]
fn a_flow_as_the_readme_writes_it_works() {
    let first = blocks().into_iter().find(|block| block.kind == "yaml").expect("the README shows a flow");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let url = runtime.block_on(async {
        let options = sandbox::Options { records: 50, tier: sandbox::hubspot::Tier::Unlimited, ..Default::default() };
        let hubspot = std::sync::Arc::new(std::sync::Mutex::new(sandbox::HubSpot::new(options)));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let clock = std::sync::Arc::new(sdk::SystemClock);
        sandbox::hubspot::serve(hubspot, listener, clock, sandbox::hubspot::ServeOptions::default())
            .expect("serve")
            .url()
    });
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

/// Commands that other tests run as they stand, and those that only a person can run.
const RUN_ELSEWHERE: [&str; 3] = [
    // tests/cli runs the demo; this binary is part of what tests/run runs.
    "cargo run --release -- demo",
    "tests/run",
    "export HUBSPOT_URL=https://api.hubapi.com HUBSPOT_TOKEN=your-private-app-token",
];

#[test]
fn every_command_on_our_pages_is_run() {
    for block in blocks().iter().filter(|block| block.kind == "sh") {
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
    for page in PAGES {
        let text = fs::read_to_string(root().join(page)).expect("the page is there");
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
        .filter(|block| block.kind == "sh" && block.place.starts_with("README.md"))
        .flat_map(|block| block.text.lines().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    assert_eq!(commands, ["cargo run --release -- demo", "tests/run"]);
}

#[test]
fn every_link_leads_somewhere() {
    for page in PAGES {
        let text = fs::read_to_string(root().join(page)).expect("the page is there");
        let folder = root().join(page).parent().expect("a page lies in a folder").to_owned();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link) {
            assert!(link.starts_with("https://") || folder.join(link).exists(), "{page}: {link}");
        }
    }
}
