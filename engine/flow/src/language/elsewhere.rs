//! Words of other products, and what is written for them here.
//!
//! A word is put in for another without asking only where both mean the same for everybody who writes the other; all
//! else is said in a sentence of its own, and at most offered.

use text::{Diagnostic, Meant, Span};

/// What is written here for a word of another product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Here {
    /// A word that means the same and takes the same.
    Same(&'static str),
    /// A word that may be meant, and what is other about it.
    Like(&'static str, &'static str),
    /// Something that is no single word.
    Otherwise(&'static str),
}

impl Here {
    /// The word, where it is one.
    pub(crate) fn word(self) -> Option<&'static str> {
        match self {
            Self::Same(word) | Self::Like(word, _) => Some(word),
            Self::Otherwise(_) => None,
        }
    }

    /// The diagnostic of a word that stands at `span`, with what is written for it.
    pub(crate) fn told(self, diagnostic: Diagnostic, span: Span) -> Diagnostic {
        match self {
            Self::Same(word) => diagnostic.did_you_mean(span, Some(Meant::synonym(word))),
            Self::Like(word, sentence) => diagnostic.help(sentence).offer(span, word),
            Self::Otherwise(sentence) => diagnostic.help(sentence),
        }
    }
}

type Table = [(&'static [&'static str], Here)];

/// What a step's verb of another product is here.
pub(crate) fn verb(word: &str) -> Option<Here> {
    find(VERBS, word)
}

/// What a key of another product may be here; which keys a map takes is another question.
pub(crate) fn keys(word: &str) -> impl Iterator<Item = Here> {
    KEYS.iter().filter(move |(theirs, _)| theirs.contains(&word)).map(|(_, here)| *here)
}

/// What a word that a key chooses is here; which words it chooses from is another question.
pub(crate) fn choice(word: &str) -> Option<Here> {
    find(CHOICES, word)
}

/// What a function of another language is here.
pub(crate) fn function(name: &str) -> Option<Here> {
    find(FUNCTIONS, name)
}

fn find(table: &Table, word: &str) -> Option<Here> {
    table.iter().find(|(theirs, _)| theirs.contains(&word)).map(|(_, here)| *here)
}

use Here::{Like, Otherwise, Same};

/// Verbs that end a run or remove a record are never put in: a slip would be a run that does nothing, or too much.
static VERBS: &Table = &[
    (&["insert", "add", "new"], Same("create")),
    (&["sleep", "delay"], Same("wait")),
    (&["assign"], Same("let")),
    (
        &["save", "write", "put", "merge"],
        Like("upsert", "a record is written by `create`, `update`, or `upsert` with `match`, which does either"),
    ),
    (
        &["patch", "modify", "change"],
        Like("update", "a record is changed by `update` with its `id`, or by `upsert` with `match`"),
    ),
    (&["remove", "archive", "destroy"], Like("delete", "a record is removed by `delete` with its `id`")),
    (
        &["get", "read", "lookup", "look_up", "search", "query", "select", "fetch"],
        Like("find", "a record is looked up by `find` with `id` or `filter`, and `as` names it"),
    ),
    (
        &["foreach", "for_each", "for", "loop", "iterate", "map", "while", "repeat"],
        Like("each", "steps are done for every element of a list by `each: ${ list }` with `steps`"),
    ),
    (
        &["switch", "case", "choose", "choice", "match", "branch", "paths"],
        Like("route", "cases are told apart by `route:` with a list of `when` and `steps`, and a `default`"),
    ),
    (
        &["elif", "elseif", "elsif", "else_if"],
        Like("route", "several conditions are a `route:` with a list of `when` and `steps`"),
    ),
    (&["unless"], Like("if", "write `if: not(…)` with `then`")),
    (
        &["set_variable", "var", "vars", "variables", "const", "define", "set_fields", "edit_fields", "transform"],
        Like("let", "values are named by `let: {name: value}`"),
    ),
    (
        &["call", "invoke", "execute", "subflow", "workflow", "trigger_flow"],
        Like("run", "another flow is called by `run: its-id`, an action of a connection by `do: connection.action`"),
    ),
    (
        &["exit", "return", "end", "quit", "break", "terminate", "finish"],
        Like(
            "stop",
            "a run is ended by `stop:`, and `stop: {return: …}` gives its caller a value; `skip: why` ends it as skipped",
        ),
    ),
    (
        &["drop", "discard", "ignore", "noop", "pass", "continue"],
        Like(
            "skip",
            "a run is ended as skipped by `skip: why`; records that are not meant never start one with `filter` or `where` in the trigger",
        ),
    ),
    (&["throw", "raise", "error", "abort", "assert"], Like("fail", "a run is ended as failed by `fail: why`")),
    (
        &["http", "https", "request", "curl", "api", "rest", "post", "webhook", "url"],
        Otherwise(
            "a service is called through a connector: `do: connection.action`, with the service's manifest in `connectors/`",
        ),
    ),
    (
        &["email", "mail", "send", "send_email", "slack", "notify", "message", "sms"],
        Otherwise("messages are sent by an action of a connector: `do: connection.action`"),
    ),
    (
        &["uses", "action", "plugin", "operator", "type"],
        Otherwise("an action of a connection is done by `do: connection.action`, another flow by `run: its-id`"),
    ),
    (
        &["log", "print", "debug", "echo", "console"],
        Otherwise(
            "nothing is logged by hand: `millrace runs show` tells the values of every step; name one with `let:`",
        ),
    ),
    (
        &["script", "code", "python", "javascript", "js", "shell", "bash", "exec", "eval"],
        Otherwise(
            "values are computed by expressions, such as `let: {name: \"${ join_words(record.firstname, record.lastname) }\"}`",
        ),
    ),
    (
        &["try", "catch", "rescue"],
        Otherwise(
            "a step that may fail has `on_error: continue`; what is done after a failed run stands under the flow's `on_failure`",
        ),
    ),
    (
        &["parallel", "concurrent", "fork"],
        Otherwise("steps are done in order, and runs of different records side by side"),
    ),
];

/// The same word may stand for several keys, in different maps.
static KEYS: &Table = &[
    (&["if", "condition"], Same("when")),
    (&["then", "do", "actions"], Same("steps")),
    (&["else", "otherwise"], Same("default")),
    (&["cron"], Same("schedule")),
    (
        &["elif", "elseif", "elsif", "else_if"],
        Otherwise(
            "several conditions are a `route:` with a list of `when` and `steps`, or an `if` as the one step of `else`",
        ),
    ),
    (&["unless"], Otherwise("write `when: not(…)`")),
    (&["interval", "frequency"], Same("every")),
    (&["tz", "time_zone"], Same("timezone")),
    (&["where"], Like("filter", "a `filter` is a map such as `{email: \"${ record.email }\"}`")),
    (
        &["values", "data", "properties", "fields", "payload", "columns"],
        Like("set", "what is written stands under `set`"),
    ),
    (
        &["args", "arguments", "params", "parameters", "input", "inputs", "with_items"],
        Like("with", "what it is given stands under `with`"),
    ),
    (&["key", "on", "by", "unique", "conflict"], Like("match", "the field by which a record is found is `match`")),
    (&["output", "result", "into", "register", "save_as"], Same("as")),
    (&["retries", "max_retries"], Like("retry", "attempts are counted by `retry: {attempts: 3}`")),
    (&["continue_on_error", "ignore_errors"], Like("on_error", "write `on_error: continue`")),
    (&["or"], Like("any", "one of several filters holds with `any: [{…}, {…}]`")),
    (&["and"], Like("all", "several filters hold with `all: [{…}, {…}]`")),
    (&["equals", "equal", "is", "=="], Same("eq")),
    (&["ne", "neq", "not_equals", "!="], Same("not")),
    (&["greater_than", ">"], Same("gt")),
    (&["less_than", "<"], Same("lt")),
    (&[">="], Same("gte")),
    (&["<="], Same("lte")),
];

static CHOICES: &Table = &[
    (&["string", "str", "varchar"], Same("text")),
    (&["int", "integer", "float", "double", "decimal"], Same("number")),
    (&["bool"], Same("boolean")),
    (&["datetime", "timestamp"], Same("moment")),
    (&["enum", "select", "dropdown"], Same("choice")),
    (
        &["array"],
        Otherwise(
            "a list that a template is given is an `object`, `rules` or `mapping`; a `list` is one that the service keeps",
        ),
    ),
    (&["created", "create"], Same("new")),
    (
        &["updated", "update", "changed", "any", "all"],
        Like("new_or_updated", "`new_or_updated` starts a run for each new record, and for each later version of it"),
    ),
    (&["deleted", "delete"], Like("archived", "`archived` starts a run for each record that is archived")),
];

static FUNCTIONS: &Table = &[
    (&["lower", "lowercase", "toLowerCase", "downcase", "make_lower"], Same("to_lower")),
    (&["upper", "uppercase", "toUpperCase", "upcase", "make_upper"], Same("to_upper")),
    (&["strip"], Same("trim")),
    (&["includes", "has"], Same("contains")),
    (&["startsWith", "startswith"], Same("starts_with")),
    (&["endsWith", "endswith"], Same("ends_with")),
    (&["length", "lenght", "size", "count"], Same("len")),
    (&["indexOf", "find_index"], Same("index_of")),
    (
        &["substring", "substr", "slice", "mid"],
        Like("sub_string", "`text.sub_string(start, len)` takes where it begins, from 0, and how many characters"),
    ),
    (&["any"], Same("some")),
    (&["every"], Same("all")),
    (
        &["each", "forEach", "for_each"],
        Like("map", "`list.map(|x| …)` gives a value for every element; steps for every element are an `each:` step"),
    ),
    (
        &["concat", "concatenate"],
        Otherwise(
            "texts are joined by `+`, by `join_words(a, b)`, or by standing beside each other: `${ a }-${ b }`; `join` joins a list",
        ),
    ),
    (
        &["int", "parse_int", "parseInt", "toInt", "integer"],
        Like("to_int", "`to_int(number)` drops a number's fraction; a text is made a number by `to_number`"),
    ),
    (&["float", "parse_float", "parseFloat", "toFloat", "number", "Number", "decimal"], Same("to_number")),
    (&["str", "toString", "text", "String", "string"], Same("to_string")),
    (&["isEmpty", "is_empty", "blank", "empty"], Same("is_blank")),
    (
        &["coalesce", "ifnull", "nvl", "default", "if_empty", "ifempty"],
        Otherwise("the first of two values that is there is `a ?? b`"),
    ),
    (&["floor_div"], Like("floor", "write `floor(a / b)`")),
    (&["to_iso", "isoformat", "toISOString"], Same("to_string")),
    (&["dedup", "uniq", "distinct"], Same("unique")),
    (
        &["formatDate", "format_date", "strftime", "date_format"],
        Like("format", "`format(day, \"%Y-%m-%d\")` takes a date or moment and a pattern"),
    ),
    (&["now", "utcnow"], Otherwise("the moment of the run is `now`, without parentheses")),
    (&["today", "current_date", "curdate"], Otherwise("today is `date(now)`")),
    (
        &["env", "getenv"],
        Otherwise("what the environment holds is given to connections, in `connections.yaml`: `${ env.NAME }`"),
    ),
    (&["print", "log"], Otherwise("nothing is logged by hand: `millrace runs show` tells the values of every step")),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::expr;
    use crate::language::StepVerb;

    #[test]
    fn words_of_others_are_none_of_ours_and_lead_to_words_that_exist() {
        let verbs: BTreeSet<&str> = StepVerb::ALL.into_iter().map(StepVerb::word).collect();
        let functions: BTreeSet<&str> =
            expr::helpers::GROUPS.iter().flat_map(|group| group.helpers).map(|helper| helper.name).collect();
        for (table, ours) in [(VERBS, &verbs), (FUNCTIONS, &functions)] {
            let mut seen = BTreeSet::new();
            for (theirs, here) in table {
                assert!(here.word().is_none_or(|word| ours.contains(word)), "{here:?}");
                for word in *theirs {
                    assert!(!ours.contains(word) && seen.insert(*word), "{word}");
                }
            }
        }
    }

    #[test]
    fn what_ends_a_run_or_removes_a_record_is_never_put_in() {
        let endings = ["stop", "skip", "fail", "delete"];
        for (theirs, here) in VERBS {
            assert!(!matches!(here, Same(word) if endings.contains(word)), "{theirs:?}");
        }
    }
}
