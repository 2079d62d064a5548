//! The editors' protocol over pipes: messages with their lengths before them, written and read as the protocol says.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use serde_json::{Value as Json, json};

/// Longer than anything takes on a busy machine; nothing waits for it to pass.
const PATIENCE: Duration = Duration::from_secs(60);

/// A language server at work, which ends with this value.
pub struct Wire {
    pub child: Child,
    /// Nothing, once the editor has hung up.
    pub input: Option<ChildStdin>,
    messages: Receiver<Json>,
}

impl Wire {
    /// Starts a server. What it complains of goes where the command says.
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the binary starts");
        let input = child.stdin.take();
        let output = child.stdout.take().expect("standard output is a pipe");
        let (into, messages) = mpsc::channel();
        std::thread::spawn(move || {
            let mut output = BufReader::new(output);
            while let Some(message) = read(&mut output) {
                if into.send(message).is_err() {
                    return;
                }
            }
        });
        Self { child, input, messages }
    }

    /// Sends a message.
    pub fn send(&mut self, message: &Json) {
        let body = message.to_string();
        let input = self.input.as_mut().expect("it was not hung up");
        write!(input, "Content-Length: {}\r\n\r\n{body}", body.len()).and_then(|()| input.flush()).expect("it listens");
    }

    /// Tells something.
    pub fn tell(&mut self, method: &str, parameters: Json) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": parameters}));
    }

    /// The next message.
    pub fn hear(&mut self) -> Json {
        self.messages.recv_timeout(PATIENCE).expect("it still speaks")
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        // One that has ended cannot be killed, and need not be.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One message, or the end.
fn read(output: &mut BufReader<ChildStdout>) -> Option<Json> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if output.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            header => {
                if let Some(value) = header.strip_prefix("Content-Length: ") {
                    length = value.parse().ok()?;
                }
            }
        }
    }
    let mut body = vec![0; length];
    output.read_exact(&mut body).ok()?;
    serde_json::from_slice(&body).ok()
}
