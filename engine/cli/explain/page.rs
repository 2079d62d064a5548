//! The Markdown of our pages: headings, paragraphs and fenced blocks, and how they are shown in a terminal.

use owo_colors::OwoColorize as _;

use crate::{screen, tables};

/// Lines longer than this are hard to read, however wide the terminal is.
const WIDEST: usize = 100;

/// A part of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// A heading, without its marks.
    Heading(&'a str),
    /// A paragraph, on one line.
    Paragraph(String),
    /// A fenced block.
    Block {
        /// What stands behind the fence, such as `yaml`.
        kind: &'a str,
        /// What stands in it, with its line breaks.
        text: String,
    },
}

/// The parts of a page, in order.
pub fn parts(page: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(kind) = line.strip_prefix("```") {
            let text = lines.by_ref().take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect();
            parts.push(Part::Block { kind, text });
        } else if line.starts_with('#') {
            parts.push(Part::Heading(line.trim_start_matches('#').trim_start()));
        } else if !line.is_empty() {
            let more = lines.by_ref().take_while(|line| !line.is_empty());
            parts.push(Part::Paragraph([line].into_iter().chain(more).collect::<Vec<_>>().join(" ")));
        }
    }
    parts
}

/// The page as people read it in a terminal.
pub(super) fn rendered(page: &str) -> String {
    rendered_within(page, screen::size().columns.min(WIDEST))
}

fn rendered_within(page: &str, width: usize) -> String {
    let shown: Vec<String> = parts(page)
        .iter()
        .map(|part| match part {
            Part::Heading(text) => format!("{}\n", tables::strong(text)),
            Part::Paragraph(text) => wrapped(text, width),
            Part::Block { text, .. } => text.lines().map(|line| format!("    {}\n", with_comment(line))).collect(),
        })
        .collect();
    shown.join("\n")
}

/// A line of a block, whose comment steps back.
fn with_comment(line: &str) -> String {
    match line.strip_prefix("# ") {
        Some(_) => line.dimmed().to_string(),
        None => line.to_owned(),
    }
}

/// Words until the line is full. What stands in backticks stays whole, or it could not be copied.
fn wrapped(text: &str, width: usize) -> String {
    let mut out = String::new();
    let mut column = 0;
    let mut in_code = false;
    let mut word = String::new();
    for piece in text.split(' ') {
        if !word.is_empty() {
            word.push(' ');
        }
        word.push_str(piece);
        in_code ^= piece.matches('`').count() % 2 == 1;
        if in_code {
            continue;
        }
        let length = word.chars().count();
        if column > 0 && column + 1 + length > width {
            out.push('\n');
            column = 0;
        }
        if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(&word);
        column += length;
        word.clear();
    }
    out.push_str(&word);
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str =
        "# F1: A thing\n\nTwo lines\nof `one two` paragraph.\n\n## Raised by\n\n```yaml\n# a.yaml\na:\n\n  b: 1\n```\n";

    #[test]
    fn a_page_has_parts() {
        let text = "# a.yaml\na:\n\n  b: 1\n".to_owned();
        let paragraph = Part::Paragraph("Two lines of `one two` paragraph.".to_owned());
        let expected =
            [Part::Heading("F1: A thing"), paragraph, Part::Heading("Raised by"), Part::Block { kind: "yaml", text }];
        assert_eq!(parts(PAGE), expected);
    }

    #[test]
    fn lines_fit_and_code_stays_whole() {
        let shown = anstream::adapter::strip_str(&rendered_within(PAGE, 14)).to_string();
        assert_eq!(
            shown,
            "F1: A thing\n\nTwo lines of\n`one two`\nparagraph.\n\nRaised by\n\n    # a.yaml\n    a:\n    \n      b: 1\n"
        );
    }
}
