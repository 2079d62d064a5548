//! Every kind of mistake that reading a manifest finds, beside those of YAML itself.
//!
//! M01xx is the shape of the document, M02xx what it names, M03xx references inside of text.

text::codes! {
    NOT_A_MANIFEST = "M0101", "not-a-manifest",
        "The first key of a document says what it is. A connector's manifest begins with `connector:` and its name, in lower-case letters, digits and hyphens.";
    UNKNOWN_KEY = "M0102", "unknown-manifest-key",
        "The key means nothing here. It is a mistake rather than ignored, because a key with a slip of the pen would otherwise silently do nothing.";
    MISSING_KEY = "M0103", "missing-manifest-key",
        "A key that must be here is not. Without it the connector would not know what to ask, or what it was answered.";
    WRONG_TYPE = "M0104", "wrong-manifest-type",
        "The value is of another kind than this key takes: a list where text is wanted, or a number where a duration is.";
    WRONG_VALUE = "M0105", "wrong-manifest-value",
        "The value is of the right kind but none that this key takes. The message says which there are.";
    NOT_YET = "M0106", "not-yet-in-manifests",
        "The key or word is part of the grammar, but this version does not run it. Nothing of the kind is ignored: a manifest that uses it is not loaded.";

    UNKNOWN_TEMPLATE = "M0201", "unknown-template",
        "A resource is expanded from a template of this manifest, and there is none of this name under `templates`.";
    UNKNOWN_PARAMETER = "M0202", "unknown-parameter",
        "A template is expanded by the parameters that it lists under `params`, and this is none of them.";
    MISSING_PARAMETER = "M0203", "missing-parameter",
        "The template needs this parameter, and the resource does not give it. A parameter that is meant to be empty is written as `null` or `[]`.";
    UNKNOWN_LIMIT = "M0204", "unknown-limit",
        "Requests are counted against the limits that the manifest declares, and this is none of them.";
    UNKNOWN_SETTING = "M0205", "unknown-config",
        "The manifest refers to a setting that it does not declare under `config`, or to a secret where none may stand. Secrets go into `auth` and `check`, and nowhere else.";
    NAME_TAKEN = "M0206", "connector-name-taken",
        "Another connector has this name, one that is built in or one of another manifest. Which of the two a connection means could not be told, so neither is used. Give this one a name of its own.";
    UNKNOWN_INPUT = "M0207", "unknown-input-of-action",
        "An action's request refers to an input that the action does not declare, or declares one that no request uses. What a flow gives would then go nowhere, and nobody would notice.";
    UNKNOWN_VAR = "M0208", "unknown-var",
        "The manifest refers to a value that it does not learn under `vars`. Each is learned by one call, before the first request that needs it.";

    UNCLOSED = "M0301", "unclosed-reference",
        "A `${` has no closing `}`. Where `${` is meant as text, write `$${`.";
    BAD_REFERENCE = "M0302", "bad-reference-in-manifest",
        "A reference is `${root.path | filter: 'argument'}`: names joined by dots, `[0]` for one item of a list and `[*]` for all of them. There are no loops, no arithmetic and no conditions.";
    UNKNOWN_ROOT = "M0303", "unknown-root",
        "What a reference can begin with follows from where it stands: a request sees what is asked, an answer sees what was answered. The message says what there is here.";
    UNKNOWN_FILTER = "M0304", "unknown-filter",
        "There is no filter of this name, or it takes another argument. Filters are few and fixed.";
}

#[cfg(test)]
mod tests {
    #[test]
    fn codes_are_sorted_and_explained() {
        assert!(super::TABLE.windows(2).all(|pair| pair[0].code < pair[1].code));
        assert!(super::TABLE.iter().all(|code| code.explanation.len() > 30 && code.explanation.ends_with('.')));
    }
}
