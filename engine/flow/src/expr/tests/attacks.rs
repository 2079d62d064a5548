//! Inputs that try to hang, crash or leave the engine, by the list in the security notes (R01 to R21), each with what
//! must come of it. What took Rhai's own engine down is marked.

use super::*;
use crate::expr::{Template, TextPart, code, limits};

/// On the stack that evaluating threads have at least.
fn on_a_small_stack(work: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(2 * 1024 * 1024).spawn(work).unwrap().join().unwrap();
}

#[track_caller]
fn assert_mistake(source: &str, code: &str, part: &str) {
    let found = mistake(source);
    assert_eq!(found.code, code, "{source}: {found:?}");
    assert!(found.message.contains(part), "{source}: {found:?}");
}

#[track_caller]
fn assert_failure(source: &str, part: &str) {
    let sentence = failure(source);
    assert!(sentence.contains(part), "{source}: {sentence}");
    assert!(sentence.starts_with("flows/x.yaml:14:7: "), "{sentence}");
}

#[test]
fn r01_statements_are_refused() {
    for source in [
        "loop {}",
        "while true {}",
        "for i in 0..9223372036854775807 {}",
        "fn f(x){f(x)}",
        "let x=1",
        "record.id; 5",
        "if true { let x = 1; x } else { 2 }",
        "record.tags.map(|x| { let y = 1; loop {} })",
        "record.amount += 1",
        "do { 1 } while true",
        "return 1",
        "throw 1",
        "try { 1 } catch { 2 }",
    ] {
        assert_mistake(source, code::NOT_SUPPORTED, "only expressions are allowed");
    }
}

#[test]
fn r02_padding_without_an_end() {
    // Rhai's own `pad` with an empty filler never ends.
    assert_mistake(r#"record.email.pad(60000, "")"#, code::UNKNOWN_FUNCTION, "`pad`");
    assert_failure(r#"record.email.pad_start(60000, "")"#, "one character");
    assert_failure(r#"record.email.pad_start(60000, "0")"#, "at most 1000");
    assert_failure(r#"record.email.pad_start(9223372036854775807, "0")"#, "at most 1000");
}

#[test]
fn r03_replacing_text_by_itself() {
    // Rhai's own `replace` asks for 3.9 GB, and the process is aborted.
    assert_failure(r#"record.long.replace("a", record.long)"#, "too long");
    assert_failure(r#"record.long.replace("", record.long)"#, "empty text");
    assert_failure(r#"record.long.split("a")"#, "pieces");
    assert_failure("[record.long, record.long].join(record.long)", "too large");
}

#[test]
fn r04_r05_no_sleep_and_no_exit() {
    for source in ["sleep(3600)", "sleep(3600.0)", "exit(1)", "exit()"] {
        assert_mistake(source, code::UNKNOWN_FUNCTION, "there is no function");
    }
}

#[test]
fn r06_no_currying() {
    assert!(compile("let f=|x|x; for i in 0..60 {f=f.curry(f).curry(f)}").is_err());
    for source in ["(|x| x).curry(1)", "Fn(\"len\")", "call(|x| x, 1)", "(|x| x).call(1)", "curry(|x| x, 1)"] {
        assert!(compile(source).is_err(), "{source}");
    }
}

#[test]
fn r07_callbacks_within_callbacks_are_counted() {
    // Rhai forgets the operations of callbacks.
    let deep = "record.many.map(|a| [1,2,3,4,5,6,7,8,9].map(|b| [1,2,3,4,5,6,7,8,9].map(|c| 1)))";
    assert_failure(deep, "too many operations");
    assert!(evaluate("[1..10].map(|a| [1..10].map(|b| 1))").is_ok());
}

#[test]
fn operations_are_the_same_limit_on_every_machine() {
    limits::begin(&jiff::tz::TimeZone::UTC);
    assert!(limits::count(limits::TICKS));
    assert!(!limits::count(1));
    assert!(limits::pay(1_000).is_err());
    assert_eq!(limits::noted().as_deref(), Some(limits::TOO_MUCH));
    // What one evaluation used is not held against the next.
    limits::begin(&jiff::tz::TimeZone::UTC);
    assert!(limits::count(limits::TICKS) && limits::noted().is_none());
}

#[test]
fn r08_growing_within_a_callback_ends() {
    on_a_small_stack(|| assert_failure("record.many.reduce(|so_far, x| [so_far], 1)", "too "));
    assert_failure("record.toomany.reduce(|so_far, x| [so_far], 1)", "too large to compute with");
}

#[test]
fn r09_a_long_source_is_refused_unread() {
    let cases: String = (0..16_000).map(|n| format!("{n} => {n}, ")).collect();
    assert_mistake(&format!("switch 1 {{ {cases} }}"), code::TOO_LONG, "too long");
}

#[test]
fn r10_deep_nesting_is_refused() {
    on_a_small_stack(|| {
        for part in ["(", "!", "[", "#{a:", "|x|", "-", "not(", "if true {", "`${"] {
            // As much as the length allows, and far more than it allows.
            for n in [4_000 / part.len(), 100_000] {
                assert!(compile(&part.repeat(n)).is_err(), "{part}");
                assert!(compile(&format!("{}1", part.repeat(n))).is_err(), "{part}");
            }
        }
        for (part, n) in [("+1", 2_000), (".a", 2_000), ("?.a", 1_300), ("?? ()", 800), ("[0]", 1_300), ("==1", 1_300)]
        {
            for n in [n, 100_000] {
                let _ = evaluate(&format!("record{}", part.repeat(n)));
            }
        }
        assert_mistake(&format!("{}1{}", "(".repeat(500), ")".repeat(500)), code::TOO_LONG, "maximum complexity");
    });
}

#[test]
fn r11_map_keys_of_a_megabyte_cannot_be_made() {
    for body in ["{ m[x] = 1; m }", "{ m[x] = 1 }", "m[x] = 1", "m.x = 1", "m += #{}"] {
        let source = format!("record.tags.reduce(|m, x| {body}, #{{}})");
        assert_mistake(&source, code::NOT_SUPPORTED, "only expressions");
    }
    assert_mistake("#{}.set(record.long, 1)", code::UNKNOWN_FUNCTION, "`set`");
    assert!(failure(r#"parse_json("{\"" + record.long + record.long + "\": 1}")"#).contains("too large"));
}

#[test]
fn r12_nothing_is_read_or_run_from_elsewhere() {
    for source in ["eval(\"1\")", "import \"/etc/passwd\" as p", "import \"../../x\" as y", "export x", "a::b(1)"] {
        assert!(compile(source).is_err(), "{source}");
    }
}

#[test]
fn r13_nothing_is_printed() {
    for source in ["print(record.email)", "debug(record.email)", "record.email.print()"] {
        assert!(compile(source).is_err(), "{source}");
    }
}

#[test]
fn r14_text_cannot_be_doubled_without_end() {
    let long = "${record.long}";
    assert_failure(&format!("`{long}{long}`"), "too large");
    assert_failure("record.many.reduce(|s, x| s + s, \"aa\")", "too large");
    assert_failure("record.many.reduce(|s, x| `${s}${s}`, \"aa\")", "too large");
    assert_failure("record.many.reduce(|s, x| [s, s].join(\"\"), \"aa\")", "too large");
}

#[test]
fn r15_numbers_have_edges() {
    for source in [
        "1/0",
        "1%0",
        "-9223372036854775808/-1",
        "2**64",
        "1e308*10",
        "1.0/0.0",
        "to_int(1e308*10)",
        "9223372036854775807 + 1",
        "abs(-9223372036854775808)",
        "-(-9223372036854775807 - 1)",
        "round(0.0/0.0)",
        "[9223372036854775807, 1].sum()",
        "to_number(\"1e999\")",
        "to_number(\"inf\")",
        "to_number(\"0x1f\")",
        "from_millis(9223372036854775807)",
        "now.add_days(9223372036854775807)",
        "now.add_hours(9223372036854775807)",
        "record.renewal.add_months(1000000)",
    ] {
        failure(source);
    }
    assert!(evaluate("1<<99999").is_ok());
}

#[test]
fn r16_closures_capture_nothing() {
    assert_mistake("record.tags.map(|x| record.tags.len())", code::CAPTURE, "`record` is from outside");
    assert_mistake("record.tags.map(|x| [1].map(|y| x))", code::CAPTURE, "`x` is from outside");
    assert!(mistake("record.tags.map(|x| now)").help.unwrap().contains("where_field"));
}

#[test]
fn r17_a_large_field_spoils_no_other() {
    assert_eq!(evaluate("record.email"), Ok(Value::from("Ann@X.com")));
    for source in [
        "record.toolong.len()",
        "record.toolong == \"a\"",
        "record.toolong + \"a\"",
        "\"a\" in record.toolong",
        "`${record.toolong}`",
        "to_string(record.toolong)",
        "join_words(record.toolong, \"a\")",
        "[record.toolong].contains(\"a\")",
        "record.toolong.is_email()",
    ] {
        assert_failure(source, "the text `record.toolong` is too large to compute with (292 KB");
    }
    assert_failure("record.toomany.len()", "the list `record.toomany` is too large");
    assert_failure("record.toomany.map(|x| x)", "the list `record.toomany` is too large");
    // It can be passed on, and asked whether it is there.
    assert_eq!(evaluate("record.toolong"), Ok(Value::from("a".repeat(300_000).as_str())));
    assert_eq!(evaluate("record.toolong != () && not(is_blank(record.toolong))"), Ok(Value::Bool(true)));
}

#[test]
fn r18_a_misspelt_name_is_known_before_a_run() {
    let expression = compile("recrod.amount").unwrap();
    assert_eq!(expression.reads().roots.keys().collect::<Vec<_>>(), ["recrod"]);
    assert_failure("recrod.amount", "there is no `recrod` here");
    assert_failure("record.emial", "did you mean `email`?");
}

#[test]
fn r19_different_types_are_not_just_unequal() {
    assert_failure(
        "record.id > 5",
        "cannot compare text with number; convert first, for example `to_number(record.id)`",
    );
}

#[test]
fn r20_empty_values_are_told() {
    assert_failure("record.nope.contains(\"x\")", "there is no field `nope`");
    assert_failure("record.empty.contains(\"x\")", "was asked of an empty value; write `?.contains(…)`");
    assert_failure("record.empty > 1", "an empty value has no order");
    assert_eq!(evaluate("record.empty?.contains(\"x\")"), Ok(Value::Null));
}

#[test]
fn r21_what_a_field_contains_is_never_evaluated() {
    let wanted = "${1+1} {{7*7}} \"); loop {}";
    assert_eq!(evaluate("record.evil"), Ok(Value::from(wanted)));
    assert_eq!(evaluate("`${record.evil}`"), Ok(Value::from(wanted)));
    let part = TextPart::Expression(compile("record.evil").unwrap());
    let template = Template::Text(vec![TextPart::Literal("> ".into()), part]);
    assert_eq!(template.evaluate(&mut scope()), Ok(Value::from(format!("> {wanted}").as_str())));
}
