//! What expressions may take up: every function on the largest values that records bring, one call at a time.

use flow::expr::helpers;
use flow::{Expression, Flow, Memory, Scope};
use millrace::assemble::Understood;
use sdk::{Fields, Record, RunId, Timestamp, Value};

use crate::dice::Dice;
use crate::peak::{alone, measured};
use crate::seeds::house;

/// What one call may ask for: its answer may be as large as a value may be, and be made of copies of its arguments.
const MOST_MEMORY: usize = 16 << 20;
/// Generous, as nothing is optimised here and other programs run beside this one.
const MOST_SECONDS: u64 = 10;

/// The largest values, and what functions are asked to do with them.
const VALUES: [&str; 16] = [
    "record.long",
    "record.wide",
    "record.many",
    "record.words",
    "record.maps",
    "record.toolong",
    "record.toomany",
    "record",
    "\"\"",
    "\"a\"",
    "\", \"",
    "9223372036854775807",
    "1000",
    "|x| x",
    "|x| [x, x, x, x]",
    "|so_far, x| [so_far, x]",
];

#[test]
fn no_call_takes_more_memory_than_there_is() {
    let _alone = alone();
    let is_all = std::env::var("MILLRACE_TESTS").as_deref() == Ok("all");
    let mut dice = Dice::of(7);
    let flow = polling();
    let mut scope = Scope::new(&flow, &record(), RunId(uuid::Uuid::nil()), Timestamp::from_millis(1_767_225_600_000));
    let mut functions: Vec<&str> = helpers::all().map(|helper| helper.name).collect();
    functions.dedup();
    for name in functions {
        for n in 1..=4_usize {
            let n_calls = if is_all { VALUES.len().pow(n.min(2) as u32) * 4 } else { 16 };
            for call in 0..n_calls {
                let arguments: Vec<&str> = (0..n).map(|_| *dice.one(&VALUES)).collect();
                let source = match call % 2 {
                    0 => format!("({}).{name}({})", arguments[0], arguments[1..].join(", ")),
                    _ => format!("{name}({})", arguments.join(", ")),
                };
                within_limits(&source, &mut scope);
            }
        }
    }
    for source in [
        "record.long.replace(\"a\", record.long)",
        "record.many.map(|x| [x].map(|y| [y].map(|z| [z, z])))",
        "record.many.reduce(|so_far, x| [so_far, so_far], 1)",
        "record.many.reduce(|so_far, x| so_far + so_far, \"aa\")",
        "`${record.long}${record.long}${record.long}`",
        "[record.many, record.many, record.many].flatten()",
        "[record.long, record.long, record.long].join(record.long)",
        "to_json([record, record, record, record])",
        "parse_json(\"[\" + record.wide + \"]\")",
    ] {
        within_limits(source, &mut scope);
    }
}

#[track_caller]
fn within_limits(source: &str, scope: &mut Scope) {
    let place = flow::expr::Place { file: "flows/x.yaml".into(), line: 1, column: 1 };
    let (_, took) = measured(|| Expression::compile(source, &place).map(|expression| expression.evaluate(scope)));
    assert!(took.peak < MOST_MEMORY, "{source} took {} MB", took.peak >> 20);
    assert!(took.time.as_secs() < MOST_SECONDS, "{source} took {:?}", took.time);
}

/// A record whose fields are as large as expressions take them, and some that are larger.
fn record() -> Record {
    let list = |n: i64| Value::List((0..n).map(Value::Int).collect());
    let word = |n: usize| Value::from(format!("the word {n} of this list").as_str());
    let map = |n: usize| Value::Map(Fields::from([("n".into(), word(n)), ("text".into(), word(n + 1))]));
    Record {
        id: "17".into(),
        created: None,
        modified: Timestamp::from_millis(1_767_225_600_000),
        fields: Fields::from([
            ("long".into(), Value::from("a".repeat(60_000).as_str())),
            ("wide".into(), Value::from("é,ß😀 ".repeat(5_000).as_str())),
            ("many".into(), list(1_999)),
            ("words".into(), Value::List((0..1_999).map(word).collect())),
            ("maps".into(), Value::List((0..1_000).map(map).collect())),
            ("toolong".into(), Value::from("a".repeat(300_000).as_str())),
            ("toomany".into(), list(20_000)),
        ]),
    }
}

/// A flow that gets records.
fn polling() -> Flow {
    let house = house();
    let files = &house.seed("flows/new-customers.yaml").project.files;
    let understood = Understood::of(files);
    let checked = understood.check_remembered(&files.dir, &files.schemas, &mut Memory::default());
    let polls = checked.flows.iter().find(|flow| flow.id.as_str() == "new-customers");
    Flow::clone(polls.expect("it is right"))
}
