//! The codes of mistakes, each with a name and a page of its own; those of YAML itself stand here, others add their own
//! tables.
//!
//! A page is `pages/F0006.md` beside its table: what the code means, what raises it and how that is mended. It is part
//! of the program, so a code without a page does not compile.

/// One kind of mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// Its stable code: `F0006`.
    pub code: &'static str,
    /// Its name: `duplicate-key`.
    pub name: &'static str,
    /// Its page, in Markdown.
    pub page: &'static str,
}

impl Code {
    /// What it is in a few words: the page's heading.
    pub fn title(&self) -> &'static str {
        let heading = self.page.lines().next().unwrap_or_default();
        heading.split_once(": ").map_or(heading, |(_, title)| title)
    }

    /// What is wrong, why it matters and what to do: the page's first paragraph.
    pub fn explanation(&self) -> String {
        let lines = self.page.lines().skip(2).take_while(|line| !line.is_empty());
        lines.collect::<Vec<_>>().join(" ")
    }
}

/// Declares a constant for every code, and the table of all of them as `TABLE`, from one list. The pages lie in the
/// folder `pages` beside the file that calls it.
#[macro_export]
macro_rules! codes {
    ($($constant:ident = $code:literal, $name:literal;)*) => {
        $(
            #[doc = include_str!(concat!("pages/", $code, ".md"))]
            pub const $constant: &str = $code;
        )*
        /// Every code of this table, in order.
        pub const TABLE: &[$crate::codes::Code] = &[
            $($crate::codes::Code { code: $code, name: $name, page: include_str!(concat!("pages/", $code, ".md")) },)*
        ];
    };
}

codes! {
    NOT_UTF8 = "F0001", "not-utf8";
    TOO_LARGE = "F0002", "too-large";
    EMPTY = "F0003", "empty-file";
    SYNTAX = "F0004", "yaml-syntax";
    TOO_DEEP = "F0005", "too-deep";
    DUPLICATE_KEY = "F0006", "duplicate-key";
    KEY_NOT_TEXT = "F0007", "key-not-text";
    CONTROL_CHARACTER = "F0008", "control-character";
    ANCHOR = "F0009", "anchor-or-alias";
    TAG = "F0010", "tag";
    DIRECTIVE = "F0011", "directive";
    SEVERAL_DOCUMENTS = "F0012", "several-documents";
    AMBIGUOUS_NUMBER = "F0013", "ambiguous-number";
    NUMBER_OUT_OF_RANGE = "F0014", "number-out-of-range";
    AFTER_QUOTE = "F0015", "text-after-quote";
    COLON_IN_VALUE = "F0016", "colon-in-value";
    CONFLICT = "F0017", "conflict-marker";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_and_unique() {
        assert!(TABLE.windows(2).all(|pair| pair[0].code < pair[1].code));
    }

    #[test]
    fn a_page_begins_with_its_title_and_what_it_means() {
        let page = "# F0006: A key that stands twice\n\nA key may stand\nonce in a map.\n\n## Raised by\n";
        let code = Code { code: "F0006", name: "duplicate-key", page };
        assert_eq!(code.title(), "A key that stands twice");
        assert_eq!(code.explanation(), "A key may stand once in a map.");
    }
}
