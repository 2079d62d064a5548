use proptest::prelude::*;

use super::*;
use crate::node::{Kind, Node};

/// An order for tests: everywhere `verb`, then `name`, then `steps`.
struct Verbs;

impl KeyOrder for Verbs {
    fn keys(&self, place: &[Part], _map: &Map) -> Vec<&'static str> {
        let is_ours = !place.contains(&Part::Key("set".to_owned()));
        if is_ours { vec!["flow", "verb", "name", "steps"] } else { Vec::new() }
    }
}

#[track_caller]
fn laid(text: &str) -> String {
    let once = lay_out(&SourceFile::new("a.yaml", text), &Verbs).unwrap_or_else(|error| panic!("{text}\n{error:?}"));
    let twice = lay_out(&SourceFile::new("a.yaml", &once), &Verbs).unwrap();
    assert_eq!(once, twice, "laid out twice, it is another");
    once
}

#[test]
fn keys_lists_and_spaces_find_their_places() {
    let text = "---\nsteps:\n- name:   one\n  verb:  'crm.contacts'   \n  set: {b: 1,a:   \"x\"}\n-   verb: two\n    list:\n    - 1\n    -   - 2\n        - 3\nflow: x\n\n\n\nlast: [a,b ,c]";
    assert_eq!(
        laid(text),
        "flow: x\nsteps:\n  - verb: \"crm.contacts\"\n    name: one\n    set: {b: 1, a: x}\n  - verb: two\n    list:\n      - 1\n      - - 2\n        - 3\n\nlast: [a, b, c]\n"
    );
}

#[test]
fn comments_stay_with_what_they_describe() {
    let text = "\
# About the file.

# About the steps.
steps: # all of them
# first
-   # what it is called
    name: one # a name
    # what it does
    verb: do # it
    # the end of one

# second
-   verb: two
    # the end of two
    # and of all steps' keys
  # below the steps
# About the flow.
flow: x   # its id

# The end.
";
    assert_eq!(
        laid(text),
        "\
# About the file.

# About the flow.
flow: x  # its id
# About the steps.
steps: # all of them
  # first
  # what it is called
  # what it does
  - verb: do # it
    name: one # a name
    # the end of one

  # second
  - verb: two
    # the end of two
    # and of all steps' keys
  # below the steps

# The end.
"
    );
}

#[test]
fn comments_between_a_key_and_its_value_are_kept() {
    let text = "\
flow:   # a
  x   # b
verb: # c
  # d
  # e
  'yy'
name:
  # f
  |
  text
steps:
- # g
  # h
  one
- # i
  - # j
    verb: z
set: # k
  # l
  a: 1
";
    assert_eq!(
        laid(text),
        "\
# a
flow: x  # b
# d
# e
verb: yy # c
# f
name: |
  text
steps:
  # h
  - one # g
  # i
  # j
  - - verb: z
set: # k
  # l
  a: 1
"
    );
}

#[test]
fn long_texts_keep_their_lines() {
    let text = "\
steps:
- verb: say
  long: |-  # as it is
      one
        two

      # no comment
  folded: >2
     x
    y

  plain: one
    two
   three   # behind
  quoted: \"a

    b \\
    c\"
  below:
    d
    e
  brackets: [
    a,   # b
    c ]
  kept: |+
    z

flow: x
";
    assert_eq!(
        laid(text),
        "\
flow: x
steps:
  - verb: say
    long: |-  # as it is
        one
          two

        # no comment
    folded: >2
       x
      y

    plain: one
      two
     three  # behind
    quoted: \"a

      b \\
      c\"
    below:
      d
      e
    brackets: [
      a,   # b
      c ]
    kept: |+
      z

"
    );
}

#[test]
fn comments_of_one_column_stand_in_one_behind_the_longest_line() {
    let text = "flow: 'x'      # a\nverb: 'yyyyyy' # b\nname: 'z' # c\nlonger_key: \"zz\"         # d\n";
    assert_eq!(laid(text), "flow: x      # a\nverb: yyyyyy # b\nname: z # c\nlonger_key: zz  # d\n");
    let moved = "flow: x\nsteps:\n    - verb: a     # one\n      name: bbbb  # two\n\n    - verb: c     # three\n";
    assert_eq!(laid(moved), "flow: x\nsteps:\n  - verb: a     # one\n    name: bbbb  # two\n\n  - verb: c  # three\n");
}

#[test]
fn what_is_left_out_stays_left_out() {
    assert_eq!(
        laid("flow:\nmanual: {inputs: }\nlist:\n-\n- ~\n-\n"),
        "flow:\nmanual: {inputs: }\nlist:\n  -\n  - ~\n  -\n"
    );
    assert_eq!(laid("flow: {}\nlist: [ ]\n"), "flow: {}\nlist: []\n");
}

#[test]
fn line_breaks_are_those_of_the_file() {
    assert_eq!(
        laid("steps:\r\n- verb: |\r\n    x\r\nflow: 'a'\r\n"),
        "flow: a\r\nsteps:\r\n  - verb: |\r\n      x\r\n"
    );
}

#[test]
fn a_file_with_mistakes_is_left_alone() {
    for text in ["a: 1\n b: 2\n", "a: 1\na: 2\n", "a: &x 1\n", "a: 01\n", ""] {
        let left = lay_out(&SourceFile::new("a.yaml", text), &Verbs);
        assert!(matches!(&left, Err(LayoutError::Mistakes(mistakes)) if !mistakes.is_empty()), "{text:?}: {left:?}");
    }
}

/// A document that somebody might have written: its lines, in a shape of its own.
#[derive(Clone, Debug)]
enum Written {
    Scalar(&'static str),
    Map(Vec<(usize, Written, Style)>),
    List(Vec<(Written, Style)>),
}

/// How its author wrote an entry.
#[derive(Clone, Copy, Debug)]
struct Style {
    blanks: usize,
    above: usize,
    above_indentation: usize,
    behind: bool,
    indentation: usize,
}

const KEYS: [&str; 9] = ["flow", "verb", "name", "steps", "set", "'key'", "\"no\"", "a b", "x-1"];
const SCALARS: [&str; 24] = [
    "plain",
    "'single'",
    "\"double\"",
    "\"01432\"",
    "'no'",
    "15",
    "1.5",
    "true",
    "",
    "~",
    "\"\"",
    "'it''s'",
    "\"a: b #c\"",
    "${ record.email }",
    "\"${ record.email }\"",
    "'\"x\" == record.y'",
    "[a, 'b',{c:  d}]",
    "{verb: x,   name: \"y\", flow: }",
    "|\n@ one\n@   two\n\n@ three",
    ">-\n@ folded\n@ text\n",
    "|+\n@ kept\n\n\n",
    "several\n@ lines of\n@  text",
    "\"quoted\n@ lines \\\n@ more\"",
    "{\n@ a: 1, # in brackets\n@ b: [2]\n@ }",
];

impl Written {
    fn write(&self, column: usize, out: &mut String, n_comments: &mut usize) {
        let remark = |out: &mut String, n_comments: &mut usize| {
            *n_comments += 1;
            out.push_str(&format!("# comment {n_comments}"));
        };
        let above = |style: &Style, out: &mut String, n_comments: &mut usize| {
            for index in 0..style.above {
                out.push_str(&"\n".repeat(if index == 0 { style.blanks } else { 0 }));
                out.push_str(&" ".repeat(column + style.above_indentation));
                remark(out, n_comments);
                out.push('\n');
            }
            out.push_str(&"\n".repeat(style.blanks));
        };
        let value = |value: &Written, style: &Style, out: &mut String, n_comments: &mut usize| match value {
            Written::Scalar(scalar) => {
                let is_block = scalar.starts_with(['|', '>']);
                let scalar = scalar.replace('@', &" ".repeat(column + style.indentation));
                if !scalar.is_empty() {
                    out.push_str(&format!(" {scalar}"));
                }
                if style.behind && !is_block {
                    out.push_str("  ");
                    remark(out, n_comments);
                }
                out.push('\n');
            }
            Written::Map(_) | Written::List(_) => {
                if style.behind {
                    out.push(' ');
                    remark(out, n_comments);
                }
                out.push('\n');
                value.write(column + style.indentation, out, n_comments);
            }
        };
        match self {
            Self::Scalar(_) => {}
            Self::Map(entries) => {
                let mut used = Vec::new();
                for (key, inner, style) in entries {
                    if used.contains(key) {
                        continue;
                    }
                    used.push(*key);
                    above(style, out, n_comments);
                    out.push_str(&format!("{}{}:", " ".repeat(column), KEYS[*key]));
                    value(inner, style, out, n_comments);
                }
            }
            Self::List(items) => {
                for (inner, style) in items {
                    above(style, out, n_comments);
                    let begin = format!("{}-", " ".repeat(column));
                    match inner {
                        // On the dash's line, as most write it.
                        Self::Map(_) | Self::List(_) if !style.behind => {
                            let mut text = String::new();
                            inner.write(column + 2, &mut text, n_comments);
                            let text = text.trim_start_matches('\n');
                            match text.trim_start().starts_with('#') {
                                true => out.push_str(&format!("{begin}\n{text}")),
                                false => out.push_str(&format!("{begin} {}", text.trim_start())),
                            }
                        }
                        Self::Map(_) | Self::List(_) | Self::Scalar(_) => {
                            out.push_str(&begin);
                            value(inner, style, out, n_comments);
                        }
                    }
                }
            }
        }
    }
}

fn style() -> impl Strategy<Value = Style> {
    (0..3_usize, 0..3_usize, 0..4_usize, any::<bool>(), 1..5_usize).prop_map(
        |(blanks, above, above_indentation, behind, indentation)| Style {
            blanks: blanks.saturating_sub(1),
            above: above.saturating_sub(1),
            above_indentation,
            behind,
            indentation,
        },
    )
}

fn written() -> impl Strategy<Value = Written> {
    let scalar = (0..SCALARS.len()).prop_map(|scalar| Written::Scalar(SCALARS[scalar]));
    let entries = |inner: BoxedStrategy<Written>| {
        proptest::collection::vec((0..KEYS.len(), inner, style()), 1..5).prop_map(Written::Map)
    };
    let inner = scalar.prop_recursive(4, 40, 5, move |inner| {
        let list = proptest::collection::vec((inner.clone(), style()), 1..4).prop_map(Written::List);
        prop_oneof![entries(inner.boxed()), list]
    });
    entries(inner.boxed())
}

fn tree(text: &str) -> Node {
    parse_yaml(&SourceFile::new("a.yaml", text)).root.unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_layout_changes_no_meaning_and_loses_no_comment(written in written()) {
        let (mut text, mut n_comments) = (String::new(), 0);
        written.write(0, &mut text, &mut n_comments);
        let file = SourceFile::new("a.yaml", &text);
        // The odd document is no YAML, such as one with a comment in the indentation of a block.
        if parse_yaml(&file).diagnostics.is_empty() {
            let once = match lay_out(&file, &Verbs) {
                Ok(once) => once,
                Err(error) => return Err(TestCaseError::fail(format!("{error:?}:\n{text}"))),
            };
            let twice = lay_out(&SourceFile::new("a.yaml", &once), &Verbs).unwrap();
            prop_assert_eq!(&once, &twice, "\n{}", text);
            prop_assert!(same::is_same(&tree(&text), &tree(&once)));
            for comment in 1..=n_comments {
                let comment = format!("# comment {comment}");
                let n_found = once.lines().filter(|line| line.trim_end().ends_with(&comment)).count();
                let n_before = text.lines().filter(|line| line.trim_end().ends_with(&comment)).count();
                prop_assert_eq!(n_found, n_before, "{}\n{}\n{}", comment, text, once);
            }
            prop_assert!(!once.contains("\n\n\n") || text.contains(['|', '>']), "{}", once);
            prop_assert!(matches!(tree(&once).kind, Kind::Map(_)));
        }
    }
}
