//! Whatever a file holds, checking it ends soon, without a panic, and within what a small machine has to spare.

use flow::Memory;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use text::{Colour, MAX_FILE_SIZE, SourceFile};

use crate::dice::Dice;
use crate::mutate::slip;
use crate::peak::{Took, alone, measured};
use crate::seeds::{Seed, house};

/// What checking one file may ask for, beside what is known of its project.
const MOST_MEMORY: usize = 64 << 20;
/// Generous, as nothing is optimised here and other programs run beside this one; what it looks for never ends.
const MOST_SECONDS: u64 = 30;

/// What is put into files beside slips: all that means something to YAML, to expressions or to terminals.
const PIECES: [&str; 44] = [
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
    ">-",
    "#",
    "&a ",
    "*a",
    "!t ",
    "%",
    "@",
    "`",
    "---\n",
    "...\n",
    "\t",
    "\\",
    "\u{0}",
    "\u{1b}[2J",
    "\u{202e}",
    "\r",
    "<<: ",
    "1e999",
    "01",
    "null",
    "${",
    "}",
    "$${",
    "(",
    ")",
    "?.",
    "??",
    "|x| ",
    "record",
    "inputs.",
    "\u{1f600}",
];

fn cases(sample: u32) -> u32 {
    if std::env::var("MILLRACE_TESTS").as_deref() == Ok("all") { sample * 20 } else { sample }
}

/// Checks a text in the place of one that is right, and shows what is said of it.
fn survives(seed: &Seed, text: &str) -> Took {
    let ((), took) = measured(|| {
        let told = seed.check(text, &mut Memory::default());
        let file = SourceFile::new(seed.path.clone(), text);
        text::render(&told, std::slice::from_ref(&file), Colour::Never);
        text::to_json(&told, &[file]);
    });
    let begin: String = text.chars().take(2_000).collect();
    assert!(took.peak < MOST_MEMORY, "{} MB for {} bytes:\n{begin}", took.peak >> 20, text.len());
    assert!(took.time.as_secs() < MOST_SECONDS, "{:?} for {} bytes:\n{begin}", took.time, text.len());
    took
}

fn run<S: Strategy>(n: u32, strategy: S, mut test: impl FnMut(S::Value)) {
    let config = Config { cases: cases(n), failure_persistence: None, ..Config::default() };
    let test = std::cell::RefCell::new(&mut test);
    let ran = TestRunner::new(config).run(&strategy, |value| {
        (test.borrow_mut())(value);
        Ok(())
    });
    let failed = ran.err().map(|failed| failed.to_string());
    assert!(failed.is_none(), "{}", failed.unwrap_or_default());
}

#[test]
fn any_bytes_do_no_harm() {
    let _alone = alone();
    let house = house();
    run(200, (0..house.seeds.len(), proptest::collection::vec(any::<u8>(), 0..2_000)), |(seed, bytes)| {
        let seed = &house.seeds[seed];
        match SourceFile::from_bytes(seed.path.clone(), &bytes) {
            Ok(file) => drop(survives(seed, &file.text)),
            Err(mistake) => drop(text::render(&[*mistake], &[], Colour::Never)),
        }
        survives(seed, &String::from_utf8_lossy(&bytes));
    });
}

#[test]
fn mutated_files_do_no_harm() {
    let _alone = alone();
    let house = house();
    let edits = proptest::collection::vec((any::<prop::sample::Index>(), 0..PIECES.len() + 8, 0..9_usize), 1..7);
    run(300, (0..house.seeds.len(), edits, any::<u64>()), |(seed, edits, chance)| {
        let seed = &house.seeds[seed];
        let mut text = seed.text.clone();
        let mut dice = Dice::of(chance);
        for (at, piece, remove) in edits {
            match PIECES.get(piece) {
                Some(piece) => {
                    let at = at.index(text.len() + 1);
                    let end = (at + remove).min(text.len());
                    if text.is_char_boundary(at) && text.is_char_boundary(end) {
                        text.replace_range(at..end, piece);
                    }
                }
                None => text = slip(&text, &mut dice).map_or(text, |slipped| slipped.text),
            }
        }
        survives(seed, &text);
    });
}

/// As large as a file may be, and made of what takes the most of a reader.
#[test]
fn the_largest_files_do_no_harm() {
    let _alone = alone();
    let house = house();
    let seed = house.seed("flows/new-customers.yaml");
    let head = "flow: x\nconnections: {crm: hubspot}\ntrigger: {poll: crm.contacts, every: 15s}\nsteps:\n";
    let room = MAX_FILE_SIZE - 1_000;
    let many = |piece: &str| piece.repeat(room / piece.len());
    let numbered = |piece: &dyn Fn(usize) -> String| {
        let mut text = String::new();
        let mut number = 0;
        while text.len() < room - 200 {
            text.push_str(&piece(number));
            number += 1;
        }
        text
    };
    let mut laughs = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..10 {
        let alias = format!("*a{}", level - 1);
        laughs.push_str(&format!("a{level}: &a{level} [{}]\n", vec![alias; 9].join(", ")));
    }
    for (name, text) in [
        ("brackets", many("[")),
        ("maps in maps", many("{a: ")),
        ("lists in lists", many("- ")),
        ("aliases of aliases", laughs),
        ("many aliases", format!("a: &a {}\nb: [{}]\n", "x".repeat(100_000), vec!["*a"; 20_000].join(", "))),
        ("documents", many("--- 1\n")),
        ("one scalar", format!("{head}  - skip: {}\n", many("x"))),
        ("one long quote", format!("{head}  - skip: \"{}\"\n", many("\\u00e9"))),
        ("unknown keys", format!("{head}  - skip: x\n{}", numbered(&|number| format!("k{number}: 1\n")))),
        ("one key again and again", format!("{head}  - skip: x\n{}", many("when: true\n"))),
        ("small steps", format!("{head}{}", many("  - skip: x\n"))),
        ("writes", format!("{head}{}", many("  - create: crm.deals\n    set: {dealname: x, amount: y}\n"))),
        ("unknown names", format!("{head}{}", many("  - skip: \"${ a }\"\n    when: b == c\n"))),
        ("unknown fields", format!("{head}{}", many("  - skip: \"${ record.emial }\"\n"))),
        ("names", format!("{head}{}", numbered(&|number| format!("  - let: {{n{number}: \"${{ record.id }}\"}}\n")))),
        ("expressions in one text", format!("{head}  - skip: \"{}\"\n", many("${ record.id }"))),
        ("open expressions", format!("{head}  - skip: \"{}\"\n", many("${`"))),
        ("one long question", format!("{head}  - skip: x\n    when: record.id{}\n", many(" == 1"))),
        ("branches in branches", {
            let deep = |depth: usize| format!("{0}- if: true\n{0}  then:\n", "  ".repeat(2 * depth + 1));
            format!("{head}{}", (0..28).map(deep).collect::<String>())
        }),
        ("indentation", (0..700).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect()),
        ("comments", format!("{head}  - skip: x\n{}", many("# x\n"))),
        ("hidden characters", many("a: \u{202e}\n")),
        ("too much of it", "x".repeat(MAX_FILE_SIZE + 1)),
        ("far too much of it", "x".repeat(20_000_000)),
    ] {
        let took = survives(seed, &text);
        eprintln!("{name}: {} MB, {} ms", took.peak >> 20, took.time.as_millis());
    }
}
