//! Corrections: one for a mistake at the cursor, or all that are certain or prove themselves, as `millrace check --fix`
//! writes them.

use std::collections::HashMap;

use lsp_types::{
    CodeAction, CodeActionContext, CodeActionKind, CodeActionResponse, Command, Diagnostic as Shown, Range, TextEdit,
    WorkspaceEdit,
};
use text::{Confidence, Diagnostic, Span};

use super::documents::Buffer;
use super::projects::Project;
use super::protocol::EXPLAIN;
use crate::explain;

/// What can be done about the mistakes in a range of a buffer.
pub fn actions(
    project: &mut Project,
    buffer: &Buffer,
    range: Range,
    context: &CodeActionContext,
) -> Vec<CodeActionResponse> {
    let shown = project.shown(&buffer.path);
    let wanted = |kind: CodeActionKind| {
        let is_within = |only: &CodeActionKind| {
            let (only, kind) = (word(only), word(&kind));
            only.is_empty() || kind == only || kind.starts_with(&format!("{only}."))
        };
        context.only.as_ref().is_none_or(|only| only.iter().any(is_within))
    };
    let mut actions = Vec::new();
    if wanted(CodeActionKind::QuickFix) {
        let here = Span::new(buffer.offset(range.start), buffer.offset(range.end));
        let touches = |span: Span| span.start <= here.end && here.start <= span.end;
        for diagnostic in &project.diagnostics {
            let Some(label) = diagnostic.labels.first().filter(|label| *label.file == *shown) else { continue };
            if !touches(label.span) && !diagnostic.fix.as_ref().is_some_and(|fix| touches(fix.span)) {
                continue;
            }
            let told = context.diagnostics.iter().filter(|told| is_of(told, diagnostic)).cloned().collect();
            actions.extend(quick_fix(buffer, diagnostic, told));
            actions.extend(explanation(diagnostic.code));
        }
    }
    // Asked for alone, as when a file is saved: a menu at the cursor need not try everything out.
    if context.only.is_some() && wanted(CodeActionKind::SourceFixAll) {
        actions.extend(fix_all(project, buffer, &shown));
    }
    actions.into_iter().map(CodeActionResponse::CodeAction).collect()
}

fn quick_fix(buffer: &Buffer, diagnostic: &Diagnostic, told: Vec<Shown>) -> Option<CodeAction> {
    let fix = diagnostic.fix.as_ref()?;
    let written = buffer.file.slice(fix.span);
    let title = match (written.is_empty(), fix.replacement.is_empty()) {
        (true, _) => format!("Insert `{}`", text::shown(fix.replacement.trim_end())),
        (false, true) => format!("Remove `{}`", text::shown(written)),
        (false, false) => format!("Change to `{}`", text::shown(fix.replacement.trim_end())),
    };
    let edit = TextEdit { range: buffer.range(fix.span), new_text: buffer.file.with_its_breaks(&fix.replacement) };
    Some(CodeAction {
        title,
        kind: Some(CodeActionKind::QuickFix),
        diagnostics: Some(told),
        is_preferred: Some(fix.confidence != Confidence::Guess),
        edit: Some(change(buffer, edit)),
        ..CodeAction::default()
    })
}

/// Where to read about a code.
fn explanation(code: &'static str) -> Option<CodeAction> {
    let title = format!("Explain {code}: {}", explain::find_code(code)?.title());
    let command = Command {
        title: title.clone(),
        command: EXPLAIN.to_owned(),
        arguments: Some(vec![code.into()]),
        ..Command::default()
    };
    Some(CodeAction { title, kind: Some(CodeActionKind::QuickFix), command: Some(command), ..CodeAction::default() })
}

/// All corrections of this buffer that are certain or prove themselves.
fn fix_all(project: &mut Project, buffer: &Buffer, shown: &str) -> Option<CodeAction> {
    let file = project.source(shown)?;
    let mended = text::mend(vec![file], |texts| project.check_with(texts));
    let edit = buffer.edit_to(&mended.files.first()?.text)?;
    Some(CodeAction {
        title: "Put in all corrections".to_owned(),
        kind: Some(CodeActionKind::SourceFixAll),
        edit: Some(change(buffer, edit)),
        ..CodeAction::default()
    })
}

fn change(buffer: &Buffer, edit: TextEdit) -> WorkspaceEdit {
    let changes = HashMap::from([(buffer.uri.clone(), vec![edit])]);
    WorkspaceEdit { changes: Some(changes), ..WorkspaceEdit::default() }
}

/// Whether the editor speaks of this mistake.
fn is_of(told: &Shown, diagnostic: &Diagnostic) -> bool {
    let has_words = match &told.message {
        lsp_types::Message::String(text) => text.starts_with(&diagnostic.message),
        lsp_types::Message::MarkupContent(content) => content.value.starts_with(&diagnostic.message),
    };
    has_words && told.code == Some(lsp_types::Code::String(diagnostic.code.to_owned()))
}

fn word(kind: &CodeActionKind) -> String {
    serde_json::to_value(kind).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}
