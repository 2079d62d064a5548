use std::time::Instant;

use proptest::prelude::*;

use super::*;
use crate::node::{Kind, Map};
use crate::{Colour, render, to_json};

fn read_text(text: &str) -> Document {
    parse_yaml(&SourceFile::new("a.yaml", text))
}

fn map(text: &str) -> Map {
    let document = read_text(text);
    assert_eq!(document.diagnostics, [], "{text}");
    match document.root.map(|root| root.kind) {
        Some(Kind::Map(map)) => map,
        other => panic!("{text}: {other:?}"),
    }
}

/// The codes found, with the text that each first label covers.
fn mistakes(text: &str) -> Vec<(&'static str, String)> {
    let file = SourceFile::new("a.yaml", text);
    let found = parse_yaml(&file).diagnostics;
    found.iter().map(|one| (one.code, file.slice(one.labels[0].span).to_owned())).collect()
}

fn codes_of(text: &str) -> Vec<&'static str> {
    mistakes(text).into_iter().map(|(code, _)| code).collect()
}

#[test]
fn every_key_and_value_has_its_place() {
    let text = "a: 1\nb: [x, {c: 'd e', f: }]\ng:\n  - h: |\n      one\n      two\n    i: \"q\"\n  - ~\nj: plain text # note\n";
    let file = SourceFile::new("a.yaml", text);
    let mut seen = Vec::new();
    fn walk(file: &SourceFile, node: &Node, seen: &mut Vec<String>) {
        match &node.kind {
            Kind::List(items) => items.iter().for_each(|item| walk(file, item, seen)),
            Kind::Map(map) => {
                for entry in &map.entries {
                    assert_eq!(file.slice(entry.key.span), entry.key.text);
                    walk(file, &entry.value, seen);
                }
            }
            _ => seen.push(file.slice(node.span).to_owned()),
        }
    }
    let root = parse_yaml(&file).root.unwrap();
    walk(&file, &root, &mut seen);
    assert_eq!(seen[..4], ["1", "x", "'d e'", ""]);
    assert_eq!(seen[4], "one\n      two");
    assert_eq!(seen[5..], ["\"q\"", "~", "plain text"]);
    let Kind::Map(map) = root.kind else { panic!() };
    assert_eq!(file.slice(map.get("b").unwrap().value.span), "[x, {c: 'd e', f: }]");
    assert_eq!(file.slice(map.get("g").unwrap().value.span).lines().count(), 5);
}

#[test]
fn a_place_inside_of_text_is_found_in_the_file() {
    let text = concat!(
        "plain: ab ${ record.x }\n",
        "single: 'it''s ${ x }'\n",
        "double: \"a \\\"b\\\" ${ x }\\n\"\n",
        "unicode: \"\\u00e9 ${ x }\"\n",
        "folded: one\n  two ${ x }\n",
        "block: |\n    a\n    é ${ x }\n",
        "fold: >-\n    a\n    b ${ x }\n",
    );
    let file = SourceFile::new("a.yaml", text);
    let map = map(text);
    for (key, exact) in [
        ("plain", true),
        ("single", true),
        ("double", true),
        ("unicode", false),
        ("folded", true),
        ("block", true),
        ("fold", true),
    ] {
        let node = &map.get(key).unwrap().value;
        let start = node.as_text().unwrap().find("${").unwrap();
        let span = node.span_in_text(&file, start, start + 2);
        if exact {
            assert_eq!(file.slice(span), "${", "{key}");
        } else {
            assert_eq!(span, node.span, "{key}");
        }
    }
    let node = &map.get("plain").unwrap().value;
    assert_eq!(node.position_in_text(&file, 3).column, 11);
}

#[test]
fn scalars_in_files() {
    let map = map("country: NO\non: yes\nv: 1.10\nz: null\ne:\nq: '01432'\nd: 2026-01-02\n");
    assert_eq!(map.get("country").unwrap().value.as_text(), Some("NO"));
    assert_eq!(map.get("on").unwrap().value.as_text(), Some("yes"));
    assert_eq!(map.get("v").unwrap().value.kind, Kind::Float(1.1));
    assert_eq!(map.get("z").unwrap().value.kind, Kind::Null);
    assert_eq!(map.get("e").unwrap().value.kind, Kind::Null);
    assert_eq!(map.get("q").unwrap().value.as_text(), Some("01432"));
    assert_eq!(map.get("d").unwrap().value.as_text(), Some("2026-01-02"));
}

#[test]
fn empty_files_say_so() {
    for text in ["", "\n\n", "# nothing\n", "---\n", "null", "\u{feff}"] {
        assert_eq!(codes_of(text), [codes::EMPTY], "{text:?}");
    }
}

// The attacks Y01 to Y10; each must be an error, and quickly.

#[test]
fn y01_y02_alias_bombs() {
    let mut laughs = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..10 {
        let alias = format!("*a{}", level - 1);
        laughs.push_str(&format!("a{level}: &a{level} [{}]\n", vec![alias; 9].join(", ")));
    }
    let many = format!("a: &a {}\nb: [{}]\n", "x".repeat(100_000), vec!["*a"; 20_000].join(", "));
    for text in [laughs, many] {
        let codes = within_a_second(&text);
        assert!(!codes.is_empty() && codes.iter().all(|code| *code == codes::ANCHOR), "{codes:?}");
    }
}

#[test]
fn y03_depth() {
    let blocks: String = (0..400).map(|level| format!("{}a:\n", " ".repeat(level))).collect();
    for text in ["[".repeat(100_000), "{a: ".repeat(50_000), blocks, "- ".repeat(5_000)] {
        let codes = within_a_second(&text);
        assert_eq!(codes, [codes::TOO_DEEP], "{}", &text[..20]);
    }
    let just_right = format!("{}{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH));
    assert_eq!(codes_of(&just_right), [""; 0]);
}

#[test]
fn y04_duplicate_keys_name_both_lines() {
    let text = "steps: 1\nflow: x\nsteps: 2\n";
    let document = read_text(text);
    let [duplicate] = &document.diagnostics[..] else { panic!("{:?}", document.diagnostics) };
    assert_eq!(duplicate.code, codes::DUPLICATE_KEY);
    assert!(duplicate.message.contains("line 1"));
    assert_eq!((duplicate.labels[0].span.start, duplicate.labels[1].span.start), (17, 0));
    assert_eq!(codes_of("{a: 1, 'a': 2}"), [codes::DUPLICATE_KEY]);
}

#[test]
fn y05_keys_are_text() {
    let list_key = mistakes("? [1, 2]\n: x\nb: 2\n");
    assert_eq!(list_key, [(codes::KEY_NOT_TEXT, "[1, 2]".to_owned())]);
    for key in ["1", "1.5", "true", "null", "~"] {
        assert_eq!(mistakes(&format!("{key}: x")), [(codes::KEY_NOT_TEXT, key.to_owned())]);
    }
    assert_eq!(codes_of("{a: b}: c"), [codes::KEY_NOT_TEXT]);
    assert_eq!(codes_of("01: c"), [codes::AMBIGUOUS_NUMBER]);
    assert_eq!(codes_of(": c"), [codes::KEY_NOT_TEXT]);
}

#[test]
fn a_tab_is_shown_where_it_stands() {
    // The parser notices it anywhere between the value before it and the word after it.
    assert_eq!(mistakes("a:\n  b: 1\n\tc: 2\n"), [(codes::SYNTAX, "\t".to_owned())]);
}

#[test]
fn y06_anchors_aliases_and_merge_keys() {
    assert_eq!(codes_of("a: &x {b: 1}\nc:\n  <<: *x\n"), [codes::ANCHOR; 3]);
    assert_eq!(mistakes("a: &x 1"), [(codes::ANCHOR, "&x".to_owned())]);
    assert_eq!(mistakes("every: */15 * * * *")[0], (codes::ANCHOR, "*/15".to_owned()));
}

#[test]
fn y07_tags() {
    for (text, tag) in [
        ("a: !!python/object/apply:os.system ['id']", "!!python/object/apply:os.system ['id']"),
        ("a: !foo x", "!foo x"),
        ("a: !!binary aGk=", "!!binary aGk="),
        ("a: !!map {b: c}", "!!map {b: c}"),
        ("a: !record.vip", "!record.vip"),
        ("a: !e!x y", "!e!x y"),
        ("a: ! x", "! x"),
    ] {
        assert_eq!(mistakes(text), [(codes::TAG, tag.to_owned())], "{text}");
    }
    assert!(codes_of("%TAG ! tag:x,2000:\n--- !x y").contains(&codes::DIRECTIVE));
}

#[test]
fn y08_sizes_and_encodings() {
    for size in [MAX_FILE_SIZE + 1, 20_000_000] {
        assert_eq!(codes_of(&"x".repeat(size)), [codes::TOO_LARGE]);
    }
    assert_eq!(codes_of(&"x".repeat(MAX_FILE_SIZE)), [""; 0]);
    for text in
        ["a: \0", "a: \u{1b}[31m", "a: \u{202e}evil", "a: b\rc: d", "a: \u{feff}", "\"a\\e\": 1", "\"a\\u202e\": 1"]
    {
        assert_eq!(codes_of(text), [codes::CONTROL_CHARACTER], "{text:?}");
    }
    assert_eq!(codes_of("\u{feff}a: 1"), [""; 0]);
}

#[test]
fn y09_numbers_that_would_be_damaged() {
    assert_eq!(codes_of("country: NO"), [""; 0]);
    for text in ["v: 012", "t: 1_000", "p: +491512345678"] {
        assert_eq!(codes_of(text), [codes::AMBIGUOUS_NUMBER], "{text}");
    }
    for text in ["f: .inf", "b: 1e999", "i: 12345678901234567890123456"] {
        assert_eq!(codes_of(text), [codes::NUMBER_OUT_OF_RANGE], "{text}");
    }
}

#[test]
fn y10_documents_and_loops() {
    assert_eq!(within_a_second(&"--- 1\n".repeat(40_000)), [codes::SEVERAL_DOCUMENTS]);
    assert_eq!(codes_of("&a [*a]"), [codes::ANCHOR; 2]);
    assert_eq!(codes_of("a: *unknown"), [codes::ANCHOR]);
}

#[test]
fn a_comment_behind_a_value_is_not_put_into_its_quotes() {
    // It became a part of the text, and `check --fix` took that for mended.
    for (text, wanted) in [
        ("a: one: two  # why\n", "a: 'one: two'  # why\n"),
        ("a: \"Big\" ones # why\n", "a: '\"Big\" ones' # why\n"),
        ("a: !b # why\n", "a: '!b' # why\n"),
        ("a: it's: so # why\n", "a: \"it's: so\" # why\n"),
        ("a: !b # why # twice\n", "a: '!b' # why # twice\n"),
        // What stands in quotes was hardly meant as a comment.
        ("a: !b == \"x #1\"\n", "a: '!b == \"x #1\"'\n"),
        ("a: x#1: y\n", "a: 'x#1: y'\n"),
    ] {
        let check = |files: &[SourceFile]| parse_yaml(&files[0]).diagnostics;
        let mended = crate::mend(vec![SourceFile::new("a.yaml", text)], check);
        assert_eq!((&*mended.files[0].text, mended.left.len()), (wanted, 0), "{text}");
    }
}

#[test]
fn syntax_is_explained() {
    for (text, code, part) in [
        ("when: \"a\" == record.x\n", codes::AFTER_QUOTE, "'\"a\" == record.x'"),
        ("when: a ? b : c\n", codes::COLON_IN_VALUE, "'a ? b : c'"),
        ("a: b\n\tc: d\n", codes::SYNTAX, "spaces"),
        ("a: 'x\nb: 1\n", codes::SYNTAX, "quote"),
        ("a: [1, 2\nb: 3\n", codes::SYNTAX, ""),
        ("a: 1\n b: 2\n", codes::SYNTAX, ""),
        ("a: @x\n", codes::SYNTAX, "quotes"),
        ("flow x\ntrigger: y\n", codes::SYNTAX, "colon"),
        ("# x\n  a: 1\nb: 2\n", codes::SYNTAX, "the first key is indented"),
        ("a: \"\\q\"\n", codes::SYNTAX, "escape"),
    ] {
        let found = read_text(text).diagnostics;
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        let said = format!("{} {}", found[0].message, found[0].help.clone().unwrap_or_default());
        assert_eq!(found[0].code, code, "{text}: {said}");
        assert!(said.contains(part), "{text}: {said}");
    }
}

#[test]
fn one_mistake_does_not_hide_the_next() {
    let text = "a: 01\nb: !x y\na: 2\n3: c\nd: &e f\n";
    let wanted = [codes::AMBIGUOUS_NUMBER, codes::TAG, codes::DUPLICATE_KEY, codes::KEY_NOT_TEXT, codes::ANCHOR];
    assert_eq!(codes_of(text), wanted);
    let keys: Vec<_> = match read_text(text).root.unwrap().kind {
        Kind::Map(map) => map.entries.into_iter().map(|entry| entry.key.text).collect(),
        _ => panic!(),
    };
    assert_eq!(keys, ["a", "b", "d"]);
}

#[expect(clippy::disallowed_methods, reason = "the test is about time")]
fn within_a_second(text: &str) -> Vec<&'static str> {
    let start = Instant::now();
    let codes = codes_of(text);
    assert!(start.elapsed().as_millis() < 1_000, "took {:?}", start.elapsed());
    codes
}

/// Whatever a file holds, it is read to an end, and what is said of it can be shown.
fn survives(text: &str) {
    let file = SourceFile::new("a.yaml", text);
    let document = parse_yaml(&file);
    if document.root.is_none() {
        assert!(!document.diagnostics.is_empty());
    }
    if let Some(root) = &document.root {
        check_spans(&file, root);
    }
    let shown = render(&document.diagnostics, std::slice::from_ref(&file), Colour::Never);
    assert!(!shown.contains(|character: char| is_hidden(character) && character != '\n'), "{shown:?}");
    to_json(&document.diagnostics, &[file]);
}

fn check_spans(file: &SourceFile, node: &Node) {
    assert!(node.span.start <= node.span.end && node.span.end <= file.text.len());
    match &node.kind {
        Kind::Text(text) => {
            for offset in (0..=text.value.len()).filter(|offset| text.value.is_char_boundary(*offset)) {
                let span = node.span_in_text(file, offset, text.value.len());
                assert!(
                    span.start >= node.span.start && span.end <= node.span.end.max(span.start),
                    "{node:?} {span:?}"
                );
            }
        }
        Kind::List(items) => items.iter().for_each(|item| check_spans(file, item)),
        Kind::Map(map) => map.entries.iter().for_each(|entry| check_spans(file, &entry.value)),
        Kind::Null | Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) | Kind::Broken => {}
    }
}

const FLOW: &str = "flow: a\ntrigger:\n  poll: crm.contacts\n  every: 15s\n  filter: {a: [1, \"x\", 'y''z']}\nsteps:\n  - upsert: b.c\n    set:\n      n: ${ record.x } # c\n      long: |\n        one\n        two\n      fold: >-\n        a\n        b\n";
const PIECES: &[&str] = &[
    "\n",
    "  ",
    "- ",
    ": ",
    "? ",
    "{",
    "}",
    "[",
    "]",
    ",",
    "\"",
    "'",
    "|",
    ">",
    "|-2",
    "#",
    "&a ",
    "*a",
    "!t ",
    "!!",
    "%",
    "@",
    "`",
    "---\n",
    "...\n",
    "\t",
    "\\",
    "\\u00",
    "é",
    "\u{1f600}",
    "\u{0}",
    "\u{1b}",
    "\u{202e}",
    "\r",
    "\r\n",
    "<<: ",
    "null",
    "1e999",
    "01",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        match SourceFile::from_bytes("a.yaml", &bytes) {
            Ok(file) => survives(&file.text),
            Err(error) => { render(&[*error], &[], Colour::Never); }
        }
    }

    #[test]
    fn random_yaml_words_do_no_harm(picks in proptest::collection::vec(0..PIECES.len() + 4, 0..60)) {
        let text: String = picks.iter().map(|pick| PIECES.get(*pick).copied().unwrap_or("a")).collect();
        survives(&text);
    }

    #[test]
    fn mutated_flows_do_no_harm(edits in proptest::collection::vec((0..FLOW.len(), 0..PIECES.len(), 0..4_usize), 1..6)) {
        let mut text = FLOW.to_owned();
        for (at, piece, remove) in edits {
            let at = at.min(text.len());
            let end = (at + remove).min(text.len());
            if text.is_char_boundary(at) && text.is_char_boundary(end) {
                text.replace_range(at..end, PIECES[piece]);
            }
        }
        survives(&text);
    }
}

#[test]
fn a_conflict_is_told_by_its_name_and_nothing_else_of_the_file_is() {
    let text = "a: 1\n<<<<<<< HEAD\nb: 2\n=======\nb: [\n>>>>>>> other\nc: 3\r\n<<<<<<<\r\n||||||| base\r\n=======\n>>>>>>> x\n";
    let told = mistakes(text);
    assert_eq!(told, [(codes::CONFLICT, "<<<<<<< HEAD".to_owned()), (codes::CONFLICT, "<<<<<<<".to_owned())]);
    assert_eq!(mistakes("a: 1\n=======\nb: 2\n>>>>>>> other\n"), [(codes::CONFLICT, "=======".to_owned())]);
    for fine in
        ["a: |\n  <<<<<<< HEAD\n  =======\n", "a: \"x ======= y\"\n", "# =======\na: <<<<<<<<b\n", "========: 1\n"]
    {
        assert_eq!(mistakes(fine), [], "{fine}");
    }
}
