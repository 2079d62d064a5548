//! Every page keeps its word: what is to raise its code raises it and nothing else, and what is mended is clean.
//!
//! The examples of a page are files of a project, by the path in their first line or else a flow. What they leave out
//! is [`WORLD`]; they are read and checked as `millrace check` does it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use flow::project::resolve_settings;
use text::{Code, Colour, Diagnostic, SourceFile};

use super::{GROUPS, Part, all, parts};
use crate::assemble::Understood;
use crate::check::cost;
use crate::check::unchecked::Unchecked;
use crate::project::ProjectFiles;

/// A project that is good as it stands.
const WORLD: [(&str, &str); 5] = [
    (
        "connections.yaml",
        "crm: {connector: hubspot, token: \"${ env.HUBSPOT_TOKEN }\"}\nwarehouse: {connector: sqlite, path: warehouse.db}\n",
    ),
    ("flows/example.yaml", "flow: example\ntrigger: {every: 1h}\nsteps:\n  - skip: done\n"),
    (
        "schemas/crm.contacts.yaml",
        "\
schema: crm.contacts
connector: hubspot
modified: lastmodifieddate
created: createdate
fields:
  email: {type: text, unique: true}
  firstname: {type: text}
  lastname: {type: text}
  default: {type: text}
  vip: {type: boolean}
  birthday: {type: date}
  createdate: {type: moment, read_only: true}
  lastmodifieddate: {type: moment, read_only: true}
  lifecyclestage:
    type: choice
    options:
      - {value: lead, label: Lead}
      - {value: customer, label: Customer}
",
    ),
    (
        "schemas/crm.deals.yaml",
        "schema: crm.deals\nconnector: hubspot\nfields:\n  dealname: {type: text, required: true}\n  amount: {type: number}\n",
    ),
    (
        "schemas/warehouse.customers.yaml",
        "\
schema: warehouse.customers
connector: sqlite
fields:
  email: {type: text, unique: true}
  name: {type: text}
  city: {type: text}
  updated_at: {type: moment}
",
    ),
];

/// What no page can show, because it is no text or too much of it.
fn unshowable(code: &str) -> Option<Vec<u8>> {
    match code {
        text::codes::NOT_UTF8 => Some(b"flow: new-leads\ndescription: Leads of J\xf6rg\n".to_vec()),
        text::codes::TOO_LARGE => Some(vec![b'#'; 300 * 1024]),
        text::codes::CONTROL_CHARACTER => Some("flow: new-leads\ndescription: New \u{202e}sdael\n".into()),
        _ => None,
    }
}

/// The files that a section of a page shows.
fn shown(code: &Code, section: &str) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let of_section = parts(code.page).into_iter().skip_while(|part| *part != Part::Heading(section)).skip(1);
    for part in of_section.take_while(|part| !matches!(part, Part::Heading(_))) {
        let Part::Block { kind: "yaml", text } = part else { continue };
        let first = text.lines().next().and_then(|line| line.strip_prefix("# ")).filter(|path| path.ends_with(".yaml"));
        let path = first.unwrap_or("flows/example.yaml").to_owned();
        assert!(files.insert(path.clone(), text.into_bytes()).is_none(), "{}: two blocks are `{path}`", code.code);
    }
    if let (Some(bytes), true) = (unshowable(code.code), section == RAISED) {
        files.insert("flows/example.yaml".to_owned(), bytes);
    }
    files
}

const RAISED: &str = "Raised by";
const MENDED: &str = "Mended";

/// What is said of a project of these files, and how it is shown.
fn said_of(files: &BTreeMap<String, Vec<u8>>) -> (Vec<Diagnostic>, String) {
    let dir = tempfile::tempdir().unwrap();
    let usual = WORLD.iter().filter(|(path, _)| is_of_somebody(path, files));
    let usual = usual.map(|(path, text)| (*path, text.as_bytes()));
    for (path, content) in usual.chain(files.iter().map(|(path, content)| (path.as_str(), &content[..]))) {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    let files = ProjectFiles::read(dir.path(), None).and_then(ProjectFiles::with_schemas).unwrap();
    let understood = Understood::of(&files);
    let checked = understood.check_offline(dir.path(), &files.schemas);
    let costs = cost::costs(&understood, &files, dir.path(), &checked, None, &BTreeMap::new());
    let mut diagnostics = checked.diagnostics;
    diagnostics.extend(cost::too_dear(&understood, &costs));
    let is_of_companies = |note: &Diagnostic| note.message.contains("crm.companies");
    let (catalog, _) = understood.catalog_offline(dir.path(), &files.schemas);
    // The usual project lacks some, and only one page is about that.
    diagnostics.extend(Unchecked::of(&understood, &catalog).notes().into_iter().filter(is_of_companies));
    if diagnostics.is_empty() {
        diagnostics.extend(understood.connections.iter().flat_map(|definition| settings_of(&understood, definition)));
    }
    let told = text::render(&diagnostics, &files.sources(), Colour::Never);
    (diagnostics, told)
}

/// Whether a file of the usual project still has its connection, where a page shows other ones.
fn is_of_somebody(path: &str, files: &BTreeMap<String, Vec<u8>>) -> bool {
    let connection = path.strip_prefix("schemas/").and_then(|name| name.split('.').next());
    match (connection, files.get("connections.yaml")) {
        (Some(connection), Some(text)) => {
            let text = String::from_utf8_lossy(text);
            text.lines().any(|line| line.strip_prefix(connection).is_some_and(|rest| rest.starts_with(':')))
        }
        (Some(_), None) | (None, _) => true,
    }
}

/// What is found when a connection is opened, on a machine that has everything but what is called `no such`.
fn settings_of(understood: &Understood, definition: &flow::ConnectionDefinition) -> Vec<Diagnostic> {
    let connector = understood.connectors.of_connection(definition).expect("what is checked has its connector");
    let read_env = |name: &str| (!name.starts_with("NO_SUCH")).then(|| "x".to_owned());
    let read_file = |_: &str| Err("no such file".to_owned());
    resolve_settings(definition, connector.descriptor().settings, &read_env, &read_file).1
}

#[test]
fn an_example_raises_its_code_and_no_other() {
    let mut wrong = String::new();
    for code in all() {
        let files = shown(code, RAISED);
        assert!(!files.is_empty(), "{}: nothing raises it", code.code);
        let (diagnostics, told) = said_of(&files);
        let raised: BTreeSet<_> = diagnostics.iter().map(|diagnostic| diagnostic.code).collect();
        if raised != BTreeSet::from([code.code]) {
            wrong.push_str(&format!("==== {} raises {raised:?}\n{told}\n", code.code));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn what_is_mended_is_clean() {
    let mut wrong = String::new();
    for code in all() {
        let files = shown(code, MENDED);
        assert!(!files.is_empty(), "{}: nothing is mended", code.code);
        let (diagnostics, told) = said_of(&files);
        if !diagnostics.is_empty() {
            wrong.push_str(&format!("==== {}\n{told}\n", code.code));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn corrections_mend_the_examples_that_are_offered_them() {
    let mut corrected = BTreeSet::new();
    for code in all() {
        let files = shown(code, RAISED);
        let (diagnostics, _) = said_of(&files);
        if diagnostics.iter().filter_map(|one| one.fix.as_ref()).all(|fix| fix.confidence == text::Confidence::Guess) {
            continue;
        }
        let texts = files.iter().map(|(path, content)| {
            SourceFile::new(path.as_str(), std::str::from_utf8(content).expect("what has a correction is text"))
        });
        let again = |texts: &[SourceFile]| {
            let files = texts.iter().map(|file| (file.path.to_string(), file.text.as_bytes().to_vec()));
            said_of(&files.collect()).0
        };
        let mended = text::mend(texts.collect(), again);
        assert!(mended.left.iter().all(|one| one.code != code.code), "{}: {:?}", code.code, mended.left);
        assert!(!mended.left.iter().any(Diagnostic::is_error), "{}: {:?}", code.code, mended.left);
        corrected.insert(code.code);
    }
    for code in ["F0013", "F0102", "F0203", "F0503", "F0601"] {
        assert!(corrected.contains(code), "{code} has a correction");
    }
}

#[test]
fn every_code_has_one_page_and_every_page_a_code() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["engine/text/src/pages", "engine/flow/src/pages", "connectors/src/rest/pages", "engine/cli/pages"];
    let mut pages = BTreeSet::new();
    for folder in folders {
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            assert_eq!(path.extension().and_then(|extension| extension.to_str()), Some("md"), "{}", path.display());
            assert!(pages.insert(name), "there are two pages of {}", path.display());
        }
    }
    let codes: BTreeSet<String> = all().map(|code| code.code.to_owned()).collect();
    assert_eq!(all().count(), codes.len(), "a code stands in two tables");
    assert_eq!(pages, codes);
    let names: BTreeSet<&str> = all().map(|code| code.name).collect();
    assert_eq!(names.len(), codes.len(), "a name stands in two tables");
}

#[test]
fn pages_are_built_alike() {
    for code in all() {
        let begins = format!("# {}: ", code.code);
        assert!(code.page.starts_with(&begins) && !code.title().ends_with('.'), "{}: {}", code.code, code.title());
        assert!(code.title().chars().count() <= 66, "{}: it must fit beside its code", code.code);
        assert!(code.explanation().len() > 30 && code.explanation().ends_with('.'), "{}", code.code);
        let parts = parts(code.page);
        let headings: Vec<_> =
            parts.iter().filter_map(|part| if let Part::Heading(text) = part { Some(*text) } else { None }).collect();
        assert_eq!(headings[1..], [RAISED, MENDED], "{}", code.code);
        let n_groups = GROUPS.iter().filter(|(beginning, _)| code.code.starts_with(beginning)).count();
        assert_eq!(n_groups, 1, "{}", code.code);
    }
}

#[test]
fn every_command_on_a_page_exists() {
    use clap::CommandFactory as _;
    for code in all() {
        for command in code.page.split('`').skip(1).step_by(2).filter_map(|words| words.strip_prefix("millrace ")) {
            let mut known = crate::Arguments::command();
            // The words before the first argument are the command.
            for word in command.split(' ').take_while(|word| word.chars().all(|letter| letter.is_ascii_lowercase())) {
                let found = known.find_subcommand(word).cloned();
                known = found.unwrap_or_else(|| panic!("{}: there is no `millrace {command}`", code.code));
            }
        }
    }
}

#[test]
fn a_code_is_found_by_either_name_and_a_slip_is_answered() {
    assert_eq!(super::find("f0203").unwrap().name, "unknown-field");
    assert_eq!(super::find("unknown-field").unwrap().code, "F0203");
    let slip = super::find("unknwon-field").unwrap_err();
    for short in ["f112", "F112", "f0112", "step-name-taken"] {
        assert_eq!(super::find(short).map(|code| code.code).ok(), Some("F0112"), "{short}");
    }
    let title = super::find_code("F0112").map(Code::title).expect("its page has a title");
    assert_eq!(super::find(title).map(|code| code.code).ok(), Some("F0112"));
    assert_eq!(slip.remedy().as_deref(), Some("did you mean `unknown-field`?"));
    let other = super::find("E0425").unwrap_err();
    assert_eq!(other.remedy().as_deref(), Some("`millrace explain` lists all of them"));
}
