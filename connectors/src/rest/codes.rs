//! Every kind of mistake that reading a manifest finds, beside those of YAML itself.
//!
//! M01xx is the shape of the document, M02xx what it names, M03xx references inside of text.

text::codes! {
    NOT_A_MANIFEST = "M0101", "not-a-manifest";
    UNKNOWN_KEY = "M0102", "unknown-manifest-key";
    MISSING_KEY = "M0103", "missing-manifest-key";
    WRONG_TYPE = "M0104", "wrong-manifest-type";
    WRONG_VALUE = "M0105", "wrong-manifest-value";
    NOT_YET = "M0106", "not-yet-in-manifests";

    UNKNOWN_TEMPLATE = "M0201", "unknown-template";
    UNKNOWN_PARAMETER = "M0202", "unknown-parameter";
    MISSING_PARAMETER = "M0203", "missing-parameter";
    UNKNOWN_LIMIT = "M0204", "unknown-limit";
    UNKNOWN_SETTING = "M0205", "unknown-config";
    NAME_TAKEN = "M0206", "connector-name-taken";
    UNKNOWN_INPUT = "M0207", "unknown-input-of-action";
    UNKNOWN_VAR = "M0208", "unknown-var";

    UNCLOSED = "M0301", "unclosed-reference";
    BAD_REFERENCE = "M0302", "bad-reference-in-manifest";
    UNKNOWN_ROOT = "M0303", "unknown-root";
    UNKNOWN_FILTER = "M0304", "unknown-filter";
}

#[cfg(test)]
mod tests {
    #[test]
    fn codes_are_sorted_and_unique() {
        assert!(super::TABLE.windows(2).all(|pair| pair[0].code < pair[1].code));
    }
}
