//! Every kind of mistake in a project's files that is neither a flow's, a connection's nor a manifest's.
//!
//! P01xx are pulled schemas.

text::codes! {
    NOT_A_SCHEMA = "P0101", "not-a-schema";
    BAD_SCHEMA = "P0102", "bad-schema";
    OTHER_CONNECTOR = "P0103", "schema-of-another-connector";
}

#[cfg(test)]
mod tests {
    #[test]
    fn codes_are_sorted_and_unique() {
        assert!(super::TABLE.windows(2).all(|pair| pair[0].code < pair[1].code));
    }
}
