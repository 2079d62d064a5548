//! Every kind of mistake that checking finds, with its code, its name and what to know about it.
//!
//! F00xx is YAML itself (the table of `text`), F01xx the shape of documents, F02xx what connections have, F03xx
//! expressions, F04xx names, F05xx expressions within YAML, F06xx a project's own files, F07xx templates and their
//! instances, F08xx syncs, F09xx tests of flows.

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
    UNKNOWN_DOCUMENT = "F0101", "unknown-document";
    UNKNOWN_KEY = "F0102", "unknown-key";
    NOT_YET = "F0103", "not-yet";
    MISSING_KEY = "F0104", "missing-key";
    WRONG_TYPE = "F0105", "wrong-type";
    WRONG_VALUE = "F0106", "wrong-value";
    BAD_ID = "F0107", "bad-id";
    DUPLICATE_FLOW = "F0108", "duplicate-flow";
    VERB = "F0109", "verb";
    MISSING_INTERVAL = "F0110", "missing-interval";
    SHORT_INTERVAL = "F0111", "short-interval";
    STEP_NAME_TAKEN = "F0112", "step-name-taken";
    BAD_NAME = "F0113", "bad-name";
    MISPLACED_KEY = "F0114", "misplaced-key";
    TWO_TRIGGERS = "F0115", "two-triggers";
    BAD_SCHEDULE = "F0116", "bad-schedule";
    NEVER_FIRES = "F0117", "never-fires";
    INTERVAL_ORDER = "F0118", "interval-order";
    BAD_INPUT = "F0119", "bad-input";
    NOT_ON_FAILURE = "F0120", "not-on-failure";
    PAIR_WITHOUT_COLON = "F0121", "pair-without-colon";
    UNREACHABLE = "F0122", "unreachable";

    UNKNOWN_CONNECTION = "F0201", "unknown-connection";
    UNKNOWN_OBJECT = "F0202", "unknown-object";
    UNKNOWN_FIELD = "F0203", "unknown-field";
    WRONG_CONNECTOR = "F0204", "wrong-connector";
    READ_ONLY_FIELD = "F0205", "read-only-field";
    MISSING_FIELD = "F0206", "missing-required-field";
    UNKNOWN_OPTION = "F0207", "unknown-option";
    MATCH_NOT_UNIQUE = "F0208", "match-not-unique";
    MATCH_NOT_SET = "F0209", "match-not-set";
    UNKNOWN_STAMP = "F0210", "unknown-stamp";
    FIELD_NOT_LISTED = "F0211", "field-not-listed";
    FIELDS_UNKNOWN = "F0212", "fields-unknown";
    WRONG_FIELD_TYPE = "F0213", "wrong-field-type";
    UNDECLARED_CONNECTION = "F0214", "undeclared-connection";

    UNKNOWN_ACTION = "F0215", "unknown-action";
    UNKNOWN_INPUT = "F0216", "unknown-input";
    MISSING_INPUT = "F0217", "missing-input";
    NOT_ARCHIVABLE = "F0218", "not-archivable";
    NO_STAMPS = "F0219", "no-stamps";
    STARTS_ITSELF = "F0220", "starts-itself";

    SYNTAX = "F0301", "expression-syntax";
    UNKNOWN_FUNCTION = "F0302", "unknown-function";
    ARGUMENTS = "F0303", "wrong-arguments";
    CAPTURE = "F0304", "captured-name";
    RESERVED = "F0305", "reserved-word";
    NOT_SUPPORTED = "F0306", "not-in-expressions";
    TOO_LONG = "F0307", "expression-too-long";
    OTHER_TYPE = "F0308", "compared-with-another-type";
    NEVER_TRUE = "F0309", "never-true";
    NOT_A_QUESTION = "F0310", "not-a-question";
    NOT_A_LIST = "F0311", "not-a-list";
    WRONG_ARGUMENT = "F0312", "wrong-argument";
    NO_PROPERTIES = "F0313", "no-properties";

    UNKNOWN_NAME = "F0401", "unknown-name";
    MAY_BE_UNSET = "F0402", "may-be-unset";
    UNKNOWN_RESULT = "F0403", "unknown-result";
    UNKNOWN_FLOW = "F0404", "unknown-flow";
    NOT_CALLABLE = "F0405", "not-callable";
    FLOW_CYCLE = "F0406", "flow-cycle";

    UNCLOSED = "F0501", "unclosed-expression";
    DAMAGED = "F0502", "expression-damaged-by-yaml";
    NOT_BARE = "F0503", "question-not-bare";
    NO_EXPRESSION = "F0504", "expression-not-allowed";
    TEXT_NOT_EXPRESSION = "F0505", "text-not-expression";

    UNKNOWN_CONNECTOR = "F0601", "unknown-connector";
    UNKNOWN_SETTING = "F0602", "unknown-setting";
    MISSING_SETTING = "F0603", "missing-setting";
    VARIABLE_NOT_SET = "F0604", "variable-not-set";
    FILE_NOT_READ = "F0605", "file-not-read";
    BAD_REFERENCE = "F0606", "bad-reference";
    WRONG_SETTING = "F0607", "wrong-setting";
    SECRET_IN_A_FILE = "F0608", "secret-in-a-file";

    UNKNOWN_TEMPLATE = "F0701", "no-such-template";
    UNKNOWN_TEMPLATE_INPUT = "F0702", "unknown-template-input";
    MISSING_TEMPLATE_INPUT = "F0703", "missing-template-input";
    WRONG_TEMPLATE_INPUT = "F0704", "wrong-template-input";
    UNKNOWN_BINDING = "F0705", "unknown-binding";

    BAD_PAIR = "F0801", "bad-pair";
    FOLLOWS_TWO = "F0802", "follows-two-fields";
    NO_COUNTERPART = "F0803", "no-counterpart";
    UNKNOWN_SYNC = "F0804", "unknown-sync";
    NOT_ENROLLED = "F0805", "not-enrolled";

    NO_SUCH_STEP = "F0901", "no-such-step";
    NEVER_SO = "F0902", "never-so";
}

#[cfg(test)]
mod tests {
    #[test]
    fn codes_are_sorted_and_unique() {
        let all: Vec<_> = super::all().collect();
        assert!(all.windows(2).all(|pair| pair[0].code < pair[1].code));
        assert_eq!(super::find("F0203").map(|code| code.name), Some("unknown-field"));
    }
}
