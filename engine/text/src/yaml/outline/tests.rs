use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;

/// A tree in one line, with the text that each part has in the file.
fn shown(file: &SourceFile, node: &Node, out: &mut String) {
    match &node.kind {
        Kind::Null => out.push('~'),
        Kind::Text(Text { style: TextStyle::Block, .. }) => out.push('|'),
        Kind::Text(text) => {
            let _ = write!(out, "{}", text.value);
            let written = file.slice(node.span);
            assert!(written.contains(text.value.split_whitespace().next().unwrap_or("")), "{written} {text:?}");
        }
        Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) => out.push_str(file.slice(node.span)),
        Kind::List(items) => {
            out.push('[');
            for (number, item) in items.iter().enumerate() {
                out.push_str(if number == 0 { "" } else { " " });
                shown(file, item, out);
            }
            out.push(']');
        }
        Kind::Map(map) => {
            out.push('{');
            for (number, entry) in map.entries.iter().enumerate() {
                let key = &entry.key.text;
                let joined = |text: &str| text.split_whitespace().collect::<String>();
                let written = joined(file.slice(entry.key.span));
                assert!(written.contains(&joined(key)), "`{key}` stands where its span says");
                let _ = write!(out, "{}{key}:", if number == 0 { "" } else { " " });
                shown(file, &entry.value, out);
            }
            out.push('}');
        }
        Kind::Broken => out.push('!'),
    }
}

fn outlined(text: &str) -> String {
    let file = SourceFile::new("a.yaml", text);
    let mut out = String::new();
    if let Some(node) = outline(&file) {
        shown(&file, &node, &mut out);
    }
    out
}

fn parsed(text: &str) -> Option<String> {
    let file = SourceFile::new("a.yaml", text);
    let document = crate::parse_yaml(&file);
    if !document.diagnostics.is_empty() {
        return None;
    }
    let mut out = String::new();
    shown(&file, &document.root?, &mut out);
    Some(out)
}

fn yaml_files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder").map_while(Result::ok) {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() && name != "target" && name != ".git" {
            yaml_files(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            into.push(path);
        }
    }
}

#[test]
fn good_files_have_the_tree_that_they_have() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut paths = Vec::new();
    yaml_files(&root, &mut paths);
    let mut n_good = 0;
    for path in paths {
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        if let Some(wanted) = parsed(&text) {
            assert_eq!(outlined(&text), wanted, "{}", path.display());
            n_good += 1;
        }
    }
    assert!(n_good > 20, "only {n_good} files were compared");
}

#[test]
fn what_is_half_typed_is_taken_for_what_it_was_meant_as() {
    for (text, wanted) in [
        ("", ""),
        ("flow: a\ntrig", "{flow:a trig:~}"),
        ("fl", "fl"),
        ("flow: a\nsteps:\n  - ups\n", "{flow:a steps:[ups]}"),
        ("steps:\n  - upsert: crm.\n    set:\n      em\n    mat", "{steps:[{upsert:crm. set:em mat:~}]}"),
        ("steps:\n  - upsert: a\n    set:\n      em\n      name: x\n", "{steps:[{upsert:a set:{em:~ name:x}}]}"),
        ("steps:\n  - upsert: a\n    set:\n      name: x\n      em\n", "{steps:[{upsert:a set:{name:x em:~}}]}"),
        ("trigger: {poll: crm.\nsteps:\n  - skip: x\n", "{trigger:{poll:crm.} steps:[{skip:x}]}"),
        ("a: {b: [1, 2\nc: 3\n", "{a:{b:[1 2]} c:3}"),
        ("a: \"never closed\nb: 1\n", "{a:never closed b:1}"),
        ("set\n  a: 1\n", "{set:{a:1}}"),
        ("steps:\n- a: 1\n  b: 2\n- c\n", "{steps:[{a:1 b:2} c]}"),
        ("steps:\n  - a: 1\n - b: 2\nc: 3\n", "{steps:[{a:1} {b:2}] c:3}"),
        ("a:\n    b: 1\n  c: 2\nd: 3\n", "{a:{b:1 c:2} d:3}"),
        ("steps:\n  - \n  -\n", "{steps:[~ ~]}"),
        ("a: ${ x ? y : z }\nb: {c: ${ d }, e: 1}\n", "{a:${ x ? y : z } b:{c:${ d } e:1}}"),
        ("steps:\n  - a: 1\n  ups\n  - b: 2\n", "{steps:[{a:1} ups {b:2}]}"),
        ("steps:\n  - a: 1\n  skip: x\n  - b: 2\nc: 3\n", "{steps:[{a:1} {skip:x} {b:2}] c:3}"),
        ("a: }\nb: ]\n", "{a:} b:]}"),
        ("a: x # y\nb: # z\n  c: 1\n", "{a:x b:{c:1}}"),
    ] {
        assert_eq!(outlined(text), wanted, "{text}");
    }
}

#[test]
fn depth_has_an_end() {
    for text in ["[".repeat(100_000), "- ".repeat(50_000), "{a: ".repeat(50_000), nested(600), "a\n".repeat(9_000)] {
        outlined(&text);
    }
}

fn nested(n: usize) -> String {
    (0..n).map(|depth| format!("{}a\n", " ".repeat(depth))).collect::<String>() + &format!("{}b: c\n", " ".repeat(n))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_breaks_it(text in "([ab:\\-{}\\[\\]\"'#|> \\n$é,\\t]|: |- |\\n  |a: ){0,60}") {
        outlined(&text);
    }
}
