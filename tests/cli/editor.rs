//! An editor as the protocol wants it: buffers of its own, messages over pipes, and a text that edits are applied to.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::process::Stdio;

use serde_json::{Value as Json, json};

use crate::project::{Project, Said};
use crate::wire::Wire;

/// An editor at work on a project.
pub struct Editor<'a> {
    project: &'a Project,
    wire: Wire,
    n_requests: i64,
    buffers: BTreeMap<String, Buffer>,
    /// What was published last of each file, with the version that it is of.
    published: BTreeMap<String, (Option<i64>, Vec<Json>)>,
    /// Notifications other than those, and requests.
    pub heard: Vec<Json>,
}

struct Buffer {
    version: i64,
    text: String,
}

impl<'a> Editor<'a> {
    /// Starts the server and says who it is.
    pub fn start(project: &'a Project) -> Self {
        let mut editor = Self::silent(project);
        let root = editor.uri("");
        let capabilities = json!({"workspace": {"didChangeWatchedFiles": {"dynamicRegistration": true}}});
        let parameters = json!({"processId": std::process::id(), "rootUri": root, "capabilities": capabilities});
        let answer = editor.ask("initialize", parameters).expect("it can be spoken to");
        assert_eq!(answer["serverInfo"]["name"], "millrace");
        assert_eq!(answer["capabilities"]["textDocumentSync"]["change"], 2, "changes are incremental");
        editor.tell("initialized", json!({}));
        editor
    }

    /// Starts the server, and says nothing.
    pub fn silent(project: &'a Project) -> Self {
        let mut command = project.command(&["lsp", "--stdio"]);
        let wire = Wire::start(command.stderr(Stdio::piped()));
        Self { project, wire, n_requests: 0, buffers: BTreeMap::new(), published: BTreeMap::new(), heard: Vec::new() }
    }

    /// The name of a project's file.
    pub fn uri(&self, path: &str) -> String {
        format!("file://{}", self.project.path(path).display().to_string().trim_end_matches('/'))
    }

    /// Tells something.
    pub fn tell(&mut self, method: &str, parameters: Json) {
        self.wire.tell(method, parameters);
    }

    /// Asks something, and waits for the answer.
    pub fn ask(&mut self, method: &str, parameters: Json) -> Result<Json, Json> {
        self.n_requests += 1;
        let id = self.n_requests;
        self.wire.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": parameters}));
        loop {
            let message = self.hear();
            if message["id"] == id && message.get("method").is_none() {
                return match message.get("error") {
                    Some(error) => Err(error.clone()),
                    None => Ok(message["result"].clone()),
                };
            }
        }
    }

    /// The next message; what is published is noted.
    fn hear(&mut self) -> Json {
        let message = self.wire.hear();
        if message["method"] == "textDocument/publishDiagnostics" {
            let parameters = &message["params"];
            let uri = parameters["uri"].as_str().unwrap_or_default().to_owned();
            let list = parameters["diagnostics"].as_array().cloned().unwrap_or_default();
            self.published.insert(uri, (parameters["version"].as_i64(), list));
        } else if message.get("method").is_some() {
            self.heard.push(message.clone());
        }
        message
    }

    /// Opens a file of the project as it lies there.
    pub fn open(&mut self, path: &str) {
        let text = std::fs::read_to_string(self.project.path(path)).expect("read the file");
        self.open_as(path, &text);
    }

    /// Opens a file with this text.
    pub fn open_as(&mut self, path: &str, text: &str) {
        let document = json!({"uri": self.uri(path), "languageId": "yaml", "version": 1, "text": text});
        self.tell("textDocument/didOpen", json!({"textDocument": document}));
        self.buffers.insert(path.to_owned(), Buffer { version: 1, text: text.to_owned() });
    }

    /// Closes a file.
    pub fn close(&mut self, path: &str) {
        self.buffers.remove(path);
        self.tell("textDocument/didClose", json!({"textDocument": {"uri": self.uri(path)}}));
    }

    /// Types over the first such text of a buffer.
    #[track_caller]
    pub fn replace(&mut self, path: &str, old: &str, new: &str) {
        let start = self.text(path).find(old).expect("what is typed over is there");
        self.splice(path, start, start + old.len(), new);
    }

    /// Types over a range of bytes.
    pub fn splice(&mut self, path: &str, start: usize, end: usize, new: &str) {
        let range = json!({"start": position(self.text(path), start), "end": position(self.text(path), end)});
        let buffer = self.buffers.get_mut(path).expect("it is open");
        buffer.version += 1;
        buffer.text.replace_range(start..end, new);
        let version = buffer.version;
        let document = json!({"uri": self.uri(path), "version": version});
        let changes = json!([{"range": range, "text": new}]);
        self.tell("textDocument/didChange", json!({"textDocument": document, "contentChanges": changes}));
    }

    /// A buffer's text.
    pub fn text(&self, path: &str) -> &str {
        self.buffers.get(path).map_or("", |buffer| &buffer.text)
    }

    /// What is wrong with a buffer as it is now.
    pub fn diagnostics(&mut self, path: &str) -> Vec<Json> {
        let (uri, wanted) = (self.uri(path), self.buffers.get(path).map(|buffer| buffer.version));
        loop {
            if let Some((version, list)) = self.published.get(&uri)
                && *version == wanted
            {
                return list.clone();
            }
            self.hear();
        }
    }

    /// The codes of what is wrong with a buffer as it is now.
    pub fn codes(&mut self, path: &str) -> Vec<String> {
        self.diagnostics(path).iter().map(|one| one["code"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// What was published last of a file that need not be open, once `is_it` is true of it.
    pub fn wait_for(&mut self, path: &str, is_it: impl Fn(&[Json]) -> bool) -> Vec<Json> {
        let uri = self.uri(path);
        loop {
            if let Some((_, list)) = self.published.get(&uri)
                && is_it(list)
            {
                return list.clone();
            }
            self.hear();
        }
    }

    /// Asks about the end of the first such text of a buffer.
    #[track_caller]
    pub fn ask_at(&mut self, method: &str, path: &str, after: &str) -> Json {
        let text = self.text(path);
        let start = text.find(after);
        assert!(start.is_some(), "`{after}` is not in {path}:\n{text}");
        let position = position(text, start.unwrap_or_default() + after.len());
        let parameters = json!({"textDocument": {"uri": self.uri(path)}, "position": position});
        self.ask(method, parameters).expect("it is answered")
    }

    /// What may stand behind the first such text of a buffer.
    #[track_caller]
    pub fn completions(&mut self, path: &str, after: &str) -> Vec<Json> {
        let list = self.ask_at("textDocument/completion", path, after);
        list["items"].as_array().cloned().unwrap_or_default()
    }

    /// The labels of that.
    #[track_caller]
    pub fn labels(&mut self, path: &str, after: &str) -> Vec<String> {
        let label = |item: &Json| item["label"].as_str().unwrap_or_default().to_owned();
        self.completions(path, after).iter().map(label).collect()
    }

    /// Applies edits to a buffer as the protocol says, from the last to the first.
    pub fn apply(&mut self, path: &str, edits: &Json) {
        let mut edits: Vec<Json> = edits.as_array().cloned().unwrap_or_default();
        assert!(!edits.is_empty(), "there is something to apply");
        edits.sort_by_key(|edit| std::cmp::Reverse(offset(self.text(path), &edit["range"]["start"])));
        for edit in edits {
            let text = self.text(path);
            let (start, end) = (offset(text, &edit["range"]["start"]), offset(text, &edit["range"]["end"]));
            self.splice(path, start, end, edit["newText"].as_str().expect("an edit has a text"));
        }
    }

    /// What can be done at the first such text of a buffer.
    pub fn actions(&mut self, path: &str, at: &str, context: &Json) -> Vec<Json> {
        let text = self.text(path);
        let start = text.find(at).expect("it is there");
        let range = json!({"start": position(text, start), "end": position(text, start + at.len())});
        let parameters = json!({"textDocument": {"uri": self.uri(path)}, "range": range, "context": context});
        let actions = self.ask("textDocument/codeAction", parameters).expect("it is answered");
        actions.as_array().cloned().unwrap_or_default()
    }

    /// Says that it is enough, and goes.
    pub fn quit(mut self) -> Said {
        assert_eq!(self.ask("shutdown", Json::Null), Ok(Json::Null));
        self.tell("exit", Json::Null);
        self.ended()
    }

    /// Hangs up, as an editor does that dies.
    pub fn hang_up(mut self) -> Said {
        self.wire.input = None;
        self.ended()
    }

    /// How the server ended.
    pub fn ended(mut self) -> Said {
        let mut err = String::new();
        self.wire.child.stderr.take().expect("standard error is a pipe").read_to_string(&mut err).expect("UTF-8");
        let status = self.wire.child.wait().expect("it ends").code().unwrap_or(-1);
        Said { status, out: String::new(), err }
    }
}

/// A byte's place as editors count: lines, and in them units of UTF-16.
fn position(text: &str, offset: usize) -> Json {
    let before = &text[..offset];
    let line = before.matches('\n').count();
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    json!({"line": line, "character": before[start..].encode_utf16().count()})
}

fn offset(text: &str, position: &Json) -> usize {
    let line = position["line"].as_u64().unwrap_or_default() as usize;
    let unit = position["character"].as_u64().unwrap_or_default() as usize;
    let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let mut units = 0;
    for (at, character) in text[start..].char_indices() {
        if units >= unit {
            return start + at;
        }
        units += character.len_utf16();
    }
    text.len()
}
