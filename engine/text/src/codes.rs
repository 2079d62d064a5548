//! The codes of mistakes, each with a name and an explanation; those of YAML itself stand here, others add their own tables.

/// One kind of mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// Its stable code: `F0006`.
    pub code: &'static str,
    /// Its name: `duplicate-key`.
    pub name: &'static str,
    /// One paragraph: what is wrong, why it matters, what to do.
    pub explanation: &'static str,
}

/// Declares a constant for every code, and the table of all of them as `TABLE`, from one list.
#[macro_export]
macro_rules! codes {
    ($($constant:ident = $code:literal, $name:literal, $explanation:literal;)*) => {
        $(
            #[doc = $explanation]
            pub const $constant: &str = $code;
        )*
        /// Every code of this table, in order.
        pub const TABLE: &[$crate::codes::Code] = &[
            $($crate::codes::Code { code: $code, name: $name, explanation: $explanation },)*
        ];
    };
}

codes! {
    NOT_UTF8 = "F0001", "not-utf8",
        "Files are read as UTF-8. Another encoding would turn names into different ones without anybody noticing, so the file is refused. Save it again as UTF-8.";
    TOO_LARGE = "F0002", "too-large",
        "A file may have 256 KiB. Flows have a few; what is larger is usually data that ended up in the wrong folder.";
    EMPTY = "F0003", "empty-file",
        "The file holds nothing but comments or white space. Say what the document is by its first key, or remove the file.";
    SYNTAX = "F0004", "yaml-syntax",
        "The text is not YAML from this place on, so the rest of the file could not be read. The message says what was expected; other files are checked as usual.";
    TOO_DEEP = "F0005", "too-deep",
        "Lists and maps may stand 64 deep in each other, and a file may have 50,000 values. Beyond that, nobody can read it, and reading it could be an attack on this machine.";
    DUPLICATE_KEY = "F0006", "duplicate-key",
        "A key may stand once in a map. Where it stands twice, one of the two values would be lost silently. Both places are shown; keep one.";
    KEY_NOT_TEXT = "F0007", "key-not-text",
        "Keys are text. Numbers, true, false, null, lists and maps are refused as keys, because YAML readers disagree on what they become. Put a key that looks like a number in quotes.";
    CONTROL_CHARACTER = "F0008", "control-character",
        "The file holds a character that cannot be seen, such as NUL, ESC or a mark that changes the direction of writing. It could make the file look like something that it is not, so it is refused.";
    ANCHOR = "F0009", "anchor-or-alias",
        "Anchors (`&name`), aliases (`*name`) and merge keys (`<<`) are not allowed: a reader should see at each place what stands there. Write the value out. Where the value is meant to begin with `*` or `&`, put it in quotes.";
    TAG = "F0010", "tag",
        "Tags (`!name`) are not allowed: what a value is follows from where it stands. Where the value is meant to begin with `!`, put it in quotes.";
    DIRECTIVE = "F0011", "directive",
        "Lines such as `%YAML 1.2` or `%TAG` are not allowed: every file is read as YAML 1.2.";
    SEVERAL_DOCUMENTS = "F0012", "several-documents",
        "One file holds one document. Put what follows the second `---` into a file of its own.";
    AMBIGUOUS_NUMBER = "F0013", "ambiguous-number",
        "The value looks like a number but would lose something as one: a leading zero, a leading plus sign, or underscores. YAML readers disagree on what it is. Put it in quotes to keep it as text, or write the plain number.";
    NUMBER_OUT_OF_RANGE = "F0014", "number-out-of-range",
        "Whole numbers fit in 64 bits; numbers with a fraction are finite. A longer number is usually an id: put it in quotes.";
    AFTER_QUOTE = "F0015", "text-after-quote",
        "A value that begins with a quote ends, for YAML, at the closing quote; nothing may follow it. Put the whole value in quotes of the other kind.";
    COLON_IN_VALUE = "F0016", "colon-in-value",
        "A colon followed by a space begins a value for YAML, so it cannot stand inside an unquoted one. Put the whole value in quotes.";
}

#[cfg(test)]
mod tests {
    #[test]
    fn codes_are_sorted_and_unique() {
        assert!(super::TABLE.windows(2).all(|pair| pair[0].code < pair[1].code));
    }
}
