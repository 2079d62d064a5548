//! What may stand at the cursor.

use flow::assist::{self, Kind, Proposal};
use lsp_types::{
    CompletionItem, CompletionItemKind, CompletionItemTextEdit, CompletionList, CompletionResponse, Documentation,
    InsertTextFormat, Position, TextEdit,
};

use super::documents::Buffer;
use super::projects::Project;
use super::protocol::markdown;

/// What may stand at a place of a buffer, the best first.
pub fn at(project: &Project, buffer: &Buffer, position: Position) -> CompletionResponse {
    let found = project.ask(buffer, position, assist::propose).unwrap_or_default();
    let range = buffer.range(found.span);
    // Editors compare what is typed with the label; where a quote is typed already, it is compared as well.
    let quote = buffer.file.slice(found.span).chars().next().filter(|first| matches!(first, '"' | '\''));
    let item = |(number, proposal): (usize, Proposal)| CompletionItem {
        filter_text: quote.map(|quote| format!("{quote}{}", proposal.label)),
        label: proposal.label,
        kind: Some(kind(proposal.kind)),
        detail: (!proposal.detail.is_empty()).then_some(proposal.detail),
        documentation: (!proposal.doc.is_empty()).then(|| Documentation::MarkupContent(markdown(proposal.doc))),
        sort_text: Some(format!("{number:04}")),
        insert_text_format: Some(InsertTextFormat::PlainText),
        text_edit: Some(CompletionItemTextEdit::TextEdit(TextEdit { range, new_text: proposal.insert })),
        ..CompletionItem::default()
    };
    let items = found.list.into_iter().enumerate().map(item).collect();
    CompletionResponse::CompletionList(CompletionList { is_incomplete: false, items, ..CompletionList::default() })
}

fn kind(kind: Kind) -> CompletionItemKind {
    match kind {
        Kind::Key => CompletionItemKind::Property,
        Kind::Word => CompletionItemKind::EnumMember,
        Kind::Verb => CompletionItemKind::Keyword,
        Kind::Connection => CompletionItemKind::Module,
        Kind::Object => CompletionItemKind::Class,
        Kind::Action => CompletionItemKind::Event,
        Kind::Flow => CompletionItemKind::File,
        Kind::Field => CompletionItemKind::Field,
        Kind::Option => CompletionItemKind::EnumMember,
        Kind::Name => CompletionItemKind::Variable,
        Kind::Function => CompletionItemKind::Function,
        Kind::Input => CompletionItemKind::Property,
        Kind::Example => CompletionItemKind::Value,
    }
}
