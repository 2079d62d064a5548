//! Who may import whom, who may know what, and that the page about it is true.
//!
//! Each rule is a function from the house to sentences about what breaks it. Each has two tests: our house keeps it,
//! and a house that breaks it is told so.

mod house;

use std::path::Path;

use house::{Crate, House};

/// The crates in the order of the page, and what each may import of ours.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("engine/text", &[]),
    ("engine/sdk", &["text"]),
    ("engine/flow", &["text", "sdk"]),
    ("engine/store", &["sdk"]),
    ("engine/runtime", &["sdk", "flow", "store"]),
    ("connectors", &["text", "sdk"]),
    ("connectors/sandbox", &["sdk"]),
    (".", &["text", "sdk", "flow", "store", "runtime", "connectors", "sandbox"]),
];

/// What tests import beyond that, and why.
const TESTS_MAY_IMPORT: &[(&str, &str, &str)] = &[
    ("connectors", "sandbox", "a connector is tried against the stand-in of its service"),
    ("engine/runtime", "text", "the interpreter is tried on flows as their authors write them"),
];

/// Packages that one place alone may know; `(tests)` stands behind those whose tests may use it.
const OWNED: &[(&str, &[&str])] = &[
    ("serde-saphyr", &["engine/text"]),
    ("rusqlite", &["engine/store", "connectors", ". (tests)"]),
    ("rhai", &["engine/flow"]),
    // The bare loop that benchmarks compare with.
    ("reqwest", &["connectors", ". (tests)"]),
    ("tokio-postgres", &["connectors", ". (tests)"]),
    ("axum", &["connectors/sandbox", "connectors (tests)"]),
    // The second reader of YAML, which ours is held against.
    ("yaml_serde", &["engine/text (tests)", ". (tests)"]),
];

/// Languages, and the crates by whose names a file shows that it knows one.
const LANGUAGES: &[(&str, &[&str])] =
    &[("YAML", &["serde_yaml"]), ("SQL", &["rusqlite", "tokio_postgres"]), ("HTTP", &["reqwest", "axum"])];

/// Imports of ours that the table does not allow, and crates that it does not know.
fn imports(house: &House) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut members = house.members();
    let mut found: Vec<_> = house.crates.iter().map(|each| each.folder.clone()).collect();
    let mut known: Vec<_> = MAY_IMPORT.iter().map(|(folder, _)| (*folder).to_owned()).collect();
    for folders in [&mut members, &mut found, &mut known] {
        folders.sort();
    }
    if members != found || members != known {
        wrong.push(format!("the workspace names {members:?}, the folders hold {found:?}, the table knows {known:?}"));
    }
    for each in &house.crates {
        let allowed = MAY_IMPORT.iter().find(|(folder, _)| *folder == each.folder).map_or(&[][..], |(_, names)| names);
        for dependency in house.dependencies(each).iter().filter(|dependency| dependency.folder.is_some()) {
            let name = dependency.name.as_str();
            let for_tests = dependency.is_dev
                && TESTS_MAY_IMPORT.iter().any(|(folder, import, _)| (*folder, *import) == (&each.folder, name));
            if !allowed.contains(&name) && !for_tests {
                wrong.push(format!("`{}` imports `{name}`", each.folder));
            }
        }
    }
    wrong
}

/// Files and tests that the page about the house names and that do not exist. Test names have three `_` or more.
fn page_names(house: &House) -> Vec<String> {
    let mut wrong = Vec::new();
    // What is between two backticks; a block between fences is no name.
    for name in house.page.split('`').skip(1).step_by(2).filter(|name| !name.contains(char::is_whitespace)) {
        let is_path = ["connectors/", "engine/", "tests/"].iter().any(|folder| name.starts_with(folder));
        if is_path && !house.folder.join(name).exists() {
            wrong.push(format!("engine/ARCHITECTURE.md names `{name}`, which is not there"));
        }
        let declared = format!("fn {name}(");
        let is_test = name.matches('_').count() >= 3;
        if is_test && !house.sources.iter().any(|source| source.text.contains(&declared)) {
            wrong.push(format!("engine/ARCHITECTURE.md names the test `{name}`, which is not there"));
        }
    }
    wrong
}

/// Rows of the table that the page about the house does not have.
fn page(house: &House) -> Vec<String> {
    let mut wrong = Vec::new();
    for (folder, names) in MAY_IMPORT {
        let title = if *folder == "." { "millrace".to_owned() } else { (*folder).to_owned() };
        let imports = match names.len() {
            0 => "nothing".to_owned(),
            _ if *folder == "." => "all".to_owned(),
            _ => names.join(", "),
        };
        let (begins, ends) = (format!("| `{title}` |"), format!("| {imports} |"));
        if !house.page.lines().any(|line| line.starts_with(&begins) && line.ends_with(&ends)) {
            wrong.push(format!("engine/ARCHITECTURE.md has no row `{begins} … {ends}`"));
        }
    }
    wrong
}

/// Dependencies that a manifest names by itself, where nobody says why, or on what belongs to another crate.
fn dependencies(house: &House) -> Vec<String> {
    let mut wrong = Vec::new();
    for each in &house.crates {
        for dependency in house.dependencies(each) {
            if !dependency.is_inherited {
                wrong.push(format!("`{}` does not take `{}` from the workspace", each.folder, dependency.name));
            }
            // The name counts as well: another crate may take `serde_yaml` over one day.
            let owned = OWNED.iter().find(|(package, _)| {
                [dependency.package.as_str(), dependency.name.as_str()].contains(package)
                    || (dependency.name == "serde_yaml" && *package == "serde-saphyr")
            });
            let Some((package, owners)) = owned else { continue };
            let for_tests = format!("{} (tests)", each.folder);
            let is_owner =
                owners.contains(&each.folder.as_str()) || (dependency.is_dev && owners.contains(&for_tests.as_str()));
            if !is_owner {
                wrong.push(format!("`{}` depends on `{package}`, which belongs to {owners:?}", each.folder));
            }
        }
    }
    wrong
}

/// Files that know two languages.
fn languages(house: &House) -> Vec<String> {
    let mut wrong = Vec::new();
    for source in house.sources.iter().filter(|source| !source.path.starts_with("tests/")) {
        let code = source.code(true);
        let knows = |name: &&str| code.iter().any(|(_, line)| names(line, name));
        let known: Vec<_> =
            LANGUAGES.iter().filter(|(_, crates)| crates.iter().any(knows)).map(|(language, _)| *language).collect();
        if known.len() > 1 {
            wrong.push(format!("{} knows {}", source.path, known.join(" and ")));
        }
    }
    wrong
}

/// Crates that leave the workspace's lints out.
fn lints(house: &House) -> Vec<String> {
    let inherits =
        |each: &&Crate| each.manifest.get("lints").and_then(|lints| lints.get("workspace")?.as_bool()) == Some(true);
    let without = house.crates.iter().filter(|each| !inherits(each));
    without.map(|each| format!("`{}` lacks `[lints] workspace = true`", each.folder)).collect()
}

/// Places outside tests that are not written yet.
fn unwritten(house: &House) -> Vec<String> {
    let mut wrong = Vec::new();
    for source in house.sources.iter().filter(|source| !source.is_test()) {
        for (number, line) in source.code(false) {
            for word in ["todo!(", "unimplemented!("] {
                if line.contains(word) {
                    wrong.push(format!("{}:{number} says `{word}…)`", source.path));
                }
            }
        }
    }
    wrong
}

/// Whether a line of code uses this crate: `name::…`, or `use name`.
fn names(line: &str, name: &str) -> bool {
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    line.match_indices(name).any(|(at, _)| {
        let (before, after) = (&line[..at], &line[at + name.len()..]);
        let begins = !before.ends_with(is_word);
        begins && (after.starts_with("::") || (before.trim_end().ends_with("use") && !after.starts_with(is_word)))
    })
}

fn our_house() -> House {
    House::read(Path::new(env!("CARGO_MANIFEST_DIR")))
}

fn assert_kept(rule: fn(&House) -> Vec<String>) {
    let wrong = rule(&our_house());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Breaks our house, and expects the rule to say exactly this more.
#[track_caller]
fn assert_told(rule: fn(&House) -> Vec<String>, break_it: impl FnOnce(&mut House), expected: &[&str]) {
    let mut house = our_house();
    let before = rule(&house);
    break_it(&mut house);
    let told: Vec<_> = rule(&house).into_iter().filter(|sentence| !before.contains(sentence)).collect();
    assert_eq!(told, expected);
}

/// Adds text to a crate's manifest.
fn depend(house: &mut House, folder: &str, kind: &str, name: &str) {
    let each = house.crates.iter_mut().find(|each| each.folder == folder).expect("the crate exists");
    let entry: toml::Table = toml::from_str("workspace = true").expect("this is TOML");
    let kind = each.manifest.entry(kind).or_insert_with(|| toml::Table::new().into());
    kind.as_table_mut().expect("dependencies are a table").insert(name.to_owned(), entry.into());
}

fn add_source(house: &mut House, path: &str, text: &str) {
    house.sources.push(house::Source { path: path.to_owned(), text: text.to_owned() });
}

#[test]
fn crates_import_what_the_table_allows() {
    assert_kept(imports);
}

#[test]
fn an_import_against_the_table_is_told() {
    assert_told(
        imports,
        |house| depend(house, "engine/flow", "dependencies", "store"),
        &["`engine/flow` imports `store`"],
    );
    let of_tests = |house: &mut House| depend(house, "connectors/sandbox", "dev-dependencies", "connectors");
    assert_told(imports, of_tests, &["`connectors/sandbox` imports `connectors`"]);
    let of_one_platform = |house: &mut House| {
        let text = "[target.'cfg(unix)'.dependencies]\nruntime.workspace = true";
        let table: toml::Table = toml::from_str(text).expect("this is TOML");
        let each = house.crates.iter_mut().find(|each| each.folder == "engine/sdk").expect("the crate exists");
        each.manifest.extend(table);
    };
    assert_told(imports, of_one_platform, &["`engine/sdk` imports `runtime`"]);
}

#[test]
fn a_crate_that_the_table_does_not_know_is_told() {
    let mut house = our_house();
    house.crates.retain(|each| each.folder != "engine/text");
    assert_eq!(imports(&house).len(), 1);
}

#[test]
fn the_page_has_the_table() {
    assert_kept(page);
}

#[test]
fn a_page_without_a_row_is_told() {
    let change = |house: &mut House| house.page = house.page.replace("| text, sdk |", "| text |");
    assert_told(
        page,
        change,
        &[
            "engine/ARCHITECTURE.md has no row `| `engine/flow` | … | text, sdk |`",
            "engine/ARCHITECTURE.md has no row `| `connectors` | … | text, sdk |`",
        ],
    );
}

#[test]
fn the_page_names_what_there_is() {
    assert_kept(page_names);
}

#[test]
fn a_page_that_names_what_is_gone_is_told() {
    let change = |house: &mut House| house.page.push_str("`engine/gone.rs`, `this_test_is_gone`");
    assert_told(
        page_names,
        change,
        &[
            "engine/ARCHITECTURE.md names `engine/gone.rs`, which is not there",
            "engine/ARCHITECTURE.md names the test `this_test_is_gone`, which is not there",
        ],
    );
}

#[test]
fn what_belongs_to_one_crate_stays_there() {
    assert_kept(dependencies);
}

#[test]
fn taking_what_belongs_to_another_is_told() {
    for (folder, kind, name, package) in [
        ("engine/flow", "dependencies", "serde_yaml", "serde-saphyr"),
        (".", "dependencies", "serde_yaml", "serde-saphyr"),
        ("engine/runtime", "dev-dependencies", "rusqlite", "rusqlite"),
        (".", "dependencies", "rusqlite", "rusqlite"),
        ("engine/runtime", "dependencies", "rhai", "rhai"),
        (".", "dependencies", "reqwest", "reqwest"),
        ("engine/runtime", "dependencies", "tokio-postgres", "tokio-postgres"),
        ("connectors", "dependencies", "axum", "axum"),
    ] {
        let mut house = our_house();
        depend(&mut house, folder, kind, name);
        let begins = format!("`{folder}` depends on `{package}`");
        let told = dependencies(&house);
        assert!(told.iter().any(|sentence| sentence.starts_with(&begins)), "{begins}: {told:?}");
    }
}

#[test]
fn a_dependency_that_the_workspace_does_not_name_is_told() {
    let change = |house: &mut House| {
        let each = house.crates.iter_mut().find(|each| each.folder == "engine/text").expect("the crate exists");
        let table = each.manifest["dependencies"].as_table_mut().expect("dependencies are a table");
        table.insert("regex".to_owned(), "1".into());
    };
    assert_told(dependencies, change, &["`engine/text` does not take `regex` from the workspace"]);
}

#[test]
fn no_file_knows_two_languages() {
    assert_kept(languages);
}

#[test]
fn a_file_that_knows_two_languages_is_told() {
    let path = "connectors/src/both.rs";
    let told = ["connectors/src/both.rs knows SQL and HTTP"];
    assert_told(languages, |house| add_source(house, path, "use rusqlite::Row;\nuse axum;\n"), &told);
    assert_told(languages, |house| add_source(house, path, "fn a(b: rusqlite::Row) { reqwest::get(b) }\n"), &told);
    assert_told(languages, |house| add_source(house, path, "// not axum::Router\nuse rusqlite::Row;\n"), &[]);
    assert_told(languages, |house| add_source(house, path, "use my_axum::Router;\nuse rusqlite::Row;\n"), &[]);
}

#[test]
fn every_crate_is_linted() {
    assert_kept(lints);
}

#[test]
fn a_crate_without_lints_is_told() {
    let change = |house: &mut House| {
        house.crates.iter_mut().filter(|each| each.folder == "engine/sdk").for_each(|each| {
            each.manifest.remove("lints");
        });
    };
    assert_told(lints, change, &["`engine/sdk` lacks `[lints] workspace = true`"]);
}

#[test]
fn nothing_is_left_to_be_written() {
    assert_kept(unwritten);
}

#[test]
fn what_is_left_to_be_written_is_told() {
    let text = "fn a() {\n    todo!()\n}\n\n#[cfg(test)]\nmod tests {\n    fn b() {\n        todo!()\n    }\n}\n\nfn c() {\n    unimplemented!(\"c\")\n}\n";
    let told = ["engine/sdk/src/a.rs:2 says `todo!(…)`", "engine/sdk/src/a.rs:13 says `unimplemented!(…)`"];
    assert_told(unwritten, |house| add_source(house, "engine/sdk/src/a.rs", text), &told);
    assert_told(unwritten, |house| add_source(house, "engine/sdk/src/a/tests.rs", text), &[]);
}
