//! What we tell an editor that we can do, and how answers look on the wire.

use lsp_server::{ErrorCode, Message, Notification, Request, RequestId, Response};
use lsp_types::{
    CodeActionKind, CodeActionOptions, CodeActionProvider, CompletionOptions, Contents, DefinitionProvider,
    DocumentFormattingProvider, ExecuteCommandOptions, HoverProvider, InitializeResult, MarkupContent, MarkupKind,
    Save, ServerCapabilities, ServerInfo, TextDocumentSync, TextDocumentSyncKind, TextDocumentSyncOptions,
};
use serde_json::{Value as Json, json};

/// The command that tells what a code means.
pub const EXPLAIN: &str = "millrace.explain";

/// What `initialize` is answered with.
pub fn introduction() -> InitializeResult {
    let sync = TextDocumentSyncOptions {
        open_close: Some(true),
        change: Some(TextDocumentSyncKind::Incremental),
        save: Some(Save::Bool(true)),
        ..TextDocumentSyncOptions::default()
    };
    let completion = CompletionOptions {
        // Where the next word can be known before a letter of it is typed.
        trigger_characters: Some([".", " ", "{", "[", "\"", "("].map(str::to_owned).to_vec()),
        ..CompletionOptions::default()
    };
    let actions = CodeActionOptions {
        code_action_kinds: Some(vec![CodeActionKind::QuickFix, CodeActionKind::SourceFixAll]),
        ..CodeActionOptions::default()
    };
    let commands = ExecuteCommandOptions { commands: vec![EXPLAIN.to_owned()], ..ExecuteCommandOptions::default() };
    InitializeResult {
        capabilities: ServerCapabilities {
            text_document_sync: Some(TextDocumentSync::Options(sync)),
            completion_provider: Some(completion),
            hover_provider: Some(HoverProvider::Bool(true)),
            definition_provider: Some(DefinitionProvider::Bool(true)),
            code_action_provider: Some(CodeActionProvider::CodeActionOptions(actions)),
            document_formatting_provider: Some(DocumentFormattingProvider::Bool(true)),
            execute_command_provider: Some(commands),
            ..ServerCapabilities::default()
        },
        server_info: Some(ServerInfo {
            name: "millrace".to_owned(),
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        }),
    }
}

/// Asks the editor to tell when files of projects change on disk.
pub fn watching() -> Message {
    let watchers: Vec<Json> = ["**/*.yaml", "**/*.yml"].iter().map(|glob| json!({"globPattern": glob})).collect();
    let registration = json!({
        "id": "files",
        "method": "workspace/didChangeWatchedFiles",
        "registerOptions": {"watchers": watchers},
    });
    let parameters = json!({"registrations": [registration]});
    Request::new(RequestId::from("watch".to_owned()), "client/registerCapability".to_owned(), parameters).into()
}

/// A notification of ours.
pub fn told(method: &str, parameters: impl serde::Serialize) -> Message {
    Notification::new(method.to_owned(), parameters).into()
}

/// An answer that could not be given.
pub fn refused(id: RequestId, code: ErrorCode, why: impl Into<String>) -> Response {
    Response::new_err(id, code as i32, why.into())
}

/// Text with marks, as hovers and proposals show it.
pub fn markdown(value: String) -> MarkupContent {
    MarkupContent { kind: MarkupKind::Markdown, value }
}

/// The same for a hover.
pub fn contents(value: String) -> Contents {
    Contents::MarkupContent(markdown(value))
}
