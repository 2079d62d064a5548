//! What is known of the editor's buffers and their projects, and the answer to each message.
//!
//! A mistake of our own in one answer is told as the answer, and takes nothing from the next.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use lsp_server::{ErrorCode, Message, Notification, Request, Response};
use lsp_types::{
    CodeActionRequest, CompletionRequest, DefinitionRequest, Diagnostic as Shown, DidChangeTextDocumentParams,
    DidCloseTextDocumentParams, DidOpenTextDocumentParams, DocumentFormattingRequest, HoverRequest, InitializeParams,
    PublishDiagnosticsParams, Request as Kind, Uri,
};
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};

use super::documents::{Buffer, Documents, path_of};
use super::projects::{Project, folder_of};
use super::{completion, definition, diagnostics, fixes, formatting, hover, protocol};
use crate::explain;

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The editor said that it is enough, and then that we may go.
    AsAgreed,
    /// It went away.
    WithoutAWord,
}

/// How far the conversation has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nobody has said anything.
    Silent,
    /// Everything is answered.
    Open,
    /// It is enough.
    Over,
}

/// One editor's server.
pub struct Server {
    env: Option<String>,
    stage: Stage,
    roots: Vec<PathBuf>,
    /// Whether the editor can be asked to watch files.
    watches: bool,
    documents: Documents,
    projects: BTreeMap<PathBuf, Project>,
    /// Projects of which something may have changed.
    unchecked: BTreeSet<PathBuf>,
    /// Buffers whose text has changed since it was told what is wrong with them.
    untold: BTreeSet<Uri>,
    /// What was told last of each file, where that was not nothing.
    told: BTreeMap<PathBuf, BTreeMap<Uri, Vec<Shown>>>,
}

impl Server {
    /// For connections of this environment.
    pub fn new(env: Option<String>) -> Self {
        Self {
            env,
            stage: Stage::Silent,
            roots: Vec::new(),
            watches: false,
            documents: Documents::default(),
            projects: BTreeMap::new(),
            unchecked: BTreeSet::new(),
            untold: BTreeSet::new(),
            told: BTreeMap::new(),
        }
    }

    /// Takes in a message, and says what is answered; the end, where it is one.
    pub fn take(&mut self, message: Message, out: &mut Vec<Message>) -> Option<End> {
        match message {
            Message::Request(request) => {
                let response = self.answer(request, out);
                out.push(response.into());
                None
            }
            Message::Notification(notification) if notification.method == "exit" => Some(match self.stage {
                Stage::Over => End::AsAgreed,
                Stage::Silent | Stage::Open => End::WithoutAWord,
            }),
            Message::Notification(notification) => {
                if self.stage == Stage::Open {
                    self.note(notification, out);
                }
                None
            }
            // Whether the editor watches files for us, it need not tell.
            Message::Response(_) => None,
        }
    }

    /// Whether something has changed since the last check.
    pub fn has_unchecked(&self) -> bool {
        !self.unchecked.is_empty()
    }

    /// Checks what has changed, and tells what is wrong now.
    pub fn check(&mut self, out: &mut Vec<Message>) {
        for dir in std::mem::take(&mut self.unchecked) {
            let is_open = self.documents.all().any(|buffer| folder_of(&buffer.path, &self.roots) == dir);
            if !is_open {
                self.forget(&dir, out);
                continue;
            }
            let mut project = self.projects.remove(&dir).unwrap_or_else(|| self.new_project(&dir));
            let documents = &self.documents;
            let checked = catch_unwind(AssertUnwindSafe(|| {
                project.check(documents);
                diagnostics::of_project(&project, documents)
            }));
            match checked {
                Ok(found) => {
                    self.tell(&dir, found, out);
                    self.projects.insert(dir, project);
                }
                // What was remembered may be half of something; the next change begins anew.
                Err(_) => out.push(unwell("the check")),
            }
        }
    }

    fn new_project(&self, dir: &std::path::Path) -> Project {
        Project::new(dir.to_owned(), self.env.clone())
    }

    /// Tells of each file what has changed, and of each buffer that was changed what is wrong with its new text.
    fn tell(&mut self, dir: &std::path::Path, found: BTreeMap<Uri, Vec<Shown>>, out: &mut Vec<Message>) {
        let before = self.told.remove(dir).unwrap_or_default();
        let in_project = |uri: &Uri| path_of(uri).is_some_and(|path| folder_of(&path, &self.roots).as_path() == dir);
        let changed: Vec<Uri> = self.untold.iter().filter(|uri| in_project(uri)).cloned().collect();
        let files: BTreeSet<&Uri> = before.keys().chain(found.keys()).chain(&changed).collect();
        for uri in files {
            let now = found.get(uri).cloned().unwrap_or_default();
            if changed.contains(uri) || before.get(uri).map_or(&[][..], Vec::as_slice) != now.as_slice() {
                let version = self.documents.get(uri).map(|buffer| buffer.version);
                out.push(published(uri, version, now));
            }
        }
        self.untold.retain(|uri| !changed.contains(uri));
        self.told.insert(dir.to_owned(), found);
    }

    /// Takes back what was told of a project of which nothing is open any more.
    fn forget(&mut self, dir: &std::path::Path, out: &mut Vec<Message>) {
        self.projects.remove(dir);
        for uri in self.told.remove(dir).unwrap_or_default().into_keys() {
            out.push(published(&uri, None, Vec::new()));
        }
    }

    fn answer(&mut self, request: Request, out: &mut Vec<Message>) -> Response {
        let id = request.id.clone();
        match (self.stage, request.method.as_str()) {
            (Stage::Silent, "initialize") => self.initialize(request),
            (Stage::Silent, _) => protocol::refused(id, ErrorCode::ServerNotInitialized, "`initialize` comes first"),
            (Stage::Open, "initialize") => protocol::refused(id, ErrorCode::InvalidRequest, "this was said already"),
            (Stage::Open, "shutdown") => {
                self.stage = Stage::Over;
                Response::new_ok(id, Json::Null)
            }
            (Stage::Over, _) => protocol::refused(id, ErrorCode::InvalidRequest, "it is over; only `exit` is left"),
            (Stage::Open, _) => {
                let method = request.method.clone();
                let answered = catch_unwind(AssertUnwindSafe(|| self.answer_open(request, out)));
                answered.unwrap_or_else(|_| {
                    out.push(unwell(&format!("`{method}`")));
                    protocol::refused(id, ErrorCode::InternalError, "a mistake of Millrace's own")
                })
            }
        }
    }

    fn initialize(&mut self, request: Request) -> Response {
        let parameters: InitializeParams = match serde_json::from_value(request.params) {
            Ok(parameters) => parameters,
            Err(error) => return protocol::refused(request.id, ErrorCode::InvalidParams, error.to_string()),
        };
        self.stage = Stage::Open;
        let told = serde_json::to_value(&parameters).unwrap_or_default();
        let watching = "/capabilities/workspace/didChangeWatchedFiles/dynamicRegistration";
        self.watches = told.pointer(watching).and_then(Json::as_bool).unwrap_or(false);
        let folders = told["workspaceFolders"].as_array().cloned().unwrap_or_default();
        let roots = folders.iter().map(|folder| &folder["uri"]).chain([&told["rootUri"]]);
        let roots = roots.filter_map(|uri| path_of(&Uri::parse(uri.as_str()?).ok()?));
        self.roots = roots.collect();
        Response::new_ok(request.id, protocol::introduction())
    }

    fn answer_open(&mut self, request: Request, out: &mut Vec<Message>) -> Response {
        let is = |method: lsp_types::LspRequestMethod<'static>| request.method == method.as_str();
        if is(CompletionRequest::METHOD) {
            return respond::<CompletionRequest>(request, |parameters| {
                let at = parameters.text_document_position_params;
                let (project, buffer) = self.place(&at.text_document.uri)?;
                Some(completion::at(project, buffer, at.position))
            });
        }
        if is(HoverRequest::METHOD) {
            return respond::<HoverRequest>(request, |parameters| {
                let at = parameters.text_document_position_params;
                let (project, buffer) = self.place(&at.text_document.uri)?;
                hover::at(project, buffer, at.position)
            });
        }
        if is(DefinitionRequest::METHOD) {
            return respond::<DefinitionRequest>(request, |parameters| {
                let at = parameters.text_document_position_params;
                let (project, buffer) = self.place(&at.text_document.uri)?;
                definition::at(project, buffer, at.position)
            });
        }
        if is(CodeActionRequest::METHOD) {
            // Corrections belong to the text as it is now.
            self.check(out);
            return respond::<CodeActionRequest>(request, |parameters| {
                let (project, buffer) = self.place(&parameters.text_document.uri)?;
                Some(fixes::actions(project, buffer, parameters.range, &parameters.context))
            });
        }
        if is(DocumentFormattingRequest::METHOD) {
            return respond::<DocumentFormattingRequest>(request, |parameters| {
                let (project, buffer) = self.place(&parameters.text_document.uri)?;
                formatting::edits(project, buffer)
            });
        }
        if request.method == "workspace/executeCommand" {
            return self.execute(request, out);
        }
        let why = format!("`{}` is nothing that Millrace answers", request.method);
        protocol::refused(request.id, ErrorCode::MethodNotFound, why)
    }

    /// The buffer that is meant, and its project as it was checked last; for the first time, where it never was.
    fn place(&mut self, uri: &Uri) -> Option<(&mut Project, &Buffer)> {
        let buffer = self.documents.get(uri)?;
        let dir = folder_of(&buffer.path, &self.roots);
        if !self.projects.contains_key(&dir) {
            let mut project = self.new_project(&dir);
            project.check(&self.documents);
            self.projects.insert(dir.clone(), project);
        }
        Some((self.projects.get_mut(&dir)?, buffer))
    }

    /// The one command that there is: what a code means, in a message.
    fn execute(&mut self, request: Request, out: &mut Vec<Message>) -> Response {
        let named = request.params["arguments"][0].as_str();
        let code = named.and_then(explain::find_code);
        if request.params["command"] != protocol::EXPLAIN {
            return protocol::refused(request.id, ErrorCode::InvalidParams, "there is no such command");
        }
        let Some(code) = code else {
            return protocol::refused(request.id, ErrorCode::InvalidParams, "there is no such code");
        };
        let message = format!(
            "{}: {}\n\n{}\n\n`millrace explain {}` shows examples.",
            code.code,
            code.title(),
            code.explanation(),
            code.code
        );
        out.push(protocol::told("window/showMessage", json!({"type": 3, "message": message})));
        Response::new_ok(request.id, code.page)
    }

    fn note(&mut self, notification: Notification, out: &mut Vec<Message>) {
        match notification.method.as_str() {
            "initialized" if self.watches => out.push(protocol::watching()),
            "textDocument/didOpen" => {
                let Some(DidOpenTextDocumentParams { text_document: opened }) = read(notification) else { return };
                self.documents.open(opened.uri.clone(), opened.version, &opened.text);
                self.changed(&opened.uri);
            }
            "textDocument/didChange" => {
                let Some(DidChangeTextDocumentParams { text_document, content_changes }) = read(notification) else {
                    return;
                };
                let uri = text_document.text_document_identifier.uri;
                self.documents.change(&uri, text_document.version, content_changes);
                self.changed(&uri);
            }
            "textDocument/didClose" => {
                let Some(DidCloseTextDocumentParams { text_document }) = read(notification) else { return };
                self.documents.close(&text_document.uri);
                self.changed(&text_document.uri);
            }
            "textDocument/didSave" | "workspace/didChangeWatchedFiles" => {
                self.unchecked.extend(self.projects.keys().cloned());
            }
            // Whatever else happens at the editor changes nothing about flows.
            _ => {}
        }
    }

    fn changed(&mut self, uri: &Uri) {
        if let Some(path) = path_of(uri) {
            self.unchecked.insert(folder_of(&path, &self.roots));
            self.untold.insert(uri.clone());
        }
    }
}

/// Reads what is asked, and answers it.
fn respond<R: Kind>(request: Request, answer: impl FnOnce(R::Params) -> R::Result) -> Response {
    match serde_json::from_value(request.params) {
        Ok(parameters) => Response::new_ok(request.id, answer(parameters)),
        Err(error) => protocol::refused(request.id, ErrorCode::InvalidParams, error.to_string()),
    }
}

/// What a notification says; one that cannot be understood has nobody to be told to.
fn read<T: DeserializeOwned>(notification: Notification) -> Option<T> {
    serde_json::from_value(notification.params).ok()
}

fn published(uri: &Uri, version: Option<i32>, diagnostics: Vec<Shown>) -> Message {
    let parameters = PublishDiagnosticsParams { uri: uri.clone(), version, diagnostics };
    protocol::told("textDocument/publishDiagnostics", parameters)
}

fn unwell(what: &str) -> Message {
    let message = format!("a mistake of Millrace's own stopped {what}; please report it");
    protocol::told("window/logMessage", json!({"type": 1, "message": message}))
}
