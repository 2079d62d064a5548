//! Every kind of mistake in a project's files that is neither a flow's, a connection's nor a manifest's.
//!
//! P01xx are what was pulled of accounts: schemas and granted scopes. P02xx are shares of budgets.

text::codes! {
    NOT_A_SCHEMA = "P0101", "not-a-schema";
    BAD_SCHEMA = "P0102", "bad-schema";
    OTHER_CONNECTOR = "P0103", "schema-of-another-connector";
    SCHEMA_OF_NOBODY = "P0104", "schema-of-nobody";
    MISSING_SCOPE = "P0105", "missing-scope";
    FIELDS_NOT_CHECKED = "P0106", "fields-not-checked";
    UNKNOWN_BUDGET = "P0201", "unknown-budget";
    TOO_DEAR = "P0202", "too-dear";
}

#[cfg(test)]
mod tests {
    #[test]
    fn codes_are_sorted_and_unique() {
        assert!(super::TABLE.windows(2).all(|pair| pair[0].code < pair[1].code));
    }
}
