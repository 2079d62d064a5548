//! Every kind of mistake that checking finds, with its code, its name and what to know about it.
//!
//! F00xx is YAML itself (the table of `text`), F01xx the shape of documents, F02xx what connections have, F03xx
//! expressions, F04xx names, F05xx templates, F06xx a project's own files.

use text::Code;

/// What is known of a code, from whichever table it is in.
pub fn find(code: &str) -> Option<&'static Code> {
    all().find(|known| known.code == code)
}

/// Every code, in order.
pub fn all() -> impl Iterator<Item = &'static Code> {
    text::codes::TABLE.iter().chain(TABLE)
}

text::codes! {
    UNKNOWN_DOCUMENT = "F0101", "unknown-document",
        "The first key of a document says what it is, and this one is no kind of document. A flow begins with `flow:` and its id.";
    UNKNOWN_KEY = "F0102", "unknown-key",
        "The key means nothing here. It is a mistake rather than ignored, because a key with a slip of the pen would otherwise silently do nothing.";
    NOT_YET = "F0103", "not-yet",
        "The key or word is part of the language, but this version does not run it. Nothing of the kind is ignored: a flow that uses it is not run at all.";
    MISSING_KEY = "F0104", "missing-key",
        "A key that must be here is not. The message names it and shows what it may look like.";
    WRONG_TYPE = "F0105", "wrong-type",
        "The value is of another kind than this key takes: a list where text is wanted, or a number where a duration is.";
    WRONG_VALUE = "F0106", "wrong-value",
        "The value is of the right kind but none that this key takes. The message says which there are.";
    BAD_ID = "F0107", "bad-id",
        "Ids of flows and connections are lower-case letters, digits and hyphens, begin with a letter, and have at most 64 characters. They name files and rows, so nothing else is allowed in them.";
    DUPLICATE_FLOW = "F0108", "duplicate-flow",
        "Two files define a flow of the same id. Its cursor and its history would belong to both, so neither is used.";
    VERB = "F0109", "verb",
        "A step has exactly one verb: the key that says what it does, such as `upsert: warehouse.customers`. Two things to do are two steps.";
    MISSING_INTERVAL = "F0110", "missing-interval",
        "A poll says how often it looks, because every look is a call that counts against the account's daily quota. 15s are 5,760 calls a day, 5m are 288, 1h are 24.";
    SHORT_INTERVAL = "F0111", "short-interval",
        "The connector does not allow looking that often; its service would refuse the calls or bill for them. Addresses on this machine are excepted.";
    STEP_NAME_TAKEN = "F0112", "step-name-taken",
        "Two steps have the same name. A step's name is part of the identity of what it writes, so give one of them a `name` that will stay.";
    BAD_NAME = "F0113", "bad-name",
        "Names made in a flow are lower-case letters, digits and underscores, begin with a letter, and are none of the words that expressions reserve.";
    MISPLACED_KEY = "F0114", "misplaced-key",
        "The key is part of the language and belongs somewhere else: to another kind of trigger, or beside a key that is not here. The message says where.";
    TWO_TRIGGERS = "F0115", "two-triggers",
        "A flow's runs are started by one thing: a poll, a schedule or a caller. What several of them should start is a flow with `manual`, which the others call by `run`.";
    BAD_SCHEDULE = "F0116", "bad-schedule",
        "`schedule` takes a cron expression of five fields: minute, hour, day of the month, month, day of the week. It is read in the flow's time zone. An interval is written as `every`.";
    NEVER_FIRES = "F0117", "never-fires",
        "The cron expression names only days that no calendar has, such as the 30th of February. The flow would wait for ever without anybody noticing.";
    INTERVAL_ORDER = "F0118", "interval-order",
        "A poll with `every: {min, max}` looks after `min` where it has just found something, and less and less often while it finds nothing, at most `max` apart. So `min` is the shorter of the two.";
    BAD_INPUT = "F0119", "bad-input",
        "What the input says of itself cannot be: options of something that is no choice, a choice without options, or a default of something that must be given.";
    NOT_ON_FAILURE = "F0120", "not-on-failure",
        "The steps of `on_failure` are taken when the run has failed already. They can tell somebody or tidy up, but no longer end the run in another way.";
    PAIR_WITHOUT_COLON = "F0121", "pair-without-colon",
        "In YAML, a colon and a space stand between a key and its value. With an arrow, an equals sign, or a colon without the space, the two become one text.";

    UNKNOWN_CONNECTION = "F0201", "unknown-connection",
        "No connection of this name is configured in `connections.yaml`.";
    UNKNOWN_OBJECT = "F0202", "unknown-object",
        "The connection has no object of this name. What there is was asked of the service itself.";
    UNKNOWN_FIELD = "F0203", "unknown-field",
        "The object has no field of this name. The fields are those that the service reported, by their internal names.";
    WRONG_CONNECTOR = "F0204", "wrong-connector",
        "The flow says which connector a connection must be of, and the configured connection is of another.";
    READ_ONLY_FIELD = "F0205", "read-only-field",
        "The service calculates or keeps this field itself and refuses writes to it.";
    MISSING_FIELD = "F0206", "missing-required-field",
        "The service makes no record without this field. For an upsert it is a warning: it works as long as the record exists already.";
    UNKNOWN_OPTION = "F0207", "unknown-option",
        "The field takes one of a fixed set of options, and this is none of them. Both an option's label and its internal value may be written.";
    MATCH_NOT_UNIQUE = "F0208", "match-not-unique",
        "The service does not keep the matched field unique, so several records may have the same value. Each upsert then looks first and writes afterwards, under a lock on that value; where it finds several, it does what `ambiguous` says.";
    MATCH_NOT_SET = "F0209", "match-not-set",
        "An upsert finds its record by the value that it sets for the matched field, so the step must set it.";
    UNKNOWN_STAMP = "F0210", "unknown-stamp",
        "A poll reads what is new by a field that stamps records, and none is known for this object. Name the column with `by`.";
    FIELD_NOT_LISTED = "F0211", "field-not-listed",
        "The flow reads a field that its explicit `fields` leaves out; it would always be empty. Add it, or remove `fields` and let it be found.";
    FIELDS_UNKNOWN = "F0212", "fields-unknown",
        "The fields to read are found in the expressions. Where a record is used as a whole, or with a computed key, they cannot be, and must be listed with `fields`.";
    WRONG_FIELD_TYPE = "F0213", "wrong-field-type",
        "The value can never be one of this field: its type is another. A comparison would always be false, and a write would be refused.";
    UNDECLARED_CONNECTION = "F0214", "undeclared-connection",
        "The flow uses a connection that its `connections` does not list. It works here; elsewhere, nobody would know which connector it must be of.";

    UNKNOWN_ACTION = "F0215", "unknown-action",
        "The connection's connector declares no action of this name. Creating, updating, finding and deleting records are verbs of their own.";
    UNKNOWN_INPUT = "F0216", "unknown-input",
        "What is called takes no input of this name. It is a mistake rather than ignored, because an input with a slip of the pen would otherwise silently not be given.";
    MISSING_INPUT = "F0217", "missing-input",
        "What is called does not work without this input, so it must be given under `with`.";
    NOT_ARCHIVABLE = "F0218", "not-archivable",
        "The connector cannot tell which records of this object were archived, so a poll with `on: archived` would never find one.";

    SYNTAX = "F0301", "expression-syntax",
        "The expression cannot be read. Expressions are Rhai: text in double quotes, `&&` and `||`, `==`, and `()` for nothing.";
    UNKNOWN_FUNCTION = "F0302", "unknown-function",
        "There is no function of this name. `millrace language functions` lists all there are.";
    ARGUMENTS = "F0303", "wrong-arguments",
        "The function takes another number of arguments.";
    CAPTURE = "F0304", "captured-name",
        "A function such as `|x| x.size > 1` sees only its own names. There are helpers that take the outer value as an argument.";
    RESERVED = "F0305", "reserved-word",
        "The word is reserved in expressions. A field of that name is read as `record[\"default\"]`.";
    NOT_SUPPORTED = "F0306", "not-in-expressions",
        "Rhai has it, and flows do not: expressions are small questions and values without loops, assignments or effects.";
    TOO_LONG = "F0307", "expression-too-long",
        "The expression is too long or nested too deeply. Name parts of it in a `let` step.";

    UNKNOWN_NAME = "F0401", "unknown-name",
        "Nothing of this name is known at this place. Expressions see `record` or `inputs`, `run`, `flow`, `now`, and the names that earlier steps made with `as` or `let`.";
    MAY_BE_UNSET = "F0402", "may-be-unset",
        "The name may be empty here, because its step may have been left out or may have found nothing. Say what happens then: `name?.field`, `name ?? other`, or a question with `name != ()`.";
    UNKNOWN_RESULT = "F0403", "unknown-result",
        "The result of a write has three parts: `id`, `created` and `changed`; that of a `delete` has `id` and `existed`. An error has `class` and `message`.";
    UNKNOWN_FLOW = "F0404", "unknown-flow",
        "There is no flow of this id in the project, so it cannot be called.";
    NOT_CALLABLE = "F0405", "not-callable",
        "Only a flow with a `manual` trigger can be called by another flow, and only while it is enabled. What starts by itself has its record or its time, which a caller could not give.";
    FLOW_CYCLE = "F0406", "flow-cycle",
        "The flows call each other in a circle, or one calls itself. Each call is a run that waits for the one that it called, so none of them would ever end.";

    UNCLOSED = "F0501", "unclosed-expression",
        "A `${` has no closing `}`. Where `${` is meant as text, write `$${`.";
    DAMAGED = "F0502", "expression-damaged-by-yaml",
        "YAML has a meaning of its own for something in this expression, and so the expression did not arrive as it is written. Put the whole value in quotes. In questions, `not(x)` needs none.";
    NOT_BARE = "F0503", "question-not-bare",
        "`when`, `if` and `where` are expressions as a whole and need no `${ }` around them.";
    NO_EXPRESSION = "F0504", "expression-not-allowed",
        "The value is used before any record is there, or by the service itself, so it must be plain.";
    TEXT_NOT_EXPRESSION = "F0505", "text-not-expression",
        "The value looks like an expression, but stands without `${ }`, so these very letters are the value. Put it in `${ }`; where the text is meant, put it in quotes.";

    UNKNOWN_CONNECTOR = "F0601", "unknown-connector",
        "There is no connector of this name.";
    UNKNOWN_SETTING = "F0602", "unknown-setting",
        "The connector takes no setting of this name.";
    MISSING_SETTING = "F0603", "missing-setting",
        "The connector needs this setting.";
    VARIABLE_NOT_SET = "F0604", "variable-not-set",
        "The setting takes its value from an environment variable that is not set, or is empty.";
    FILE_NOT_READ = "F0605", "file-not-read",
        "The setting takes its value from a file that cannot be read.";
    BAD_REFERENCE = "F0606", "bad-reference",
        "A setting is plain text, or one whole `${ env.NAME }`, or one whole `${ file(\"path\") }`.";
    WRONG_SETTING = "F0607", "wrong-setting",
        "The setting takes one of a few words, and this is none of them.";
}

#[cfg(test)]
mod tests {
    #[test]
    fn codes_are_sorted_unique_and_explained() {
        let all: Vec<_> = super::all().collect();
        assert!(all.windows(2).all(|pair| pair[0].code < pair[1].code));
        assert!(all.iter().all(|code| code.explanation.len() > 30 && code.explanation.ends_with('.')));
        assert_eq!(super::find("F0203").map(|code| code.name), Some("unknown-field"));
    }
}
