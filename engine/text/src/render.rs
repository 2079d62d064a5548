//! How diagnostics are shown: to people with the line and carets under it, to programs as JSON.

use annotate_snippets::renderer::{DEFAULT_TERM_WIDTH, DecorStyle};
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use crate::diagnostic::{Diagnostic, Label, Severity};
use crate::source::{SourceFile, Span};
use crate::suggest::is_hidden;

/// Whether to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Plain text.
    Never,
    /// With ANSI escapes.
    Always,
}

/// Diagnostics for people, file by file and from top to bottom, each followed by an empty line. A file that a
/// diagnostic names and that is not among `files` is shown by its path.
pub fn render(diagnostics: &[Diagnostic], files: &[SourceFile], colour: Colour) -> String {
    render_within(diagnostics, files, colour, DEFAULT_TERM_WIDTH)
}

/// The same for a screen of so many columns: of longer lines, only what surrounds the place is shown.
pub fn render_within(diagnostics: &[Diagnostic], files: &[SourceFile], colour: Colour, width: usize) -> String {
    let renderer = match colour {
        Colour::Never => Renderer::plain(),
        Colour::Always => Renderer::styled(),
    }
    .decor_style(DecorStyle::Ascii)
    .term_width(width);
    let mut out = String::new();
    for diagnostic in sorted(diagnostics) {
        out.push_str(&render_one(diagnostic, files, &renderer));
        out.push_str("\n\n");
    }
    out
}

/// Diagnostics for programs, in the same order: code, severity, message, file, line, column, end, help, fix.
pub fn to_json(diagnostics: &[Diagnostic], files: &[SourceFile]) -> serde_json::Value {
    sorted(diagnostics).into_iter().map(|diagnostic| one_to_json(diagnostic, files)).collect()
}

fn sorted(diagnostics: &[Diagnostic]) -> Vec<&Diagnostic> {
    let mut sorted: Vec<_> = diagnostics.iter().collect();
    // What is only good to know comes last.
    sorted.sort_by_key(|diagnostic| {
        let place = diagnostic.labels.first().map(|label| (label.file.as_ref(), label.span.start));
        (diagnostic.severity == Severity::Note, place)
    });
    sorted
}

fn render_one(diagnostic: &Diagnostic, files: &[SourceFile], renderer: &Renderer) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let mut group = Group::with_title(level.primary_title(visible(&diagnostic.message)).id(diagnostic.code));
    for (number, label) in diagnostic.labels.iter().enumerate() {
        // Labels of one file share one excerpt; the first label's file comes first.
        if diagnostic.labels[..number].iter().any(|earlier| earlier.file == label.file) {
            continue;
        }
        let same_file: Vec<_> = diagnostic.labels.iter().filter(|other| other.file == label.file).collect();
        match files.iter().find(|file| file.path == label.file) {
            Some(file) => group = group.element(excerpt(file, &same_file, &diagnostic.labels[0])),
            None => group = group.element(Origin::path(visible(&label.file))),
        }
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(visible_lines(help)));
    }
    renderer.render(&[group])
}

/// Only the lines that labels stand on, so that a long file costs nothing.
fn excerpt<'a>(
    file: &SourceFile,
    labels: &[&Label],
    primary: &Label,
) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let spans: Vec<Span> = labels.iter().map(|label| narrowed(file, label.span)).collect();
    let first = spans.iter().map(|span| span.start).min().unwrap_or(0);
    let last = spans.iter().map(|span| span.end).max().unwrap_or(0);
    let start = file.line(first).start;
    let end = file.line(last).end;
    let mut snippet = Snippet::source(same_width(&file.text[start..end]))
        .path(visible(&file.path))
        .line_start(file.position(start).line);
    for (label, span) in labels.iter().zip(spans) {
        let kind = if std::ptr::eq(*label, primary) { AnnotationKind::Primary } else { AnnotationKind::Context };
        let text = (!label.text.is_empty()).then(|| visible(&label.text));
        snippet = snippet.annotation(kind.span(span.start - start..span.end - start).label(text));
    }
    snippet
}

/// A span inside of the file that ends on the line it begins on: what matters is where something starts.
fn narrowed(file: &SourceFile, span: Span) -> Span {
    let line = file.line(span.start);
    let start = span.start.min(line.end);
    let end = span.end.clamp(start, line.end);
    Span::new(start, end)
}

/// Text with every hidden character replaced by a visible one of the same length, so that offsets stay right.
/// ASCII control characters are left to the renderer, which shows each as its picture.
fn same_width(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            _ if character.is_ascii() || !is_hidden(character) => character,
            _ if character.len_utf8() == 2 => '·',
            _ => '\u{fffd}',
        })
        .collect()
}

fn visible(text: &str) -> String {
    visible_lines(text).replace('\n', "␊")
}

fn visible_lines(text: &str) -> String {
    let shown = |character: char| match character {
        '\n' => '\n',
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(character)).unwrap_or('\u{fffd}'),
        _ if is_hidden(character) => '\u{fffd}',
        _ => character,
    };
    text.chars().map(shown).collect()
}

fn one_to_json(diagnostic: &Diagnostic, files: &[SourceFile]) -> serde_json::Value {
    let primary = diagnostic.labels.first();
    let file = primary.and_then(|label| files.iter().find(|file| file.path == label.file));
    let place = |offset: usize| file.map(|file| file.position(offset));
    let range = |span: Span| {
        let (start, end) = (place(span.start), place(span.end));
        serde_json::json!({
            "line": start.map(|start| start.line),
            "column": start.map(|start| start.column),
            "end": end.map(|end| serde_json::json!({ "line": end.line, "column": end.column })),
        })
    };
    let mut json = serde_json::json!({
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": diagnostic.message,
        "label": primary.map(|label| label.text.as_str()).filter(|text| !text.is_empty()),
        "file": primary.map(|label| label.file.as_ref()),
        "help": diagnostic.help,
    });
    let fix = diagnostic.fix.as_ref().map(|fix| {
        let mut json = range(fix.span);
        json["replacement"] = fix.replacement.clone().into();
        json["confidence"] = serde_json::to_value(fix.confidence).unwrap_or_default();
        json
    });
    json["fix"] = fix.unwrap_or_default();
    let place = range(primary.map(|label| label.span).unwrap_or_default());
    for key in ["line", "column", "end"] {
        json[key] = place[key].clone();
    }
    json
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> SourceFile {
        SourceFile::new("flows/new-leads.yaml", "steps:\n    set:\n      emial: ${ record.mail }\n")
    }

    fn unknown_field(file: &SourceFile) -> Diagnostic {
        let start = file.text.find("emial").unwrap();
        let span = Span::new(start, start + 5);
        Diagnostic::error("F0203", "unknown field `emial` of `crm.contacts`")
            .at(&file.path, span, "`hubspot` contacts have no such property")
            .did_you_mean(span, Some(crate::Meant::guess("email")))
    }

    #[test]
    fn people_see_the_line_and_what_to_do() {
        let file = file();
        let shown = render(&[unknown_field(&file)], &[file], Colour::Never);
        assert_eq!(
            shown,
            "error[F0203]: unknown field `emial` of `crm.contacts`
 --> flows/new-leads.yaml:3:7
  |
3 |       emial: ${ record.mail }
  |       ^^^^^ `hubspot` contacts have no such property
  |
  = help: did you mean `email`?

"
        );
    }

    #[test]
    fn long_lines_are_cut_around_their_place() {
        let file = SourceFile::new("a.yaml", &format!("labels: {{{}wrong: 1}}\n", "a: 1, ".repeat(20)));
        let start = file.text.find("wrong").unwrap();
        let diagnostic = Diagnostic::error("F1", "x").at(&file.path, Span::new(start, start + 5), "here");
        let shown = render_within(&[diagnostic], &[file], Colour::Never, 60);
        assert!(shown.lines().all(|line| line.chars().count() <= 60) && shown.contains("wrong: 1"), "{shown}");
    }

    #[test]
    fn colour_changes_no_word() {
        let file = file();
        let diagnostics = [unknown_field(&file)];
        let coloured = render(&diagnostics, std::slice::from_ref(&file), Colour::Always);
        assert!(coloured.contains("\u{1b}["));
        let mut plain = String::new();
        let mut in_escape = false;
        for character in coloured.chars() {
            match character {
                '\u{1b}' => in_escape = true,
                'm' if in_escape => in_escape = false,
                _ if in_escape => {}
                _ => plain.push(character),
            }
        }
        assert_eq!(plain, render(&diagnostics, &[file], Colour::Never));
    }

    #[test]
    fn programs_get_every_place() {
        let file = file();
        let json = to_json(&[unknown_field(&file)], &[file]);
        assert_eq!(
            json,
            serde_json::json!([{
                "code": "F0203", "severity": "error", "message": "unknown field `emial` of `crm.contacts`",
                "label": "`hubspot` contacts have no such property",
                "file": "flows/new-leads.yaml", "line": 3, "column": 7, "end": {"line": 3, "column": 12},
                "help": "did you mean `email`?",
                "fix": {"line": 3, "column": 7, "end": {"line": 3, "column": 12}, "replacement": "email",
                    "confidence": "guess"},
            }])
        );
    }

    #[test]
    fn a_terminal_cannot_be_commanded_by_a_file() {
        let file = SourceFile::new("a\u{1b}.yaml", "name: \u{1b}[2J\u{9b}31m\u{202e}x\n");
        let diagnostic = Diagnostic::error("F0001", "bad \u{1b}[0m\nname")
            .at(&file.path, Span::new(6, 7), "here \u{1b}")
            .help("write\n\u{1b}this");
        let shown = render(&[diagnostic], &[file], Colour::Never);
        assert!(!shown.chars().any(|character| is_hidden(character) && character != '\n'), "{shown:?}");
    }

    #[test]
    fn several_files_are_shown_in_one_diagnostic() {
        let (left, right) = (SourceFile::new("a.yaml", "flow: x\n"), SourceFile::new("b.yaml", "# b\nflow: x\n"));
        let diagnostic = Diagnostic::error("F0108", "two flows are called `x`")
            .at(&right.path, Span::new(10, 11), "the second")
            .at(&left.path, Span::new(6, 7), "the first");
        let shown = render(&[diagnostic], &[left, right], Colour::Never);
        assert!(shown.contains("b.yaml:2:7") && shown.contains("a.yaml:1:7"), "{shown}");
    }
}
