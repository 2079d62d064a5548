//! Every kind of mistake in a project's files that is neither a flow's, a connection's nor a manifest's.
//!
//! P01xx are pulled schemas.

text::codes! {
    NOT_A_SCHEMA = "P0101", "not-a-schema",
        "A file in `schemas/` begins with `schema:` and the object whose fields it keeps, such as `schema: crm.contacts`, as `millrace schema pull` writes it. Remove what is something else, or move it to another folder.";
    BAD_SCHEMA = "P0102", "bad-schema",
        "The file is not as `millrace schema pull` writes it, so nobody knows whether its fields are those of the account. Pull it again.";
    OTHER_CONNECTOR = "P0103", "schema-of-another-connector",
        "The fields were pulled when the connection of this name was of another connector, so they are not those of today's. Pull it again, or remove the file.";
}

#[cfg(test)]
mod tests {
    #[test]
    fn codes_are_sorted_and_explained() {
        assert!(super::TABLE.windows(2).all(|pair| pair[0].code < pair[1].code));
        assert!(super::TABLE.iter().all(|code| code.explanation.len() > 30 && code.explanation.ends_with('.')));
    }
}
