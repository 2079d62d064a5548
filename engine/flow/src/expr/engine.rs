//! The one Rhai engine. It begins empty: what an expression may call is what the helpers' table has, and nothing else.

use std::sync::LazyLock;

use rhai::{Engine, EvalAltResult, OptimizationLevel, Position};

use super::convert::TooLarge;
use super::{compare, failure, helpers, limits};

/// Words of Rhai that have no place in an expression, or would reach beyond it.
const DISABLED: [&str; 22] = [
    "eval",
    "import",
    "export",
    "loop",
    "while",
    "do",
    "fn",
    "private",
    "const",
    "try",
    "catch",
    "throw",
    "this",
    "Fn",
    "call",
    "curry",
    "print",
    "debug",
    "global",
    "is_def_fn",
    "is_def_var",
    "is_shared",
];

/// The engine. Cheap to share: it is only read.
pub(super) static ENGINE: LazyLock<Engine> = LazyLock::new(build);

fn build() -> Engine {
    let mut engine = Engine::new_raw();
    engine.set_max_operations(u64::from(limits::TICKS));
    engine.set_max_call_levels(8);
    engine.set_max_expr_depths(32, 16);
    engine.set_max_string_size(limits::TEXT);
    engine.set_max_array_size(limits::LIST);
    engine.set_max_map_size(limits::MAP);
    engine.set_max_variables(64);
    engine.set_max_functions(16);
    // Else Rhai's own comparisons win, for which text and number are just unequal.
    engine.set_fast_operators(false);
    engine.set_allow_looping(false);
    engine.set_fail_on_invalid_map_property(true);
    // Names are the flow checker's to know; and nothing may be optimised away before it has seen what is read.
    engine.set_strict_variables(false);
    engine.set_optimization_level(OptimizationLevel::None);
    for word in DISABLED {
        engine.disable_symbol(word);
    }
    engine.register_type_with_name::<jiff::civil::Date>("date");
    engine.register_type_with_name::<sdk::Timestamp>("moment");
    engine.register_type_with_name::<TooLarge>("too large a value");
    engine.on_progress(|_| if limits::count(1) { None } else { Some(().into()) });
    name_too_large_values(&mut engine);
    suggest_fields(&mut engine);
    compare::register(&mut engine);
    helpers::register(&mut engine);
    engine
}

/// No function takes a value that is too large; the failure then says which one it was.
fn name_too_large_values(engine: &mut Engine) {
    #[expect(deprecated, reason = "so marked because it may change; the version is pinned")]
    engine.on_missing_function(|_, arguments, _, _| {
        match arguments.iter().find_map(|argument| argument.read_lock::<TooLarge>()) {
            Some(large) => Err(failure::refuse(large.complaint())),
            None => Ok(None),
        }
    });
}

/// A field that a record does not have is a mistake, and mostly a misspelt one.
fn suggest_fields(engine: &mut Engine) {
    engine.on_map_missing_property(|map, property, _| {
        match text::did_you_mean_name(property, map.keys().map(|name| name.as_str())) {
            Some(meant) => {
                Err(failure::refuse(format!("there is no field `{property}` here; did you mean `{meant}`?")))
            }
            None => Err(EvalAltResult::ErrorPropertyNotFound(property.to_owned(), Position::NONE).into()),
        }
    });
}
